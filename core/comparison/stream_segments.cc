#include "core/comparison/stream_segments.h"

#include <algorithm>

namespace normd {

void StreamSegments::Add(Tokens tokens) {
  while (tokens.count > 0) {
    if (segments_.empty() || segments_.back().count == static_cast<double>(length_)) {
      if (segments_.size() == kMost) {
        for (size_t i = 0; i < kMost / 2; ++i) segments_[i] = Merged(2 * i, 2 * i + 2);
        segments_.resize(kMost / 2, Moments(channels_));
        length_ *= 2;
      }
      segments_.emplace_back(channels_);
    }
    Moments& last = segments_.back();
    const int64_t size = std::min(tokens.count, length_ - static_cast<int64_t>(last.count));
    const Tokens part = tokens.Slice(0, size);
    scratch_.Compute(part.data, part.layout());
    last.Merge(scratch_);
    tokens = tokens.Slice(size, tokens.count - size);
  }
}

Moments StreamSegments::Merged(size_t begin, size_t end) const {
  Moments result(channels_);
  for (size_t i = begin; i < end; ++i) result.Merge(segments_[i]);
  return result;
}

}  // namespace normd
