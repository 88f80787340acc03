// How work is split among an Executor's threads. The bits of results do not depend on it.
#ifndef NORMD_CORE_KERNELS_PARTS_H_
#define NORMD_CORE_KERNELS_PARTS_H_

#include <algorithm>
#include <atomic>
#include <cstdint>

#include "absl/functional/function_ref.h"
#include "core/kernels/executor.h"

namespace normd::kernels {

// What a part reads and writes, at least: less is done before another thread has woken up. And how
// many parts there are for each thread, at most: one that is held up leaves its share to others.
inline constexpr int64_t kLeastPartBytes = 1 << 20;
inline constexpr int64_t kPartsPerThread = 4;

// Items [begin, end) of an array.
struct Part {
  int64_t begin = 0;
  int64_t end = 0;

  int64_t size() const { return end - begin; }
};

// Calls body(part) for parts of [0, count), whose items read and write `item_bytes` each; all but
// the last are a multiple of `step` long.
inline void ForEachPart(Executor& executor, int64_t count, int64_t step, int64_t item_bytes,
                        absl::FunctionRef<void(Part)> body) {
  const int64_t steps = (count + step - 1) / step;
  const int64_t most = executor.width() == 1 ? 1 : executor.width() * kPartsPerThread;
  const int64_t parts =
      std::clamp<int64_t>(count * item_bytes / kLeastPartBytes, 1, std::min(steps, most));
  if (parts == 1) return body({0, count});
  executor.Run(parts, [&](int64_t part) {
    body({steps * part / parts * step, std::min(count, steps * (part + 1) / parts * step)});
  });
}

// Outputs of so many bytes go past the caches: what was written first has left them before anyone
// reads it. Smaller ones will be read next, by who sends them.
inline constexpr int64_t kLeastOutputPastCaches = 8 << 20;

// ForEachPart, with a body that tells whether all elements were finite.
inline bool AllFiniteInParts(Executor& executor, int64_t count, int64_t item_bytes,
                             absl::FunctionRef<bool(Part)> body) {
  std::atomic<bool> all_finite = true;
  ForEachPart(executor, count, 1, item_bytes, [&](Part part) {
    if (!body(part)) all_finite.store(false, std::memory_order_relaxed);
  });
  return all_finite.load(std::memory_order_relaxed);
}

}  // namespace normd::kernels

#endif  // NORMD_CORE_KERNELS_PARTS_H_
