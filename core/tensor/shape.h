// Shapes of dense row-major tensors.
#ifndef NORMD_CORE_TENSOR_SHAPE_H_
#define NORMD_CORE_TENSOR_SHAPE_H_

#include <cstdint>
#include <string>

#include "absl/container/inlined_vector.h"
#include "absl/status/statusor.h"
#include "absl/types/span.h"

namespace normd {

inline constexpr int kMaxRank = 8;

// The size of each dimension, outermost first.
using Shape = absl::InlinedVector<int64_t, kMaxRank>;

// The number of elements. INVALID_ARGUMENT (field "shape") where a dimension is below 1, where
// there are more than kMaxRank or none, or where the product does not fit an int64.
absl::StatusOr<int64_t> ElementCount(absl::Span<const int64_t> shape);

// "[2, 3]", for messages.
std::string ToString(absl::Span<const int64_t> shape);

}  // namespace normd

#endif  // NORMD_CORE_TENSOR_SHAPE_H_
