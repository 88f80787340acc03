// Every SIMD target gives the bits of the portable kernels for channels.
#include <gtest/gtest.h>

#include <cmath>
#include <limits>

#include "core/kernels/channel_kernels.h"
#include "tests/core/kernels/targets.h"

namespace normd::kernels {
namespace {

// Layouts whose channels and planes end on, before and after vectors and blocks.
std::vector<ChannelLayout> Layouts() {
  std::vector<ChannelLayout> layouts;
  for (int64_t channels = 1; channels <= 140; ++channels) layouts.push_back({3, channels, 1});
  for (int64_t inner = 2; inner <= 70; ++inner) layouts.push_back({2, 3, inner});
  for (int64_t outer : {1, 2, 255, 256, 257}) layouts.push_back({outer, 19, 1});
  layouts.insert(layouts.end(), {{1, 1, 1}, {5, 257, 1}, {4, 1024, 1}, {1, 4, 1000}, {7, 1, 49}});
  return layouts;
}

template <class Body>
void ForEachLayout(Body body) {
  ForEachTarget([&] {
    for (const ChannelLayout& layout : Layouts()) {
      SCOPED_TRACE(::testing::Message() << "[" << layout.outer << ", " << layout.channels << ", "
                                        << layout.inner << "]");
      body(layout, FloatsAt(RandomFloats(layout.size(), 1e4), layout.size() % 16));
    }
  });
}

TEST(ChannelBits, OfMoments) {
  ForEachLayout([](const ChannelLayout& layout, FloatsAt x) {
    std::vector<double> mean(layout.channels), m2(layout.channels), expected_mean(layout.channels),
        expected_m2(layout.channels);
    ComputeChannelMoments(x.data(), layout, mean.data(), m2.data());
    portable::ComputeChannelMoments(x.data(), layout, {0, layout.channels}, expected_mean.data(),
                                    expected_m2.data());
    EXPECT_TRUE(SameBits(mean, expected_mean));
    EXPECT_TRUE(SameBits(m2, expected_m2));
  });
}

TEST(ChannelBits, OfFoldedTokens) {
  ForEachLayout([](const ChannelLayout& layout, FloatsAt x) {
    const auto mean = RandomDoubles(layout.channels, -5, 5);
    const auto variance = RandomDoubles(layout.channels, 0, 5);
    auto m = mean, expected_m = mean, v = variance, expected_v = variance;
    FoldTokens(x.data(), layout, 0.3, m.data(), v.data());
    portable::FoldTokens(x.data(), layout, 0.3, expected_m.data(), expected_v.data());
    EXPECT_TRUE(SameBits(m, expected_m));
    EXPECT_TRUE(SameBits(v, expected_v));
  });
}

TEST(ChannelBits, OfOutputs) {
  ForEachLayout([](const ChannelLayout& layout, FloatsAt x) {
    const auto mean = RandomDoubles(layout.channels, 9990, 10010);
    const auto scale = RandomDoubles(layout.channels, -2, 2);
    const auto shifts = RandomDoubles(layout.channels, -2, 2, 3);
    std::vector<float> narrow(4 * layout.channels), expected_narrow(narrow);
    for (const double* shift : {shifts.data(), static_cast<const double*>(nullptr)}) {
      const ChannelAffine wide{mean.data(), scale.data(), shift};
      const ChannelAffine narrowed = Narrowed(wide, layout.channels, narrow.data());
      EXPECT_NE(portable::Narrowed(wide, layout.channels, expected_narrow.data()).narrow, nullptr);
      EXPECT_TRUE(SameBits(narrow, expected_narrow));
      ChannelAffine in_float64 = wide;
      in_float64.in_float64 = true;
      for (const ChannelAffine& affine : {wide, narrowed, in_float64}) {
        std::vector<float> expected(layout.size());
        EXPECT_TRUE(portable::NormalizeChannels(affine, x.data(), layout, {0, layout.spans()},
                                                {0, layout.channels}, expected.data()));
        FloatsAt y(std::vector<float>(expected.size()), 5);
        EXPECT_TRUE(NormalizeChannels(affine, x.data(), layout, y.data()));
        EXPECT_TRUE(SameBits(y.values(), expected));
        FloatsAt in_place = FloatsAt(x.values(), 3);
        EXPECT_TRUE(NormalizeChannels(affine, in_place.data(), layout, in_place.data()));
        EXPECT_TRUE(SameBits(in_place.values(), expected));
      }
    }
  });
}

// A channel whose coefficients are beyond the range of float32 changes no bit of the others.
TEST(ChannelBits, OfAChannelAreItsOwn) {
  ForEachTarget([] {
    const int64_t channels = 20;
    const std::vector<double> fits(channels, 1.5);
    const auto x = RandomFloats(3 * channels);
    const auto normalize = [&](const double* center, const double* scale, const double* shift,
                               bool expect_narrow) {
      const ChannelAffine affine{center, scale, shift};
      std::vector<float> narrow(4 * channels), y(x.size()), expected(x.size());
      const ChannelAffine narrowed = Narrowed(affine, channels, narrow.data());
      EXPECT_EQ(narrowed.narrow != nullptr, expect_narrow);
      EXPECT_EQ(portable::Narrowed(affine, channels, narrow.data()).narrow != nullptr,
                expect_narrow);
      for (const ChannelLayout& layout :
           {ChannelLayout{1, channels, 3}, ChannelLayout{3, channels, 1}}) {
        NormalizeChannels(narrowed, x.data(), layout, y.data());
        portable::NormalizeChannels(affine, x.data(), layout, {0, layout.spans()},
                                    {0, layout.channels}, expected.data());
        EXPECT_TRUE(SameBits(y, expected));
      }
      y.resize(channels);
      return y;
    };
    const std::vector<float> plain = normalize(fits.data(), fits.data(), fits.data(), true);
    for (int64_t c = 0; c < channels; ++c) {
      for (double bad : {1e31, -1e31, 1e300, 1e-31}) {
        std::vector<double> values = fits;
        values[c] = bad;
        const bool is_small = bad == 1e-31;
        for (std::vector<float> y :
             {normalize(values.data(), fits.data(), fits.data(), is_small),
              normalize(fits.data(), values.data(), fits.data(), false),
              normalize(fits.data(), fits.data(), values.data(), is_small)}) {
          EXPECT_NE(y[c], plain[c]) << bad;
          y[c] = plain[c];
          EXPECT_TRUE(SameBits(y, plain)) << bad;
        }
      }
    }
  });
}

TEST(ChannelOutputs, TellWhetherAllWasFinite) {
  const std::vector<double> center(50), scale(50, 2);
  ForEachTarget([&] {
    for (const ChannelLayout& layout : {ChannelLayout{2, 25, 1}, ChannelLayout{1, 2, 25}}) {
      for (int64_t at = 0; at < 50; ++at) {
        for (float bad :
             {std::numeric_limits<float>::quiet_NaN(), -std::numeric_limits<float>::infinity()}) {
          auto x = RandomFloats(50);
          x[at] = bad;
          std::vector<float> y(50), narrow(200);
          const ChannelAffine affine{center.data(), scale.data()};
          EXPECT_FALSE(NormalizeChannels(affine, x.data(), layout, y.data()));
          EXPECT_FALSE(NormalizeChannels(Narrowed(affine, layout.channels, narrow.data()), x.data(),
                                         layout, y.data()));
          EXPECT_FALSE(portable::NormalizeChannels(affine, x.data(), layout, {0, layout.spans()},
                                                   {0, layout.channels}, y.data()));
          std::vector<double> wide(50, 1);
          wide[at] = 0x1p480;
          EXPECT_FALSE(NormalizeChannels(affine, wide.data(), layout, y.data()));
          wide[at] = std::nextafter(0x1p480, 0);
          EXPECT_TRUE(NormalizeChannels(affine, wide.data(), layout, y.data()));
        }
      }
    }
  });
}

TEST(ChannelBits, OfMergedMoments) {
  ForEachTarget([] {
    for (int64_t channels = 1; channels <= 40; ++channels) {
      for (double count_a : {0.0, 1.0, 1e6 + 1}) {
        const auto mean_b = RandomDoubles(channels, -5, 5, 1);
        const auto m2_b = RandomDoubles(channels, 0, 5, 2);
        const auto mean_a = RandomDoubles(channels, -5, 5, 3);
        const auto m2_a = RandomDoubles(channels, 0, 5, 4);
        auto mean = mean_a, expected_mean = mean_a, m2 = m2_a, expected_m2 = m2_a;
        MergeChannelMoments(count_a, 3, mean_b.data(), m2_b.data(), channels, mean.data(),
                            m2.data());
        portable::MergeChannelMoments(count_a, 3, mean_b.data(), m2_b.data(), channels,
                                      expected_mean.data(), expected_m2.data());
        EXPECT_TRUE(SameBits(mean, expected_mean));
        EXPECT_TRUE(SameBits(m2, expected_m2));
      }
    }
  });
}

// The kernels one by one, for what one pass must equal.
void FoldThenNormalize(const TokenStep& step, const float* x, int64_t channels, double* mean,
                       double* spread, float* y) {
  const ChannelLayout token{1, channels, 1};
  std::vector<double> center(mean, mean + channels), before(spread, spread + channels);
  std::vector<double> scale(channels), zero(channels);
  const std::vector<double> value(x, x + channels);
  if (step.merges) {
    portable::MergeChannelMoments(step.count, 1, value.data(), zero.data(), channels, mean, spread);
  } else {
    portable::FoldTokens(x, token, step.weight, mean, spread);
  }
  portable::ComputeChannelScale(step.folds_first ? spread : before.data(), step.divisor,
                                step.epsilon, step.gamma, channels, scale.data());
  portable::NormalizeChannels({.center = step.folds_first ? mean : center.data(),
                               .scale = scale.data(),
                               .shift = step.beta,
                               .in_float64 = true},
                              x, token, {0, 1}, {0, channels}, y);
}

TEST(ChannelBits, OfATokenInOnePass) {
  ForEachTarget([] {
    for (int64_t channels = 1; channels <= 40; ++channels) {
      const auto x = RandomFloats(channels, 3);
      const auto old_mean = RandomDoubles(channels, -5, 5, 1);
      auto old_spread = RandomDoubles(channels, 0, 5, 2);
      old_spread[channels / 2] = 0;
      const auto gamma = RandomDoubles(channels, -2, 2, 3);
      const auto beta = RandomDoubles(channels, -2, 2, 4);
      for (int variant = 0; variant < 16; ++variant) {
        for (EpsilonPlacement placement : kPlacements) {
          TokenStep step;
          step.merges = (variant & 1) != 0;
          step.count = 6;
          step.weight = step.merges ? 1 / (step.count + 1) : 0.3;
          step.folds_first = (variant & 2) != 0;
          step.divisor = step.merges ? step.count + (step.folds_first ? 1 : 0) : 1;
          step.epsilon = {1e-3, placement};
          step.gamma = (variant & 4) != 0 ? gamma.data() : nullptr;
          step.beta = (variant & 8) != 0 ? beta.data() : nullptr;
          auto expected_mean = old_mean, expected_spread = old_spread;
          std::vector<float> expected(channels);
          FoldThenNormalize(step, x.data(), channels, expected_mean.data(), expected_spread.data(),
                            expected.data());
          const auto check = [&](auto kernel) {
            auto mean = old_mean, spread = old_spread;
            FloatsAt y(x, channels % 16);
            kernel(step, y.data(), channels, mean.data(), spread.data(), y.data());  // in place
            EXPECT_TRUE(SameBits(mean, expected_mean));
            EXPECT_TRUE(SameBits(spread, expected_spread));
            EXPECT_TRUE(SameBits(y.values(), expected));
          };
          check(FoldAndNormalizeToken);
          check(portable::FoldAndNormalizeToken);
        }
      }
    }
  });
}

TEST(ChannelBits, OfFoldedAverages) {
  ForEachTarget([] {
    for (int64_t size = 1; size <= 40; ++size) {
      const auto value = RandomDoubles(size, -5, 5, 1);
      auto average = RandomDoubles(size, -5, 5, 2);
      auto expected = average;
      FoldAverage(0.1, value.data(), size, average.data());
      portable::FoldAverage(0.1, value.data(), size, expected.data());
      EXPECT_TRUE(SameBits(average, expected));
    }
  });
}

TEST(ChannelBits, OfScales) {
  ForEachTarget([] {
    for (int64_t channels = 1; channels <= 40; ++channels) {
      auto spread = RandomDoubles(channels, 0, 1e-2, 1);
      spread[channels / 2] = 0;
      const auto gamma = RandomDoubles(channels, -2, 2, 2);
      for (EpsilonPlacement placement : kPlacements) {
        for (double epsilon : {0.0, 5e-324, 1e-300, 1e-3, 0.1}) {
          for (double divisor : {1.0, 7.0}) {
            std::vector<double> scale(channels), plain(channels);
            const Epsilon e{epsilon, placement};
            ComputeChannelScale(spread.data(), divisor, e, gamma.data(), channels, scale.data());
            ComputeChannelScale(spread.data(), divisor, e, nullptr, channels, plain.data());
            std::vector<double> expected, expected_plain;
            for (int64_t c = 0; c < channels; ++c) {
              expected_plain.push_back(InverseDeviation(spread[c] * (1 / divisor), e));
              expected.push_back(expected_plain[c] * gamma[c]);
            }
            EXPECT_TRUE(SameBits(scale, expected));
            EXPECT_TRUE(SameBits(plain, expected_plain));
          }
        }
      }
    }
  });
}

// One value stands out so little that the correction by the residual decides the last bits. Every
// operation passes through a volatile, so that no compiler can fuse two of them.
TEST(ChannelBits, OfMomentsAreThoseOfTheirDefinition) {
  const int64_t size = 99999;
  std::vector<float> x(size, 1);
  x[4711] = std::nextafter(1.0f, 2.0f);
  volatile double lanes[3][16] = {};
  const auto total = [&](volatile double* a) {
    for (int half = 8; half > 0; half /= 2) {
      for (int i = 0; i < half; ++i) a[i] = a[i] + a[i + half];
    }
    return a[0];
  };
  for (int64_t i = 0; i < size; ++i) lanes[0][i % 16] = lanes[0][i % 16] + x[i];
  const volatile double mean = total(lanes[0]) / size;
  for (int64_t i = 0; i < size; ++i) {
    const volatile double d = x[i] - mean;
    const volatile double square = d * d;
    lanes[1][i % 16] = lanes[1][i % 16] + d;
    lanes[2][i % 16] = lanes[2][i % 16] + square;
  }
  const volatile double s1 = total(lanes[1]);
  const volatile double s2 = total(lanes[2]);
  const volatile double square = s1 * s1;
  const volatile double correction = square / size;
  const volatile double expected_m2 = s2 - correction;
  const volatile double shift = s1 / size;
  const volatile double expected_mean = mean + shift;
  ASSERT_NE(expected_m2, s2);
  const ChannelLayout layout{1, 1, size};
  double m = 0, m2 = 0;
  portable::ComputeChannelMoments(x.data(), layout, {0, layout.channels}, &m, &m2);
  EXPECT_EQ(m, expected_mean);
  EXPECT_EQ(m2, expected_m2);
  ForEachTarget([&] {
    ComputeChannelMoments(x.data(), layout, &m, &m2);
    EXPECT_EQ(m, expected_mean);
    EXPECT_EQ(m2, expected_m2);
  });
}

TEST(ChannelBits, NanStaysNanInEveryKernel) {
  ForEachTarget([] {
    const ChannelLayout layout{3, 21, 1};
    std::vector<float> x = RandomFloats(layout.size());
    for (int64_t bad : {4, 20}) x[layout.channels + bad] = std::numeric_limits<float>::quiet_NaN();
    std::vector<double> mean(21), m2(21), scale(21);
    ComputeChannelMoments(x.data(), layout, mean.data(), m2.data());
    for (EpsilonPlacement placement : kPlacements) {
      ComputeChannelScale(m2.data(), 3, {1e-5, placement}, nullptr, 21, scale.data());
      for (int64_t c = 0; c < 21; ++c) {
        const bool bad = c == 4 || c == 20;
        EXPECT_EQ(std::isnan(mean[c]), bad) << c;
        EXPECT_EQ(std::isnan(m2[c]), bad) << c;
        EXPECT_EQ(std::isnan(scale[c]), bad) << c;
      }
    }
  });
}

}  // namespace
}  // namespace normd::kernels
