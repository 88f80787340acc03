// What glibc's allocator keeps of messages that come and go.
#ifndef NORMD_SERVER_ASYNC_FREE_MEMORY_H_
#define NORMD_SERVER_ASYNC_FREE_MEMORY_H_

namespace normd::server {

// Keeps up to 8 MiB that are free at the end of each arena. Unless told otherwise, glibc gives
// pages back to the system with each message of some KiB and takes them anew: a token of 16 KiB
// then costs 1.15 times, a chunk of 128 KiB 1.5 times what it does so; and 1.2 times where only
// 4 MiB are kept, on 16 streams. Messages above 1 MiB are given back at once.
void KeepFreeMemory();

// Gives back what is free in all arenas. Not what is free at the ends of the threads' arenas:
// glibc leaves that to frees in them.
void ReturnKeptMemory();

// Gives back what is free at the end of the calling thread's arena.
void ReturnKeptMemoryOfThread();

}  // namespace normd::server

#endif  // NORMD_SERVER_ASYNC_FREE_MEMORY_H_
