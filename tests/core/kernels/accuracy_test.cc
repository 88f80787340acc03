// The kernels against textbook formulas in long double.
#include <gtest/gtest.h>

#include <cmath>
#include <limits>

#include "core/kernels/channel_kernels.h"
#include "core/kernels/row_kernels.h"
#include "tests/core/kernels/targets.h"
#include "tests/testing/error_bound.h"
#include "tests/testing/reference.h"
#include "tests/testing/row_reference.h"

namespace normd::kernels {
namespace {

using ::normd::testing::ExpectWithinErrorBound;

std::vector<std::vector<float>> HardRows() {
  std::vector<std::vector<float>> rows;
  for (int64_t size : {1, 2, 3, 16, 17, 100, 1024, 5000}) {
    rows.push_back(RandomFloats(size, 0, 1));
    rows.push_back(RandomFloats(size, 1e6, 1));
    rows.push_back(RandomFloats(size, 1e6, 0.25));
    rows.push_back(RandomFloats(size, -3e7, 8));
    rows.emplace_back(size, 0.1f);  // constant
    rows.emplace_back(size, 3e38f);
    for (float factor : {1e-42f, 1e-30f, 1e30f, 5e37f}) {
      rows.push_back(RandomFloats(size, 0, 1));
      for (float& value : rows.back()) value *= factor;
    }
    rows.emplace_back(size, 3e38f);
    for (int64_t i = 0; i < size; i += 2) rows.back()[i] = -3e38f;
  }
  return rows;
}

TEST(Accuracy, OfRows) {
  ForEachTarget([] {
    for (const std::vector<float>& x : HardRows()) {
      const int64_t size = static_cast<int64_t>(x.size());
      const auto gamma = RandomDoubles(size, -3, 3, 1);
      const auto beta = RandomDoubles(size, -3, 3, 2);
      const RowAffine affine(gamma, beta);
      for (const RowStatistic statistic : kStatistics) {
        for (double epsilon : {0.0, 1e-5, 1e-12}) {
          SCOPED_TRACE(::testing::Message()
                       << size << " values from " << x[0] << ", statistic "
                       << static_cast<int>(statistic) << ", epsilon " << epsilon);
          const RowNorm norm{.statistic = statistic, .epsilon = {epsilon}, .gain = -0.7};
          RowNorm partial = affine.WideIn(norm);
          partial.counted = (size + 2) / 3;
          for (const RowNorm& norm : {affine.In(norm), partial}) {
            std::vector<float> y(x.size());
            EXPECT_TRUE(NormalizeRows(norm, x.data(), 1, size, y.data()));
            ExpectWithinErrorBound(y, ::normd::testing::ReferenceNormalizeRow(norm, x), {beta});
          }
        }
      }
    }
  });
}

TEST(Accuracy, OfChannels) {
  ForEachTarget([] {
    for (const ChannelLayout& layout :
         {ChannelLayout{1, 5, 1}, ChannelLayout{300, 20, 1}, ChannelLayout{4, 3, 200}}) {
      for (float mean_value : {0.0f, 1e6f, -3e7f}) {
        const auto x = RandomFloats(layout.size(), mean_value, 2);
        const auto gamma = RandomDoubles(layout.channels, -3, 3, 1);
        const auto beta = RandomDoubles(layout.channels, -3, 3, 2);
        const auto reference = ::normd::testing::ReferenceChannelStatistics(x.data(), layout);
        std::vector<double> mean(layout.channels), m2(layout.channels), scale(layout.channels);
        const double count = static_cast<double>(layout.values_per_channel());
        ComputeChannelMoments(x.data(), layout, mean.data(), m2.data());
        for (int64_t c = 0; c < layout.channels; ++c) {
          EXPECT_NEAR(mean[c], static_cast<double>(reference.mean[c]),
                      1e-15 * std::fabs(mean[c]) + 1e-15);
          EXPECT_NEAR(m2[c] / count, static_cast<double>(reference.variance[c]), 1e-13 * m2[c]);
        }
        ComputeChannelScale(m2.data(), count, {1e-5}, gamma.data(), layout.channels, scale.data());
        std::vector<float> y(x.size());
        const ChannelAffine affine{mean.data(), scale.data(), beta.data()};
        const auto expected = ::normd::testing::ReferenceChannelNormalize(
            x.data(), layout, reference.mean, reference.variance, 1e-5, gamma.data(), beta.data());
        std::vector<float> narrow(4 * layout.channels);
        for (const ChannelAffine& a : {affine, Narrowed(affine, layout.channels, narrow.data())}) {
          EXPECT_TRUE(NormalizeChannels(a, x.data(), layout, y.data()));
          ExpectWithinErrorBound(y, expected, {beta, layout.inner});
        }
      }
    }
  });
}

TEST(Accuracy, MergedMomentsAreThoseOfTheWhole) {
  const ChannelLayout part{50, 7, 1};
  const ChannelLayout whole{100, 7, 1};
  const auto x = RandomFloats(whole.size(), 1e4, 2);
  const auto expected = ::normd::testing::ReferenceChannelStatistics(x.data(), whole);
  ForEachTarget([&] {
    std::vector<double> mean(7), m2(7), mean_b(7), m2_b(7);
    double count = 0;
    for (int64_t begin : {int64_t{0}, part.size()}) {
      ComputeChannelMoments(x.data() + begin, part, mean_b.data(), m2_b.data());
      MergeChannelMoments(count, 50, mean_b.data(), m2_b.data(), 7, mean.data(), m2.data());
      count += 50;
    }
    for (int c = 0; c < 7; ++c) {
      EXPECT_NEAR(mean[c], static_cast<double>(expected.mean[c]), 1e-11);
      EXPECT_NEAR(m2[c] / 100, static_cast<double>(expected.variance[c]), 1e-11);
    }
  });
}

TEST(Accuracy, FoldedTokensFollowTheirRecurrence) {
  const auto x = RandomFloats(40, 5, 2);
  for (const ChannelLayout& layout : {ChannelLayout{40, 1, 1}, ChannelLayout{1, 1, 40}}) {
    long double expected_mean = 1, expected_variance = 2;
    for (float value : x) {
      const long double d = value - expected_mean;
      expected_mean += 0.1L * d;
      expected_variance = 0.9L * (expected_variance + 0.1L * d * d);
    }
    ForEachTarget([&] {
      double mean = 1, variance = 2;
      FoldTokens(x.data(), layout, 0.1, &mean, &variance);
      EXPECT_NEAR(mean, static_cast<double>(expected_mean), 1e-13);
      EXPECT_NEAR(variance, static_cast<double>(expected_variance), 1e-13);
    });
  }
}

TEST(Accuracy, FoldedAverageMovesTowardsTheValue) {
  ForEachTarget([] {
    const double value[] = {1, 2, 3, 4, 5};
    double average[] = {0, 2, 1, 8, -3};
    FoldAverage(0.25, value, 5, average);
    const double expected[] = {0.25, 2, 1.5, 7, -1};
    for (int i = 0; i < 5; ++i) EXPECT_EQ(average[i], expected[i]);
  });
}

// Without epsilon, nothing is left of a row without spread but beta.
TEST(ZeroDeviation, GivesBetaExactly) {
  ForEachTarget([] {
    for (int64_t size : {1, 5, 16, 1000}) {
      const std::vector<double> beta(size, 0.3);
      std::vector<float> y(size);
      for (EpsilonPlacement placement : kPlacements) {
        for (float value : {0.1f, -1e30f, 3e38f, 1e-45f, 0.0f}) {
          const RowNorm norm{RowStatistic::kMeanVariance, {0, placement}, nullptr, beta.data()};
          const std::vector<float> x(size, value);
          NormalizeRows(norm, x.data(), 1, size, y.data());
          EXPECT_EQ(y, std::vector<float>(size, 0.3f)) << value << " " << size;
        }
        for (const RowStatistic statistic : kStatistics) {  // 0 / 0 is 0
          const RowNorm norm{statistic, {0, placement}, nullptr, beta.data()};
          NormalizeRows(norm, std::vector<float>(size).data(), 1, size, y.data());
          EXPECT_EQ(y, std::vector<float>(size, 0.3f)) << static_cast<int>(statistic);
        }
      }
    }
  });
}

TEST(EpsilonPlacement, EntersTheDeviationWhereItsNameSays) {
  const double variance = 4;
  const double epsilon = 9;
  EXPECT_EQ(InverseDeviation(variance, {epsilon, EpsilonPlacement::kInsideRoot}),
            1 / std::sqrt(13.0));
  EXPECT_EQ(InverseDeviation(variance, {epsilon, EpsilonPlacement::kOutsideRoot}), 1 / 11.0);
  EXPECT_EQ(InverseDeviation(variance, {epsilon, EpsilonPlacement::kClampVariance}), 1 / 3.0);
  EXPECT_EQ(InverseDeviation(variance, {epsilon, EpsilonPlacement::kClampDeviation}), 1 / 9.0);
  EXPECT_EQ(InverseDeviation(variance, {1, EpsilonPlacement::kClampDeviation}), 1 / 2.0);
  for (EpsilonPlacement placement : kPlacements) EXPECT_EQ(InverseDeviation(0, {0, placement}), 0);
}

// The root of the smallest variance is 2^-537: what is far below it is an epsilon that overflows.
TEST(EpsilonPlacement, CountsAsZeroWhereItsInverseWouldOverflow) {
  for (EpsilonPlacement placement : kPlacements) {
    EXPECT_GT(InverseDeviation(5e-324, {0, placement}), 1e161);
    for (double epsilon : {5e-324, 1e-310, 1e-300, 1e-100}) {
      const double inverse = InverseDeviation(0, {epsilon, placement});
      EXPECT_TRUE(inverse == 0 || (inverse > 1e49 && inverse < 1e200)) << epsilon << " " << inverse;
    }
  }
}

}  // namespace
}  // namespace normd::kernels
