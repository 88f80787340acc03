#include "core/statistics/moments.h"

#include <gtest/gtest.h>

#include <algorithm>
#include <cmath>

#include "tests/testing/random_values.h"
#include "tests/testing/reference.h"
#include "tests/testing/same_bits.h"

namespace normd {
namespace {

using testing::RandomFloats;
using testing::RandomPartition;
using testing::ReferenceChannelStatistics;
using testing::ReferenceMoments;
using testing::SameBits;

Moments MomentsOf(const float* x, const ChannelLayout& layout) {
  Moments moments(layout.channels);
  moments.Compute(x, layout);
  return moments;
}

// Within 1e-12 deviations, unless the mean is so large beside them that float64 cannot tell.
void ExpectMoments(const Moments& moments, const std::vector<float>& x,
                   const ChannelLayout& layout) {
  const ReferenceMoments expected = ReferenceChannelStatistics(x.data(), layout);
  const double count = static_cast<double>(layout.values_per_channel());
  ASSERT_EQ(moments.count, count);
  for (int64_t c = 0; c < layout.channels; ++c) {
    const double mean = static_cast<double>(expected.mean[c]);
    const double variance = static_cast<double>(expected.variance[c]);
    const double deviation = std::sqrt(variance);
    const double bound = std::max(1e-12, 1e-14 * std::fabs(mean) / deviation);
    EXPECT_NEAR(moments.mean[c], mean, bound * deviation) << "channel " << c;
    EXPECT_NEAR(moments.m2[c] / count, variance, bound * variance) << "channel " << c;
  }
}

TEST(Moments, AreThoseOfEachChannel) {
  for (const ChannelLayout& layout :
       {ChannelLayout{2, 3, 1}, ChannelLayout{100, 17, 1}, ChannelLayout{1000, 1, 1},
        ChannelLayout{4, 3, 25}, ChannelLayout{1, 5, 64}, ChannelLayout{7, 1, 2}}) {
    SCOPED_TRACE(::testing::Message()
                 << "[" << layout.outer << ", " << layout.channels << ", " << layout.inner << "]");
    for (float mean : {0.0f, 3.0f, 1e6f, -1e30f}) {
      const float deviation = std::fabs(mean) > 1e10f ? 1e29f : 1;
      const auto x = RandomFloats(layout.size(), mean, deviation);
      ExpectMoments(MomentsOf(x.data(), layout), x, layout);
    }
  }
}

TEST(Moments, KeepASmallDeviationBesideAHugeMean) {
  // 1 to 5 above 2^23: variance 2.
  const std::vector<float> x = {8388609, 8388610, 8388611, 8388612, 8388613};
  const Moments moments = MomentsOf(x.data(), {5, 1, 1});
  EXPECT_EQ(moments.mean[0], 8388611);
  EXPECT_EQ(moments.m2[0], 10);
}

TEST(Moments, OfOneValueAreThatValue) {
  const std::vector<float> x = {0.1f, -3e38f, 1e-45f};
  const Moments moments = MomentsOf(x.data(), {1, 3, 1});
  EXPECT_EQ(moments.count, 1);
  for (int c = 0; c < 3; ++c) {
    EXPECT_EQ(moments.mean[c], static_cast<double>(x[c]));
    EXPECT_EQ(moments.m2[c], 0);
  }
}

// Moments that were used before and hold nothing now, but for what is left in their arrays.
Moments EmptiedMoments() {
  const auto x = RandomFloats(12, 1000);
  Moments moments = MomentsOf(x.data(), {3, 4, 1});
  moments.Compute({}, {0, 4, 1});
  return moments;
}

TEST(Moments, OfAnEmptyLayoutCountNothing) {
  EXPECT_EQ(MomentsOf({}, {0, 4, 1}).count, 0);
  EXPECT_EQ(EmptiedMoments().count, 0);
}

TEST(Moments, StayAsTheyAreWhenEmptyOnesAreMerged) {
  const auto x = RandomFloats(40);
  const Moments expected = MomentsOf(x.data(), {10, 4, 1});
  for (const Moments& empty : {Moments(4), EmptiedMoments()}) {
    Moments moments = expected;
    moments.Merge(empty);
    EXPECT_EQ(moments.count, 10);
    EXPECT_TRUE(SameBits(moments.mean, expected.mean));
    EXPECT_TRUE(SameBits(moments.m2, expected.m2));
  }
}

TEST(Moments, MergedIntoEmptyOnesAreTheOther) {
  const auto x = RandomFloats(40);
  const Moments other = MomentsOf(x.data(), {10, 4, 1});
  for (Moments moments : {Moments(4), EmptiedMoments()}) {
    moments.Merge(EmptiedMoments());
    EXPECT_EQ(moments.count, 0);
    moments.Merge(other);
    EXPECT_EQ(moments.count, 10);
    EXPECT_TRUE(SameBits(moments.mean, other.mean));
    EXPECT_TRUE(SameBits(moments.m2, other.m2));
  }
}

TEST(Moments, ComputeReplacesWhatWasThere) {
  const auto x = RandomFloats(40);
  Moments moments = MomentsOf(x.data(), {10, 4, 1});
  moments.Compute(x.data() + 20, {5, 2, 1});
  const Moments fresh = MomentsOf(x.data() + 20, {5, 2, 1});
  EXPECT_EQ(moments.count, 5);
  EXPECT_TRUE(SameBits(moments.mean, fresh.mean));
  EXPECT_TRUE(SameBits(moments.m2, fresh.m2));
}

class MomentsPartition : public ::testing::TestWithParam<float> {};

INSTANTIATE_TEST_SUITE_P(Means, MomentsPartition, ::testing::Values(0.0f, 100.0f, -1e6f),
                         [](const auto& info) { return "Mean" + std::to_string(info.index); });

TEST_P(MomentsPartition, AnyMergesToTheWhole) {
  constexpr int64_t kRows = 2000;
  for (const ChannelLayout& row : {ChannelLayout{1, 5, 1}, ChannelLayout{1, 3, 4}}) {
    const ChannelLayout whole{kRows, row.channels, row.inner};
    const auto x = RandomFloats(whole.size(), GetParam(), 1);
    for (int seed = 1; seed <= 5; ++seed) {
      for (int64_t largest : {1, 2, 50, 1500}) {
        SCOPED_TRACE(::testing::Message() << "parts up to " << largest << ", seed " << seed);
        Moments merged(row.channels);
        const float* begin = x.data();
        for (int64_t rows : RandomPartition(kRows, largest, seed)) {
          merged.Merge(MomentsOf(begin, {rows, row.channels, row.inner}));
          begin += rows * row.size();
        }
        ExpectMoments(merged, x, whole);
      }
    }
  }
}

}  // namespace
}  // namespace normd
