// Inputs on which other libraries lost digits or everything, under the names of the issues that
// reported them, against textbook formulas in long double: for every method, from every type that
// holds the numbers to every type.
#include <gtest/gtest.h>

#include <algorithm>
#include <cmath>

#include "core/kernels/channel_kernels.h"
#include "core/kernels/row_kernels.h"
#include "tests/core/kernels/targets.h"
#include "tests/testing/row_reference.h"
#include "tests/testing/typed_values.h"

namespace normd::kernels {
namespace {

using ::normd::testing::kElementTypes;
using ::normd::testing::NameOf;
using ::normd::testing::TypedValues;

// Half a unit of a 16-bit type's last place at `value`. Of the others it is far below the bound.
double RoundingError(ElementType type, long double value) {
  if (SizeOf(type) > 2) return 0;
  const bool is_float16 = type == ElementType::kFloat16;
  const int exponent = std::max(std::ilogb(value), is_float16 ? -14 : -126);
  return std::ldexp(0.5, exponent - (is_float16 ? 10 : 7));
}

void ExpectNear(const TypedValues& y, const std::vector<long double>& expected) {
  const std::vector<double> actual = y.values();
  ASSERT_EQ(actual.size(), expected.size());
  for (size_t i = 0; i < expected.size(); ++i) {
    ASSERT_LE(std::fabs(actual[i] - expected[i]),
              RoundingError(y.type(), expected[i]) + 1e-6L * std::max(1.0L, std::fabs(expected[i])))
        << "element " << i << ": " << actual[i] << " instead of " << expected[i];
  }
}

// BatchNorm of one channel, or GroupNorm of one group.
void NormalizeChannel(const TypedValues& x, const ChannelLayout& layout, double epsilon,
                      TypedValues& y) {
  double mean = 0, m2 = 0, scale = 0;
  ComputeChannelMoments(x.data(), layout, &mean, &m2);
  ComputeChannelScale(&m2, static_cast<double>(layout.size()), {epsilon}, nullptr, 1, &scale);
  NormalizeChannels({&mean, &scale}, x.data(), layout, y.data());
}

void ExpectAccurate(const TypedValues& x, int64_t row_size, double epsilon, ElementType output) {
  TypedValues y(output, x.size());
  for (const RowStatistic statistic : kStatistics) {
    SCOPED_TRACE(static_cast<int>(statistic));
    const RowNorm norm{.statistic = statistic, .epsilon = {epsilon}};
    const auto expected = ::normd::testing::ReferenceNormalizeRows(norm, x.values(), row_size);
    ForEachTarget([&] {
      NormalizeRows(norm, x.data(), x.size() / row_size, row_size, y.data());
      ExpectNear(y, expected);
    });
  }
  SCOPED_TRACE("one channel");
  const auto expected = ::normd::testing::ReferenceNormalizeRow({.epsilon = {epsilon}}, x.values());
  ForEachTarget([&] {
    for (const ChannelLayout& layout : {ChannelLayout{x.size(), 1, 1}, {1, 1, x.size()}}) {
      NormalizeChannel(x, layout, epsilon, y);
      ExpectNear(y, expected);
    }
  });
}

void ExpectAccurate(const std::vector<float>& values, int64_t row_size, double epsilon = 1e-5) {
  for (const ElementType input : kElementTypes) {
    const TypedValues x(input, std::vector<double>(values.begin(), values.end()));
    if (!AllFinite(x.data(), x.size())) continue;
    for (const ElementType output : kElementTypes) {
      SCOPED_TRACE(::testing::Message() << "rows of " << row_size << " from " << values[0] << ", "
                                        << NameOf(input) << " to " << NameOf(output));
      ExpectAccurate(x, row_size, epsilon, output);
    }
  }
}

std::vector<float> Constant(int64_t size, float value) { return std::vector<float>(size, value); }

std::vector<float> Times(float factor, std::vector<float> values) {
  for (float& value : values) value *= factor;
  return values;
}

// Exactly beta, whatever the constant.
void ExpectBetaOfAConstant(int64_t size, float value, double epsilon) {
  for (const ElementType type : kElementTypes) {
    const TypedValues x(type, std::vector<double>(2 * size, value));
    if (!AllFinite(x.data(), x.size())) continue;
    for (const double beta : {0.0, -0.7}) {
      SCOPED_TRACE(::testing::Message() << size << " times " << value << ", " << NameOf(type));
      const RowAffine affine(std::vector<double>(size, 3), std::vector<double>(size, beta));
      const TypedValues expected(type, std::vector<double>(2 * size, beta));
      ForEachTarget([&] {
        for (const RowNorm& norm :
             {RowNorm{.epsilon = {epsilon}, .offset = beta}, affine.In({.epsilon = {epsilon}}),
              affine.WideIn({.epsilon = {epsilon}})}) {
          TypedValues y(type, 2 * size);
          NormalizeRows(norm, x.data(), 2, size, y.data());
          EXPECT_EQ(y.values(), expected.values());
        }
      });
    }
  }
}

// A mean of squares minus a squared mean gave a variance of 48425.
TEST(KnownFailures, PyTorch51102) {
  const auto x = RandomFloats(20, 2000, 1);
  ExpectAccurate(x, 4);
  ExpectAccurate(x, 20);
}

// A variance of 0.
TEST(KnownFailures, PyTorch40307) { ExpectAccurate(RandomFloats(32768, 100, 0.01), 32768); }

// The rounding of the mean, divided by the root of epsilon.
TEST(KnownFailures, PyTorch108072) {
  for (const int64_t size : {1, 5, 17, 768, 4096}) {
    for (const float value : {0.1f, 3.3f, -1234.567f, 3e4f, 1e30f, 3e38f}) {
      ExpectBetaOfAConstant(size, value, 1e-6);
    }
  }
}

// The variance overflowed float32.
TEST(KnownFailures, PyTorch162489) {
  for (const int64_t size : {2, 64, 1000}) {
    ExpectAccurate(Times(1e30f, RandomFloats(size, 0, 1)), size);
    ExpectAccurate(Times(1e30f, RandomFloats(size, 100, 1)), size);
    ExpectAccurate(Times(1e37f, RandomFloats(size, 0, 3)), size);
  }
}

TEST(KnownFailures, PyTorch188372) { ExpectBetaOfAConstant(1, -7.25f, 1e-5); }

// NaN.
TEST(KnownFailures, OnnxRuntime21935) {
  ExpectBetaOfAConstant(256, 1234, 1e-5);
  ExpectAccurate(Constant(256, 1234), 256);
}

// NaN.
TEST(KnownFailures, OnnxRuntime28463) { ExpectAccurate({40000, 40001, 40002, 40003}, 4); }

// As above.
TEST(KnownFailures, Tvm19592) { ExpectAccurate({80000, 80001, 80002, 80003}, 4); }

// A mean in float32 that missed every digit of the variance.
TEST(KnownFailures, OnnxRuntime31973) {
  for (const float mean : {1e6f, 1e7f}) {
    for (const int64_t size : {256, 1024, 4096}) ExpectAccurate(RandomFloats(size, mean, 1), size);
  }
}

TEST(KnownFailures, Mlx2238) {
  for (const float deviation : {0.1f, 1.0f, 30.0f}) {
    ExpectAccurate(RandomFloats(1024, 1449, deviation), 1024);
  }
}

// Errors as large as the outputs.
TEST(KnownFailures, Burn5607) {
  for (const float deviation : {0.01f, 0.1f, 1.0f}) {
    ExpectAccurate(RandomFloats(512, 100, deviation), 512);
  }
}

TEST(Accuracy, HoldsForMeansUpToAMillionDeviations) {
  for (const float deviation : {1e-3f, 1.0f, 1e3f}) {
    for (float ratio = 0; ratio <= 1e6f; ratio = std::max(1.0f, ratio * 10)) {
      for (const int64_t size : {2, 67, 1024}) {
        ExpectAccurate(RandomFloats(3 * size, -ratio * deviation, deviation), size, 0);
      }
    }
  }
}

TEST(Accuracy, HoldsWhereSquaresOverflowOrVanish) {
  for (const int64_t size : {2, 67, 1024}) {
    for (const float factor : {1e-44f, 1e-38f, 1e-25f, 1e-20f, 1e20f, 1e30f, 3e37f}) {
      for (const float mean : {0.0f, 5.0f}) {
        ExpectAccurate(Times(factor, RandomFloats(2 * size, mean, 1)), size, 0);
      }
    }
  }
}

}  // namespace
}  // namespace normd::kernels
