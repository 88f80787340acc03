// How many lines of one kind the log takes: of those that clients bring about as fast as they like.
#ifndef NORMD_SERVER_OBSERVABILITY_LINE_LIMIT_H_
#define NORMD_SERVER_OBSERVABILITY_LINE_LIMIT_H_

#include <cstdint>
#include <mutex>

#include "absl/time/time.h"

namespace normd::server {

// Thread-safe.
class LineLimit {
 public:
  // So many lines in each `window`.
  LineLimit(int64_t lines, absl::Duration window) : lines_(lines), window_(window) {}

  // Whether a line may be written at `now`. Sets `left_out` to how many were not in the window
  // before, at the first of a new one; to 0 otherwise.
  bool Allows(absl::Time now, int64_t* left_out) {
    const std::lock_guard lock(mutex_);
    *left_out = 0;
    if (now - begin_ >= window_) {
      if (written_ > lines_) *left_out = written_ - lines_;
      begin_ = now;
      written_ = 0;
    }
    return ++written_ <= lines_;
  }

 private:
  const int64_t lines_;
  const absl::Duration window_;
  std::mutex mutex_;  // guards what follows
  absl::Time begin_ = absl::InfinitePast();
  int64_t written_ = 0;  // those asked for, in this window
};

}  // namespace normd::server

#endif  // NORMD_SERVER_OBSERVABILITY_LINE_LIMIT_H_
