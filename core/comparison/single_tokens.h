// Tokens one by one, by their places.
#ifndef NORMD_CORE_COMPARISON_SINGLE_TOKENS_H_
#define NORMD_CORE_COMPARISON_SINGLE_TOKENS_H_

#include <cstddef>
#include <cstdint>
#include <vector>

#include "core/comparison/seeded_random.h"
#include "core/comparison/tokens.h"

namespace normd {

// Does not own them; of many tokens there may be little room for places. All are of one type and
// width. A value.
class SingleTokens {
 public:
  static constexpr int64_t kBytesOfPlace = sizeof(const char*);

  // Each of them.
  void Add(const Tokens& tokens) {
    type_ = tokens.data.type;
    channels_ = tokens.channels;
    for (int64_t i = 0; i < tokens.count; ++i) places_.push_back(tokens.Get(i).As<char>());
  }
  void Reserve(int64_t tokens) { places_.reserve(tokens); }

  size_t size() const { return places_.size(); }
  bool empty() const { return places_.empty(); }
  Tokens operator[](size_t i) const { return {{type_, places_[i]}, 1, channels_}; }

  void ShuffleBy(SeededRandom& random) { Shuffle(random, places_); }

  // The last `count` of them, which are no longer here.
  SingleTokens TakeLast(size_t count) {
    SingleTokens last;
    last.type_ = type_;
    last.channels_ = channels_;
    last.places_.assign(places_.end() - static_cast<int64_t>(count), places_.end());
    places_.resize(places_.size() - count);
    return last;
  }

 private:
  ElementType type_ = ElementType::kFloat32;
  int64_t channels_ = 0;
  std::vector<const char*> places_;
};

}  // namespace normd

#endif  // NORMD_CORE_COMPARISON_SINGLE_TOKENS_H_
