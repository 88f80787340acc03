#include "server/async/free_memory.h"

#include <malloc.h>

#include <cstdlib>
#include <mutex>

namespace normd::server {

void KeepFreeMemory() {
  mallopt(M_TRIM_THRESHOLD, 8 << 20);
  mallopt(M_MMAP_THRESHOLD, 1 << 20);
}

void ReturnKeptMemory() { malloc_trim(0); }

void ReturnKeptMemoryOfThread() {
  // The threshold is the process's: none may raise it before another's block is free.
  static std::mutex mutex;
  const std::lock_guard lock(mutex);
  mallopt(M_TRIM_THRESHOLD, 0);
  // glibc looks at an arena's end where at least 64 KiB become free in it.
  void* volatile block = std::malloc(128 << 10);
  std::free(block);
  KeepFreeMemory();
}

}  // namespace normd::server
