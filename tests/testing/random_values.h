// Random numbers that are the same at every call with the same arguments.
#ifndef NORMD_TESTS_TESTING_RANDOM_VALUES_H_
#define NORMD_TESTS_TESTING_RANDOM_VALUES_H_

#include <algorithm>
#include <cstdint>
#include <random>
#include <vector>

namespace normd::testing {

// Normal values about `mean`.
inline std::vector<float> RandomFloats(int64_t size, float mean = 3, float deviation = 10,
                                       int seed = 1) {
  std::mt19937 generator(static_cast<uint32_t>(size) * 7919 + static_cast<uint32_t>(seed));
  std::normal_distribution<float> normal(mean, deviation);
  std::vector<float> values(size);
  for (float& value : values) value = normal(generator);
  return values;
}

// Uniform values from `low` to `high`.
inline std::vector<double> RandomDoubles(int64_t size, double low, double high, int seed = 1) {
  std::mt19937_64 generator(seed);
  std::uniform_real_distribution<double> uniform(low, high);
  std::vector<double> values(size);
  for (double& value : values) value = uniform(generator);
  return values;
}

// Positive parts that add up to `total`, in random sizes from 1 to `largest`.
inline std::vector<int64_t> RandomPartition(int64_t total, int64_t largest, int seed) {
  std::mt19937_64 generator(seed);
  std::uniform_int_distribution<int64_t> size(1, largest);
  std::vector<int64_t> parts;
  while (total > 0) {
    parts.push_back(std::min(total, size(generator)));
    total -= parts.back();
  }
  return parts;
}

}  // namespace normd::testing

#endif  // NORMD_TESTS_TESTING_RANDOM_VALUES_H_
