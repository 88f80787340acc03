// Random numbers that are the same on every machine.
#ifndef NORMD_CORE_COMPARISON_SEEDED_RANDOM_H_
#define NORMD_CORE_COMPARISON_SEEDED_RANDOM_H_

#include <cstdint>
#include <utility>
#include <vector>

namespace normd {

// SplitMix64 (Steele, Lea and Flood 2014). A value.
class SeededRandom {
 public:
  explicit SeededRandom(uint64_t seed) : state_(seed) {}

  uint64_t Next() {
    state_ += 0x9E3779B97F4A7C15;
    uint64_t value = state_;
    value = (value ^ (value >> 30)) * 0xBF58476D1CE4E5B9;
    value = (value ^ (value >> 27)) * 0x94D049BB133111EB;
    return value ^ (value >> 31);
  }

  // From 0 to `end` - 1, every one as likely but for 2^-64 * end.
  int64_t Below(int64_t end) {
    return static_cast<int64_t>(
        static_cast<uint64_t>((static_cast<unsigned __int128>(Next()) * end) >> 64));
  }

 private:
  uint64_t state_;
};

// Every order as likely (Fisher and Yates).
template <typename T>
void Shuffle(SeededRandom& random, std::vector<T>& values) {
  for (size_t i = values.size(); i > 1; --i) {
    std::swap(values[i - 1], values[static_cast<size_t>(random.Below(static_cast<int64_t>(i)))]);
  }
}

}  // namespace normd

#endif  // NORMD_CORE_COMPARISON_SEEDED_RANDOM_H_
