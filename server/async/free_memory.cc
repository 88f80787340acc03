#include "server/async/free_memory.h"

#include <malloc.h>

namespace normd::server {

void KeepFreeMemory() {
  mallopt(M_TRIM_THRESHOLD, 8 << 20);
  mallopt(M_MMAP_THRESHOLD, 1 << 20);
}

}  // namespace normd::server
