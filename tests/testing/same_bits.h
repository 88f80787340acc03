// Equality bit for bit: tells 0 from -0, and one NaN from another.
#ifndef NORMD_TESTS_TESTING_SAME_BITS_H_
#define NORMD_TESTS_TESTING_SAME_BITS_H_

#include <cstring>
#include <vector>

namespace normd::testing {

template <class T>
bool SameBits(const std::vector<T>& a, const std::vector<T>& b) {
  return a.size() == b.size() &&
         (a.empty() || std::memcmp(a.data(), b.data(), a.size() * sizeof(T)) == 0);
}

}  // namespace normd::testing

#endif  // NORMD_TESTS_TESTING_SAME_BITS_H_
