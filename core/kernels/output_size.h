// What is stored past the caches.
#ifndef NORMD_CORE_KERNELS_OUTPUT_SIZE_H_
#define NORMD_CORE_KERNELS_OUTPUT_SIZE_H_

#include <cstdint>

namespace normd::kernels {

// Outputs of so many bytes go past the caches, where vectors divide their spans and address: what
// was written first has left the caches before anyone reads it. Smaller ones will be read next, by
// who sends them.
inline constexpr int64_t kLeastOutputPastCaches = 8 << 20;

}  // namespace normd::kernels

#endif  // NORMD_CORE_KERNELS_OUTPUT_SIZE_H_
