// Whether nobody waits any more for what is computed.
#ifndef NORMD_CORE_COMPARISON_STOP_REQUEST_H_
#define NORMD_CORE_COMPARISON_STOP_REQUEST_H_

#include <cstdint>

#include "absl/functional/function_ref.h"

namespace normd {

// Asks while there is much to do; once the answer was yes, that is final. Not thread-safe.
class StopRequest {
 public:
  // `is_asked`, which may take some 100 ns, must outlive it.
  explicit StopRequest(absl::FunctionRef<bool()> is_asked) : is_asked_(is_asked) {}

  bool IsMade() {
    seen_ = 0;
    is_made_ = is_made_ || is_asked_();
    return is_made_;
  }

  // The same before so many tokens are gone through, without asking for each of a few.
  bool IsMadeBefore(int64_t tokens) {
    seen_ += tokens;
    return seen_ < kTokensBetween ? is_made_ : IsMade();
  }

 private:
  static constexpr int64_t kTokensBetween = 256;

  absl::FunctionRef<bool()> is_asked_;
  bool is_made_ = false;
  int64_t seen_ = 0;  // since it asked
};

}  // namespace normd

#endif  // NORMD_CORE_COMPARISON_STOP_REQUEST_H_
