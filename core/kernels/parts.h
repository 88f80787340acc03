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

// How many parts ForEachPart makes, at most.
inline int64_t MostParts(const Executor& executor) {
  return executor.width() == 1 ? 1 : executor.width() * kPartsPerThread;
}

// Calls body(part) for parts of [0, count), whose items read and write `item_bytes` each; all but
// the last are a multiple of `step` long.
inline void ForEachPart(Executor& executor, int64_t count, int64_t step, int64_t item_bytes,
                        absl::FunctionRef<void(Part)> body) {
  if (count == 0) return;
  const int64_t width = executor.width();
  const int64_t steps = (count + step - 1) / step;
  int64_t parts = std::clamp<int64_t>(count * item_bytes / kLeastPartBytes, 1,
                                      std::min(steps, MostParts(executor)));
  if (parts > width) parts -= parts % width;  // all threads as many
  if (parts == 1) return body({0, count});
  executor.Run(parts, [&](int64_t part) {
    body({steps * part / parts * step, std::min(count, steps * (part + 1) / parts * step)});
  });
}

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
