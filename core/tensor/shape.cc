#include "core/tensor/shape.h"

#include <limits>

#include "absl/strings/str_cat.h"
#include "absl/strings/str_join.h"
#include "core/error/error.h"

namespace normd {

absl::StatusOr<int64_t> ElementCount(absl::Span<const int64_t> shape) {
  if (shape.empty() || shape.size() > kMaxRank) {
    return InvalidFieldError("shape", absl::StrCat("has ", shape.size(), " dimensions; 1 to ",
                                                   kMaxRank, " are allowed"));
  }
  int64_t count = 1;
  for (int64_t dimension : shape) {
    if (dimension < 1) {
      return InvalidFieldError(
          "shape", absl::StrCat(ToString(shape), " has a dimension below 1: ", dimension));
    }
    if (count > std::numeric_limits<int64_t>::max() / dimension) {
      return InvalidFieldError(
          "shape", absl::StrCat(ToString(shape), " has more elements than an int64 can count"));
    }
    count *= dimension;
  }
  return count;
}

std::string ToString(absl::Span<const int64_t> shape) {
  return absl::StrCat("[", absl::StrJoin(shape, ", "), "]");
}

}  // namespace normd
