// Runs code on each SIMD target that is compiled in and that this processor has.
#ifndef NORMD_TESTS_CORE_KERNELS_TARGETS_H_
#define NORMD_TESTS_CORE_KERNELS_TARGETS_H_

#include <gtest/gtest.h>

#include <cstdint>
#include <cstring>
#include <utility>
#include <vector>

#include "core/kernels/epsilon.h"
#include "core/kernels/portable.h"
#include "core/kernels/row_kernels.h"
#include "hwy/highway.h"
#include "hwy/targets.h"
#include "tests/testing/random_values.h"
#include "tests/testing/same_bits.h"

namespace normd::kernels {

using ::normd::testing::RandomDoubles;
using ::normd::testing::RandomFloats;
using ::normd::testing::SameBits;

inline constexpr EpsilonPlacement kPlacements[] = {
    EpsilonPlacement::kInsideRoot, EpsilonPlacement::kOutsideRoot, EpsilonPlacement::kClampVariance,
    EpsilonPlacement::kClampDeviation};

inline constexpr RowStatistic kStatistics[] = {
    RowStatistic::kMeanVariance, RowStatistic::kMeanSquare,       RowStatistic::kSquareSum,
    RowStatistic::kMagnitudeSum, RowStatistic::kLargestMagnitude, RowStatistic::kExtremes,
    RowStatistic::kNone};

// gamma and beta of rows, as float64 and as float32.
class RowAffine {
 public:
  RowAffine(std::vector<double> gamma, std::vector<double> beta)
      : gamma_(std::move(gamma)),
        beta_(std::move(beta)),
        narrow_gamma_(gamma_.begin(), gamma_.end()),
        narrow_beta_(beta_.begin(), beta_.end()) {}

  RowNorm In(RowNorm norm, bool has_gamma = true, bool has_beta = true) const {
    norm.gamma = has_gamma ? gamma_.data() : nullptr;
    norm.beta = has_beta ? beta_.data() : nullptr;
    norm.narrow_gamma = has_gamma ? narrow_gamma_.data() : nullptr;
    norm.narrow_beta = has_beta ? narrow_beta_.data() : nullptr;
    return norm;
  }
  // Without the float32.
  RowNorm WideIn(RowNorm norm) const {
    norm.gamma = gamma_.data();
    norm.beta = beta_.data();
    return norm;
  }

 private:
  std::vector<double> gamma_, beta_;
  std::vector<float> narrow_gamma_, narrow_beta_;
};

template <class Body>
void ForEachTarget(Body body) {
#if HWY_TARGETS == HWY_STATIC_TARGET  // nothing is chosen at run time
  SCOPED_TRACE(hwy::TargetName(HWY_STATIC_TARGET));
  body();
#else
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
#endif
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

}  // namespace normd::kernels

#endif  // NORMD_TESTS_CORE_KERNELS_TARGETS_H_
