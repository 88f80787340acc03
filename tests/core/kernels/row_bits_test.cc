// Every SIMD target gives the bits of the portable kernel, and the portable kernel fuses nothing.
#include <gtest/gtest.h>

#include <cmath>
#include <limits>

#include "core/kernels/row_kernels.h"
#include "tests/core/kernels/targets.h"
#include "tests/testing/non_finite.h"
#include "tests/testing/typed_values.h"

namespace normd::kernels {
namespace {

using ::normd::testing::kElementTypes;
using ::normd::testing::kInfinity;
using ::normd::testing::kNan;
using ::normd::testing::NameOf;
using ::normd::testing::TypedValues;

struct Case {
  int64_t rows;
  int64_t row_size;
  int offset = 0;
  bool in_place = false;
  ElementType input = ElementType::kFloat32;
  ElementType output = ElementType::kFloat32;
};

// On every target.
void ExpectPortableBits(const RowNorm& norm, const TypedValues& x, const Case& c) {
  TypedValues expected(c.output, x.size());
  portable::NormalizeRows(norm, x.data(), {0, c.rows}, c.row_size, expected.data());
  portable::CanonicalizeNans(expected.data(), expected.size());
  ForEachTarget([&] {
    TypedValues input = x;
    TypedValues output(c.output, x.size(), (c.offset * 7 + 3) % 16);
    TypedValues& y = c.in_place ? input : output;
    NormalizeRows(norm, input.data(), c.rows, c.row_size, y.data());
    CanonicalizeNans(y.data(), y.size());
    EXPECT_TRUE(y.bytes() == expected.bytes())
        << c.rows << " rows of " << c.row_size << ", " << NameOf(c.input) << " to "
        << NameOf(c.output) << ", offset " << c.offset << ", in place " << c.in_place
        << ", statistic " << static_cast<int>(norm.statistic) << ", placement "
        << static_cast<int>(norm.epsilon.placement) << ", gamma " << (norm.gamma != nullptr)
        << ", beta " << (norm.beta != nullptr);
  });
}

TypedValues InputOf(const Case& c, const std::vector<float>& x) {
  return {c.input, std::vector<double>(x.begin(), x.end()), c.offset};
}

// All statistics, placements and affine parts.
void ExpectPortableBitsOfAllNorms(const std::vector<float>& values, const Case& c,
                                  double epsilon = 1e-5) {
  const TypedValues x = InputOf(c, values);
  const RowAffine affine(RandomDoubles(c.row_size, -2, 2, 2), RandomDoubles(c.row_size, -2, 2, 3));
  for (RowStatistic statistic : kStatistics) {
    for (EpsilonPlacement placement : kPlacements) {
      for (const bool has_gamma : {true, false}) {
        for (const bool has_beta : {true, false}) {
          ExpectPortableBits(affine.In({statistic, {epsilon, placement}}, has_gamma, has_beta), x,
                             c);
        }
      }
    }
    ExpectPortableBits(affine.WideIn({statistic, {epsilon}}), x, c);
    ExpectPortableBits({.statistic = statistic, .gain = 0.3, .counted = (c.row_size + 1) / 2}, x,
                       c);
  }
}

// All statistics, from every type to every type, with and without affine parts in turn.
void ExpectPortableBitsOfAllTypes(const std::vector<float>& values, Case c) {
  const RowAffine affine(RandomDoubles(c.row_size, -2, 2, 2), RandomDoubles(c.row_size, -2, 2, 3));
  int64_t turn = c.row_size;
  for (const ElementType input : kElementTypes) {
    c.input = input;
    const TypedValues x = InputOf(c, values);
    for (const ElementType output : kElementTypes) {
      c.output = output;
      if (c.in_place && output != input) continue;
      for (const RowStatistic statistic : kStatistics) {
        ++turn;
        const RowNorm norm{.statistic = statistic, .epsilon = {1e-5}, .offset = -0.25, .gain = 0.7};
        ExpectPortableBits(affine.In(norm, turn % 2 == 0, turn % 3 == 0), x, c);
      }
    }
  }
}

TEST(RowBits, AVectorTargetIsTestedWhereTheProcessorHasOne) {
#if HWY_ARCH_X86
  if (!__builtin_cpu_supports("avx2") || !__builtin_cpu_supports("fma")) GTEST_SKIP();
#elif !HWY_ARCH_ARM_A64
  GTEST_SKIP();
#endif
  int targets = 0;
  ForEachTarget([&] { ++targets; });
#if HWY_ARCH_X86
  EXPECT_GE(targets, 2);
#else
  EXPECT_GE(targets, 1);
#endif
}

TEST(RowBits, AreThoseOfThePortableKernelAtEverySize) {
  for (int64_t size = 1; size <= 257; ++size) {
    const Case c{2, size, static_cast<int>(size % 16), size % 3 == 0};
    ExpectPortableBitsOfAllNorms(RandomFloats(2 * size), c);
    ExpectPortableBitsOfAllTypes(RandomFloats(2 * size), {2, size, c.offset});
  }
  for (int64_t size = 512; size <= 65536; size *= 2) {
    ExpectPortableBitsOfAllTypes(RandomFloats(size), {1, size});
  }
  ExpectPortableBitsOfAllNorms(RandomFloats(8191), {1, 8191});
}

TEST(RowBits, AreThoseOfThePortableKernelAtEveryAddress) {
  for (int offset = 0; offset < 16; ++offset) {
    for (int64_t size : {5, 16, 67}) {
      for (bool in_place : {false, true}) {
        ExpectPortableBitsOfAllTypes(RandomFloats(3 * size), {3, size, offset, in_place});
      }
    }
  }
}

TEST(RowBits, DoNotDependOnHowManyRowsTravelTogether) {
  for (int64_t rows : {1, 2, 255, 256, 257, 4096}) {
    const int64_t size = 37;
    const auto x = RandomFloats(rows * size);
    for (bool in_place : {false, true}) {
      ExpectPortableBitsOfAllTypes(x, {rows, size, 1, in_place});
    }
    ForEachTarget([&] {
      std::vector<float> together(x.size());
      std::vector<float> alone(x.size());
      NormalizeRows({}, x.data(), rows, size, together.data());
      for (int64_t row = 0; row < rows; ++row) {
        NormalizeRows({}, x.data() + row * size, 1, size, alone.data() + row * size);
      }
      EXPECT_TRUE(SameBits(together, alone));
    });
  }
}

TEST(RowBits, AreThoseOfThePortableKernelOnExtremeValues) {
  for (int64_t size : {1, 7, 16, 33, 100}) {
    for (float factor : {1e-45f, 1e-40f, 1e-20f, 1e30f, 3.4e37f}) {
      const Case c{.rows = 1, .row_size = size};
      auto x = RandomFloats(size, 0, 1);
      for (float& value : x) value *= factor;
      ExpectPortableBitsOfAllNorms(x, c);
      ExpectPortableBitsOfAllNorms(x, c, 0);
      ExpectPortableBitsOfAllNorms(std::vector<float>(size, factor), c, 0);
    }
    ExpectPortableBitsOfAllNorms(std::vector<float>(size, -0.0f), {1, size}, 0);
  }
}

TEST(RowBits, AreThoseOfThePortableKernelOnNonFiniteValues) {
  for (float bad : {kNan, -kNan, kInfinity, -kInfinity}) {
    for (int64_t at : {0, 15, 16, 40}) {
      auto x = RandomFloats(41);
      x[at] = bad;
      ExpectPortableBitsOfAllNorms(x, {.rows = 1, .row_size = 41});
      x.insert(x.end(), 41, 1.5f);  // the next row is not harmed
      ExpectPortableBitsOfAllNorms(x, {.rows = 2, .row_size = 41});
      ExpectPortableBitsOfAllTypes(x, {.rows = 2, .row_size = 41});
    }
  }
}

TEST(RowBits, OfTanhAreThoseOfThePortableKernelOverItsWholeRange) {
  std::vector<float> x;
  for (int exponent = -149; exponent <= 127; ++exponent) {
    for (const float mantissa : {1.0f, -1.3f, 1.7f, -1.99f}) {
      x.push_back(std::ldexp(mantissa, exponent));
    }
  }
  const Case c{.rows = 1, .row_size = static_cast<int64_t>(x.size())};
  for (const double gain : {1.0, -0.5, 1e-30, 1e30, 1e300}) {
    ExpectPortableBits({.statistic = RowStatistic::kNone, .gain = gain}, InputOf(c, x), c);
  }
}

// A comparison with NaN is false: the largest magnitude must not lose one on the way.
TEST(LargestMagnitude, OfARowWithNanIsNan) {
  const RowNorm norm{.statistic = RowStatistic::kLargestMagnitude};
  ForEachTarget([&] {
    for (int64_t size : {1, 5, 16, 50}) {
      for (int64_t at = 0; at < size; ++at) {
        for (float others : {0.0, 7.0, -kInfinity}) {
          std::vector<float> x(size, others);
          x[at] = kNan;
          std::vector<float> y(size);
          NormalizeRows(norm, x.data(), 1, size, y.data());
          for (float value : y) EXPECT_TRUE(std::isnan(value)) << size << " " << at;
          portable::NormalizeRows(norm, x.data(), {0, 1}, size, y.data());
          for (float value : y) EXPECT_TRUE(std::isnan(value)) << size << " " << at;
        }
      }
    }
  });
}

// LayerNorm with every operation through a volatile, so that no compiler can fuse two of them.
// `beta` becomes what takes each product away: what is left of a fused one is its error.
void NormalizeUnfused(const std::vector<float>& x, const std::vector<float>& gamma,
                      std::vector<double>& beta) {
  const auto size = static_cast<int64_t>(x.size());
  volatile double lanes[2][16] = {};
  const auto total = [&](volatile double* a) {
    for (int half = 8; half > 0; half /= 2) {
      for (int i = 0; i < half; ++i) a[i] = a[i] + a[i + half];
    }
    return a[0];
  };
  for (int64_t i = 0; i < size; ++i) {
    const volatile double square = static_cast<double>(x[i]) * x[i];
    lanes[0][i % 16] = lanes[0][i % 16] + x[i];
    lanes[1][i % 16] = lanes[1][i % 16] + square;
  }
  const volatile double values = total(lanes[0]);
  const volatile double mean = values / static_cast<double>(size);
  const volatile double square = values * mean;
  const volatile double m2 = total(lanes[1]) - square;
  const volatile double variance = m2 / static_cast<double>(size);
  const volatile float scale = static_cast<float>(1 / std::sqrt(variance + 1e-5));
  const volatile float high = static_cast<float>(mean);
  const volatile float low = static_cast<float>(mean - high);
  for (int64_t i = 0; i < size; ++i) {
    const volatile float part = x[i] - high;
    const volatile float d = part - low;
    const volatile float xhat = d * scale;
    const volatile float product = xhat * gamma[i];
    beta.push_back(-product);
  }
}

TEST(RowBits, NothingIsFused) {
  for (int seed = 1; seed <= 100; ++seed) {
    const int64_t size = 100;
    const auto x = RandomFloats(size, 3, 1, seed);
    const auto gamma = RandomFloats(size, 0, 2, seed);
    std::vector<double> beta;
    NormalizeUnfused(x, gamma, beta);
    const RowAffine affine({gamma.begin(), gamma.end()}, std::move(beta));
    const RowNorm norm = affine.In({.epsilon = {1e-5}});
    const std::vector<float> expected(size);
    std::vector<float> y(size, 1);
    portable::NormalizeRows(norm, x.data(), {0, 1}, size, y.data());
    EXPECT_TRUE(SameBits(y, expected));
    ForEachTarget([&] {
      std::vector<float> y(size, 1);
      NormalizeRows(norm, x.data(), 1, size, y.data());
      EXPECT_TRUE(SameBits(y, expected));
    });
  }
}

TEST(AllFinite, FindsEveryNonFiniteValue) {
  ForEachTarget([] {
    EXPECT_TRUE(AllFinite({}, 0));
    for (int64_t size = 1; size <= 70; ++size) {
      auto x = RandomFloats(size);
      x[0] = std::numeric_limits<float>::max();
      x[size / 2] = -std::numeric_limits<float>::denorm_min();
      EXPECT_TRUE(AllFinite(FloatsAt(x, size % 16).data(), size));
      for (int64_t at = 0; at < size; ++at) {
        auto broken = x;
        broken[at] = at % 3 == 0 ? kNan : at % 3 == 1 ? kInfinity : -kInfinity;
        EXPECT_FALSE(AllFinite(FloatsAt(broken, size % 16).data(), size)) << size << " " << at;
      }
    }
  });
}

TEST(CanonicalizeNans, LeavesOneNan) {
  const uint32_t canonical = 0x7FC00000;
  ForEachTarget([&] {
    for (int64_t size = 1; size <= 70; ++size) {
      for (uint32_t nan : {0x7FC00000u, 0xFFC00000u, 0x7F800001u, 0xFFFFFFFFu}) {
        std::vector<float> x = RandomFloats(size);
        if (size > 2) x[0] = kInfinity, x[1] = -kInfinity;
        auto expected = x;
        for (int64_t at = size - 1; at >= 2; at -= 3) {
          std::memcpy(&x[at], &nan, sizeof(nan));
          std::memcpy(&expected[at], &canonical, sizeof(canonical));
        }
        FloatsAt floats(x, size % 16);
        CanonicalizeNans(floats.data(), size);
        EXPECT_TRUE(SameBits(floats.values(), expected)) << size << " " << nan;
      }
    }
  });
}

}  // namespace
}  // namespace normd::kernels
