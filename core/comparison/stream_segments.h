// The statistics of a stream's parts, in order.
#ifndef NORMD_CORE_COMPARISON_STREAM_SEGMENTS_H_
#define NORMD_CORE_COMPARISON_STREAM_SEGMENTS_H_

#include <cstdint>
#include <vector>

#include "core/comparison/tokens.h"
#include "core/statistics/moments.h"

namespace normd {

// 32 to 64 segments of equal length, but for the last one, and of shorter streams fewer. A value;
// what it holds does not grow.
class StreamSegments {
 public:
  explicit StreamSegments(int64_t channels) : channels_(channels), scratch_(channels) {}

  void Add(Tokens tokens);

  const std::vector<Moments>& segments() const { return segments_; }
  // Segments [begin, end), together.
  Moments Merged(size_t begin, size_t end) const;
  Moments All() const { return Merged(0, segments_.size()); }

 private:
  static constexpr size_t kMost = 64;

  int64_t channels_;
  int64_t length_ = 1;  // of a segment, tokens
  std::vector<Moments> segments_;
  Moments scratch_;
};

}  // namespace normd

#endif  // NORMD_CORE_COMPARISON_STREAM_SEGMENTS_H_
