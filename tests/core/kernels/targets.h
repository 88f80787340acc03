// Runs code on each SIMD target that is compiled in and that this processor has.
#ifndef NORMD_TESTS_CORE_KERNELS_TARGETS_H_
#define NORMD_TESTS_CORE_KERNELS_TARGETS_H_

#include <gtest/gtest.h>

#include <cstdint>
#include <cstring>
#include <random>
#include <vector>

#include "core/kernels/epsilon.h"
#include "core/kernels/portable.h"
#include "hwy/highway.h"
#include "hwy/targets.h"

namespace normd::kernels {

inline constexpr EpsilonPlacement kPlacements[] = {
    EpsilonPlacement::kInsideRoot, EpsilonPlacement::kOutsideRoot, EpsilonPlacement::kClampVariance,
    EpsilonPlacement::kClampDeviation};

template <class Body>
void ForEachTarget(Body body) {
  const int64_t supported = hwy::SupportedTargets() & HWY_TARGETS;
  for (int64_t rest = supported; rest != 0; rest &= rest - 1) {
    const int64_t target = rest & -rest;
    SCOPED_TRACE(hwy::TargetName(target));
    hwy::SetSupportedTargetsForTest(target);
    hwy::GetChosenTarget().Update(target);
    body();
  }
  hwy::SetSupportedTargetsForTest(0);
  hwy::GetChosenTarget().DeInit();
}

// Floats at any address, as in a message.
class FloatsAt {
 public:
  FloatsAt(const std::vector<float>& values, int offset) : size_(values.size()) {
    bytes_.resize(offset + values.size() * sizeof(float));
    begin_ = bytes_.data() + offset;
    if (size_ > 0) std::memcpy(begin_, values.data(), size_ * sizeof(float));
  }
  float* data() { return reinterpret_cast<float*>(begin_); }
  std::vector<float> values() const {
    std::vector<float> values(size_);
    if (size_ > 0) std::memcpy(values.data(), begin_, size_ * sizeof(float));
    return values;
  }

 private:
  size_t size_;
  std::vector<char> bytes_;
  char* begin_;
};

template <class T>
bool SameBits(const std::vector<T>& a, const std::vector<T>& b) {
  return a.size() == b.size() && std::memcmp(a.data(), b.data(), a.size() * sizeof(T)) == 0;
}

// Normal values about `mean`, the same at every call with the same arguments.
inline std::vector<float> RandomFloats(int64_t size, float mean = 3, float deviation = 10) {
  std::mt19937 generator(static_cast<uint32_t>(size) * 7919 + 1);
  std::normal_distribution<float> normal(mean, deviation);
  std::vector<float> values(size);
  for (float& value : values) value = normal(generator);
  return values;
}

inline std::vector<double> RandomDoubles(int64_t size, double low, double high, int seed = 1) {
  std::mt19937_64 generator(seed);
  std::uniform_real_distribution<double> uniform(low, high);
  std::vector<double> values(size);
  for (double& value : values) value = uniform(generator);
  return values;
}

}  // namespace normd::kernels

#endif  // NORMD_TESTS_CORE_KERNELS_TARGETS_H_
