// Tokens: one value of every channel each, one after the other.
#ifndef NORMD_CORE_COMPARISON_TOKENS_H_
#define NORMD_CORE_COMPARISON_TOKENS_H_

#include <cstdint>

#include "core/tensor/channel_layout.h"
#include "core/tensor/element_type.h"

namespace normd {

// Does not own them.
struct Tokens {
  ConstElements data;
  int64_t count = 0;
  int64_t channels = 0;
  const char* padding = nullptr;  // of each token, 0 where it is none; null: none is

  ChannelLayout layout() const { return {count, channels, 1}; }
  ConstElements Get(int64_t i) const { return data.From(i * channels); }
  Tokens Slice(int64_t begin, int64_t size) const {
    return {Get(begin), size, channels, padding == nullptr ? nullptr : padding + begin};
  }
  int64_t bytes() const { return count * channels * SizeOf(data.type); }
};

}  // namespace normd

#endif  // NORMD_CORE_COMPARISON_TOKENS_H_
