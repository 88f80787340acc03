// A residual is added with one rounding, the same on every target, and what normalizes the sums
// gives what normalizes their tensor.
#include <gtest/gtest.h>

#include <bit>
#include <cmath>
#include <limits>
#include <random>

#include "core/kernels/row_kernels.h"
#include "tests/core/kernels/targets.h"
#include "tests/testing/non_finite.h"
#include "tests/testing/typed_values.h"

namespace normd::kernels {
namespace {

using ::normd::testing::kElementTypes;
using ::normd::testing::NameOf;
using ::normd::testing::TypedValues;

// Elements of any bits: numbers of every magnitude, NaN and infinity among them.
TypedValues AnyBits(ElementType type, int64_t size, int offset, uint32_t seed) {
  std::mt19937 generator(seed);
  TypedValues x(type, size, offset);
  auto* bytes = x.data().As<unsigned char>();
  for (int64_t i = 0; i < size * SizeOf(type); ++i) {
    bytes[i] = static_cast<unsigned char>(generator());
  }
  return x;
}

// a + b with its last bit set where it is not exact: rounded to a narrower type, that is the exact
// sum rounded once.
double RoundedToOdd(double a, double b) {
  const double sum = a + b;
  const double part = sum - a;
  const double error = (a - (sum - part)) + (b - part);
  const auto bits = std::bit_cast<uint64_t>(sum);
  if (!(error != 0) || !std::isfinite(sum) || bits % 2 == 1) return sum;
  return std::nextafter(sum, error > 0 ? std::numeric_limits<double>::infinity()
                                       : -std::numeric_limits<double>::infinity());
}

TypedValues AddPortably(const TypedValues& x, const TypedValues& residual) {
  TypedValues sum(x.type(), x.size());
  portable::Add(x.data(), residual.data(), x.size(), sum.data());
  return sum;
}

TEST(Add, RoundsOnceToNearestEven) {
  const int64_t size = 200'000;
  for (const ElementType type : kElementTypes) {
    const std::vector<double> x = AnyBits(type, size, 0, 1).values();
    std::vector<double> residual = AnyBits(type, size, 0, 2).values();
    // Of like magnitudes too, where sums of 16 bits mostly are exact, and of those that just round.
    for (size_t i = 0; i < residual.size(); i += 2) {
      residual[i] =
          x[i] * std::ldexp(residual[i] > 0 ? 1.0 : -1.0009765625, -static_cast<int>(i / 2 % 30));
    }
    const TypedValues a(type, x);
    const TypedValues b(type, residual);
    const std::vector<double> rounded = b.values();
    std::vector<double> sums;
    for (size_t i = 0; i < x.size(); ++i) {
      const double sum = RoundedToOdd(x[i], rounded[i]);
      sums.push_back(std::isnan(sum) ? testing::kNan : sum);
    }
    if (type == ElementType::kFloat64) {  // nothing is wider
      for (size_t i = 0; i < x.size(); ++i) {
        if (!std::isnan(sums[i])) sums[i] = x[i] + rounded[i];
      }
    }
    EXPECT_TRUE(AddPortably(a, b).bytes() == TypedValues(type, sums).bytes()) << NameOf(type);
  }
}

TEST(Add, HasThePortableBitsAtEverySizeAndAddress) {
  for (const ElementType type : kElementTypes) {
    for (int64_t size = 0; size <= 257; ++size) {
      const auto offset = static_cast<int>(size % 16);
      const TypedValues x = AnyBits(type, size, offset, 1);
      const TypedValues residual = AnyBits(type, size, (offset * 5 + 2) % 16, 2);
      const std::string expected = AddPortably(x, residual).bytes();
      ForEachTarget([&] {
        SCOPED_TRACE(::testing::Message() << NameOf(type) << " x " << size);
        TypedValues sum(type, size, (offset * 7 + 3) % 16);
        Add(x.data(), residual.data(), size, sum.data());
        EXPECT_TRUE(sum.bytes() == expected);
        TypedValues onto_x = x;
        Add(onto_x.data(), residual.data(), size, onto_x.data());
        EXPECT_TRUE(onto_x.bytes() == expected);
        TypedValues onto_residual = residual;
        Add(x.data(), onto_residual.data(), size, onto_residual.data());
        EXPECT_TRUE(onto_residual.bytes() == expected);
      });
    }
  }
}

TEST(Add, HasThePortableBitsWhateverItAdds) {
  for (const ElementType type : kElementTypes) {
    const TypedValues x = AnyBits(type, 0x10000, 0, 3);
    const TypedValues residual = AnyBits(type, 0x10000, 0, 4);
    const std::string expected = AddPortably(x, residual).bytes();
    ForEachTarget([&] {
      TypedValues sum(type, x.size());
      Add(x.data(), residual.data(), x.size(), sum.data());
      EXPECT_TRUE(sum.bytes() == expected) << NameOf(type);
    });
  }
}

// Rows that are more than are added at once, and single ones that are.
TEST(NormalizeSums, HasTheBitsOfAddAndNormalizeRows) {
  for (const ElementType type : kElementTypes) {
    for (const auto& [rows, size] : {std::pair<int64_t, int64_t>{1, 5}, {700, 101}, {2, 70'000}}) {
      const TypedValues x(type, RandomDoubles(rows * size, -30, 50, 1), 1);
      const TypedValues residual(type, RandomDoubles(rows * size, -3, 3, 2), 3);
      RowNorm norm{.epsilon = {1e-5}};
      const RowAffine affine(RandomDoubles(3 * size, -2, 2, 3), RandomDoubles(3 * size, -2, 2, 4));
      norm = affine.In(norm);
      norm.affine_rows = 3;
      TypedValues expected = AddPortably(x, residual);
      portable::NormalizeRows(norm, expected.data(), {0, rows}, size, expected.data());
      ForEachTarget([&] {
        SCOPED_TRACE(::testing::Message() << NameOf(type) << " " << rows << "x" << size);
        TypedValues y(type, x.size(), 5);
        EXPECT_TRUE(NormalizeSums(norm, x.data(), residual.data(), rows, size, y.data()));
        EXPECT_TRUE(y.bytes() == expected.bytes());
        TypedValues in_place = x;
        NormalizeSums(norm, in_place.data(), residual.data(), rows, size, in_place.data());
        EXPECT_TRUE(in_place.bytes() == expected.bytes());
      });
    }
  }
}

TEST(NormalizeSums, TellsOfASumThatIsNotFinite) {
  for (const int64_t at : {0, 50, 199}) {
    std::vector<float> x(200, 1);
    std::vector<float> residual(200, 2);
    std::vector<float> y(200);
    ForEachTarget(
        [&] { EXPECT_TRUE(NormalizeSums({}, x.data(), residual.data(), 2, 100, y.data())); });
    x[at] = residual[at] = std::numeric_limits<float>::max();
    ForEachTarget(
        [&] { EXPECT_FALSE(NormalizeSums({}, x.data(), residual.data(), 2, 100, y.data())); });
  }
}

}  // namespace
}  // namespace normd::kernels
