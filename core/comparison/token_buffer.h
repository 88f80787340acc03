// Tokens that are copied one behind the other.
#ifndef NORMD_CORE_COMPARISON_TOKEN_BUFFER_H_
#define NORMD_CORE_COMPARISON_TOKEN_BUFFER_H_

#include <algorithm>
#include <cstdint>
#include <vector>

#include "core/comparison/tokens.h"

namespace normd {

// Owns them. All are of one type and width. A value.
class TokenBuffer {
 public:
  // `most`: tokens that it will ever hold, for which it takes no more memory; 0: it is not known.
  explicit TokenBuffer(int64_t most = 0) : most_(most) {}

  void Add(const Tokens& tokens) {
    if (tokens.count == 0) return;
    const char* const begin = tokens.data.As<char>();
    const auto needed = bytes_.size() + static_cast<size_t>(tokens.bytes());
    const auto full = static_cast<size_t>(most_ * tokens.bytes() / tokens.count);
    if (needed > bytes_.capacity() && needed <= full) {
      bytes_.reserve(std::min(std::max(needed, 2 * bytes_.capacity()), full));
    }
    bytes_.insert(bytes_.end(), begin, begin + tokens.bytes());
    if (tokens.padding != nullptr) {
      padding_.resize(count_);
      padding_.insert(padding_.end(), tokens.padding, tokens.padding + tokens.count);
    } else if (!padding_.empty()) {
      padding_.resize(count_ + tokens.count);
    }
    type_ = tokens.data.type;
    channels_ = tokens.channels;
    count_ += tokens.count;
  }

  void Clear() {
    count_ = 0;
    bytes_.clear();
    padding_.clear();
  }
  void ShrinkToFit() {
    bytes_.shrink_to_fit();
    padding_.shrink_to_fit();
  }

  int64_t count() const { return count_; }
  int64_t bytes() const { return static_cast<int64_t>(bytes_.size()); }
  // Until it changes.
  Tokens Get() const {
    return {
        {type_, bytes_.data()}, count_, channels_, padding_.empty() ? nullptr : padding_.data()};
  }

 private:
  int64_t most_;
  ElementType type_ = ElementType::kFloat32;
  int64_t channels_ = 0;
  int64_t count_ = 0;
  std::vector<char> bytes_;
  std::vector<char> padding_;  // empty: there is none
};

}  // namespace normd

#endif  // NORMD_CORE_COMPARISON_TOKEN_BUFFER_H_
