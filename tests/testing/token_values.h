// Values as tokens of a comparison.
#ifndef NORMD_TESTS_TESTING_TOKEN_VALUES_H_
#define NORMD_TESTS_TESTING_TOKEN_VALUES_H_

#include <cstdint>
#include <vector>

#include "core/comparison/tokens.h"
#include "core/statistics/moments.h"

namespace normd::testing {

// Does not own them.
template <typename T>
Tokens TokensOf(const std::vector<T>& values, int64_t channels) {
  return {values.data(), static_cast<int64_t>(values.size()) / channels, channels};
}

// float32 tokens, one after the other.
inline std::vector<float> ValuesOf(const Tokens& tokens) {
  const auto* begin = tokens.data.As<float>();
  return {begin, begin + tokens.count * tokens.channels};
}

inline Moments MomentsOf(const Tokens& tokens) {
  Moments result(tokens.channels);
  result.Compute(tokens.data, tokens.layout());
  return result;
}

// 0, 1, 2, ...
inline std::vector<float> Numbers(int64_t size) {
  std::vector<float> values;
  for (int64_t i = 0; i < size; ++i) values.push_back(static_cast<float>(i));
  return values;
}

}  // namespace normd::testing

#endif  // NORMD_TESTS_TESTING_TOKEN_VALUES_H_
