// What glibc's allocator keeps of messages that come and go.
#ifndef NORMD_SERVER_ASYNC_FREE_MEMORY_H_
#define NORMD_SERVER_ASYNC_FREE_MEMORY_H_

namespace normd::server {

// Keeps up to 8 MiB that are free at the end of each arena, of which glibc has one a thread. Unless
// told otherwise, it gives pages back to the system with each message of some KiB and takes them
// anew: a token of 16 KiB then costs 1.15 times, a chunk of 128 KiB 1.5 times what it does so; and
// 1.2 times where only 4 MiB are kept, on 16 streams. Messages above 1 MiB are given back at once.
// malloc_trim leaves these ends: with 32 MiB, half of what large messages took stayed for good.
void KeepFreeMemory();

}  // namespace normd::server

#endif  // NORMD_SERVER_ASYNC_FREE_MEMORY_H_
