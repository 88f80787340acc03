// How large a message may be that is answered on its event loop's thread. Larger ones would hold up
// the small ones of other streams there: they are answered on the pool.
#ifndef NORMD_SERVER_RPC_INLINE_LIMIT_H_
#define NORMD_SERVER_RPC_INLINE_LIMIT_H_

#include <algorithm>
#include <cstdint>

#include "core/method/normalizer.h"
#include "core/tensor/element_type.h"

namespace normd::server {

// What a message costs is known by its size alone, before it is parsed: its bytes, once for each
// method, and more where what shares statistics is small. tests/bench/compute_cost.cc measures what
// is written here as bytes.
class InlineLimit {
 public:
  // Of messages that no method is known for, and of long rows for one method.
  explicit InlineLimit(int64_t bytes) : most_(bytes) {}

  // Messages are rows of elements of `type` for one more method.
  void Add(const Normalizer& normalizer, ElementType type);
  // They cost so much more, whatever their size.
  void AddFixed(int64_t bytes) { fixed_ += bytes; }

  // What a message may have.
  int64_t bytes() const {
    const auto left = static_cast<double>(std::max<int64_t>(0, most_ - fixed_));
    return static_cast<int64_t>(left / std::max(1.0, cost_per_byte_));
  }

 private:
  const int64_t most_;
  int64_t fixed_ = 0;
  double cost_per_byte_ = 0;  // of all methods
};

}  // namespace normd::server

#endif  // NORMD_SERVER_RPC_INLINE_LIMIT_H_
