// Every SIMD target gives the bits of the portable kernels for all element types, input and output.
#include <gtest/gtest.h>

#include <cmath>

#include "core/kernels/channel_kernels.h"
#include "core/kernels/row_kernels.h"
#include "tests/core/kernels/targets.h"
#include "tests/testing/non_finite.h"
#include "tests/testing/typed_values.h"

namespace normd::kernels {
namespace {

using testing::kInfinity;
using testing::kNan;

using ::normd::testing::kElementTypes;
using ::normd::testing::NameOf;
using ::normd::testing::TypedValues;

template <class Body>
void ForEachTypeAndSize(const Body& body) {
  ForEachTarget([&] {
    for (const ElementType type : kElementTypes) {
      for (int64_t size : {1, 2, 3, 4, 5, 7, 8, 9, 15, 16, 17, 31, 33, 64, 100, 257}) {
        SCOPED_TRACE(::testing::Message() << NameOf(type) << " x " << size);
        body(type, size);
      }
    }
  });
}

std::vector<double> Draw(int64_t size, int seed = 1) { return RandomDoubles(size, -30, 50, seed); }

void ExpectPortableBitsOfChannels(const TypedValues& x, const ChannelLayout& layout) {
  const auto c = static_cast<size_t>(layout.channels);
  std::vector<double> mean(c), m2(c), low(c, 1), high(c, 2);
  auto expected_mean = mean, expected_m2 = m2, expected_low = low, expected_high = high;
  ComputeChannelMoments(x.data(), layout, mean.data(), m2.data());
  portable::ComputeChannelMoments(x.data(), layout, {0, layout.channels}, expected_mean.data(),
                                  expected_m2.data());
  EXPECT_TRUE(SameBits(mean, expected_mean));
  EXPECT_TRUE(SameBits(m2, expected_m2));
  FoldExtremes(x.data(), layout, low.data(), high.data());
  portable::FoldExtremes(x.data(), layout, expected_low.data(), expected_high.data());
  EXPECT_TRUE(SameBits(low, expected_low));
  EXPECT_TRUE(SameBits(high, expected_high));
  FoldTokens(x.data(), layout, 0.3, mean.data(), m2.data());
  portable::FoldTokens(x.data(), layout, 0.3, expected_mean.data(), expected_m2.data());
  EXPECT_TRUE(SameBits(mean, expected_mean));
  EXPECT_TRUE(SameBits(m2, expected_m2));
  std::vector<float> narrow(4 * c);
  const ChannelAffine wide{mean.data(), m2.data(), low.data()};
  for (const ChannelAffine& affine : {wide, Narrowed(wide, layout.channels, narrow.data())}) {
    for (const ElementType output : kElementTypes) {
      TypedValues expected(output, layout.size());
      TypedValues y(output, layout.size(), 3);
      portable::NormalizeChannels(affine, x.data(), layout, {0, layout.spans()},
                                  {0, layout.channels}, expected.data());
      NormalizeChannels(affine, x.data(), layout, y.data());
      EXPECT_TRUE(y.bytes() == expected.bytes()) << NameOf(output);
      if (output != x.type()) continue;
      TypedValues in_place = x;
      NormalizeChannels(affine, in_place.data(), layout, in_place.data());
      EXPECT_TRUE(in_place.bytes() == expected.bytes());
    }
  }
}

// Of one pass by blocks: the three kernels' one after another.
void ExpectPortableBitsOfOwnMoments(const TypedValues& x, const ChannelLayout& layout) {
  const auto gamma = RandomDoubles(layout.channels, -2, 2, 5);
  const auto beta = RandomDoubles(layout.channels, -2, 2, 6);
  std::vector<double> mean(layout.channels), scale(layout.channels);
  portable::ComputeChannelMoments(x.data(), layout, {0, layout.channels}, mean.data(),
                                  scale.data());
  for (const bool has_affine : {true, false}) {
    const OwnScale own{
        {1e-5}, has_affine ? gamma.data() : nullptr, has_affine ? beta.data() : nullptr};
    std::vector<double> scales(layout.channels);
    portable::ComputeChannelScale(scale.data(), static_cast<double>(layout.values_per_channel()),
                                  own.epsilon, own.gamma, layout.channels, scales.data());
    for (const ElementType output : kElementTypes) {
      TypedValues expected(output, layout.size());
      TypedValues y(output, layout.size(), 3);
      portable::NormalizeChannels({mean.data(), scales.data(), own.beta}, x.data(), layout,
                                  {0, layout.spans()}, {0, layout.channels}, expected.data());
      EXPECT_TRUE(NormalizeByOwnMoments(own, x.data(), layout, y.data()));
      EXPECT_TRUE(y.bytes() == expected.bytes()) << NameOf(output);
    }
  }
}

// Blocks of one channel, of several that divide a whole and that do not, of all.
TEST(TypedBits, OfOwnMoments) {
  for (const ElementType type : kElementTypes) {
    for (const ChannelLayout& layout :
         {ChannelLayout{2, 1, 1}, ChannelLayout{3, 257, 1}, ChannelLayout{16, 1100, 1},
          ChannelLayout{600, 300, 1}, ChannelLayout{2000, 256, 1}, ChannelLayout{2, 3, 5},
          ChannelLayout{3, 600, 49}, ChannelLayout{2, 3, 40000}, ChannelLayout{1, 5, 33}}) {
      const TypedValues x(type, Draw(layout.size()), 1);
      ForEachTarget([&] {
        SCOPED_TRACE(::testing::Message() << NameOf(type) << " " << layout.outer << " "
                                          << layout.channels << " " << layout.inner);
        ExpectPortableBitsOfOwnMoments(x, layout);
      });
    }
  }
}

TEST(OwnMoments, TellOfWhatIsNotFinite) {
  for (const ElementType type : kElementTypes) {
    for (const ChannelLayout& layout : {ChannelLayout{16, 1100, 1}, ChannelLayout{2, 30, 70}}) {
      for (const int64_t at : {int64_t{0}, layout.size() / 2, layout.size() - 1}) {
        std::vector<double> values = Draw(layout.size());
        values[at] = kNan;
        TypedValues y(type, layout.size());
        EXPECT_FALSE(NormalizeByOwnMoments({}, TypedValues(type, values).data(), layout, y.data()));
      }
    }
  }
}

TEST(TypedBits, OfChannels) {
  std::vector<int64_t> sizes;
  for (int64_t size = 1; size <= 257; ++size) sizes.push_back(size);
  for (int64_t size = 512; size <= 65536; size *= 2) sizes.push_back(size);
  for (const ElementType type : kElementTypes) {
    for (const int64_t size : sizes) {
      for (const ChannelLayout& layout :
           {ChannelLayout{3, size, 1}, ChannelLayout{2, 3, size}, ChannelLayout{size, 2, 1}}) {
        SCOPED_TRACE(::testing::Message() << NameOf(type) << " x " << size);
        const TypedValues x(type, Draw(layout.size()), static_cast<int>(size % 16));
        ForEachTarget([&] { ExpectPortableBitsOfChannels(x, layout); });
      }
    }
  }
}

// Numbers of every magnitude that float64 has, through the rounding of every type.
TEST(TypedBits, OfRoundedOutputs) {
  std::vector<double> values = {0.0, -0.0, kInfinity, -kInfinity, 5e-324, -1e308};
  for (int exponent = -1074; exponent < 1024; ++exponent) {
    for (const double mantissa : {1.0, -1.00048828125, 1.998046875, 1.50390625, -1.3333333333}) {
      values.push_back(std::ldexp(mantissa, exponent));
    }
  }
  const auto size = static_cast<int64_t>(values.size());
  const double zero = 0;
  const double one = 1;
  const ChannelLayout layout{1, 1, size};
  const TypedValues x(ElementType::kFloat64, values);
  ForEachTarget([&] {
    for (const ElementType output : kElementTypes) {
      TypedValues y(output, size, 1);
      NormalizeChannels({&zero, &one}, x.data(), layout, y.data());
      EXPECT_EQ(y.bytes(), TypedValues(output, values).bytes()) << NameOf(output);
    }
  });
}

TEST(TypedBits, EveryHalfPrecisionNumberIsReadExactly) {
  const double zero = 0;
  const double one = 1;
  for (const ElementType type : {ElementType::kFloat16, ElementType::kBFloat16}) {
    TypedValues x(type, 0x10000);
    for (int i = 0; i < 0x10000; ++i) x.data().As<uint16_t>()[i] = static_cast<uint16_t>(i);
    const std::vector<double> expected = x.values();
    ForEachTarget([&] {
      TypedValues y(ElementType::kFloat64, 0x10000);
      NormalizeChannels({&zero, &one}, x.data(), {1, 1, 0x10000}, y.data());
      const std::vector<double> actual = y.values();
      for (size_t i = 0; i < expected.size(); ++i) {
        if (std::isnan(expected[i])) {
          ASSERT_TRUE(std::isnan(actual[i])) << i;
        } else {
          ASSERT_EQ(actual[i], expected[i]) << i;
        }
      }
    });
  }
}

TEST(TypedCountNonFinite, CountsWhatMustNotEnter) {
  ForEachTypeAndSize([](ElementType type, int64_t size) {
    std::vector<double> x = Draw(size);
    EXPECT_EQ(CountNonFinite(TypedValues(type, x, 1).data(), size), 0);
    int64_t count = 0;
    for (int64_t at = 0; at < size; at += 3) {
      x[at] = at % 2 == 0 ? kNan : -kInfinity;
      EXPECT_EQ(CountNonFinite(TypedValues(type, x, 1).data(), size), ++count) << at;
    }
  });
}

TEST(TypedAllFinite, FindsWhatMustNotEnter) {
  ForEachTypeAndSize([](ElementType type, int64_t size) {
    std::vector<double> x = Draw(size);
    EXPECT_TRUE(AllFinite(TypedValues(type, x, 1).data(), size));
    for (const double bad : {kNan, kInfinity, -kInfinity}) {
      for (int64_t at = 0; at < size; at += 5) {
        auto broken = x;
        broken[at] = bad;
        EXPECT_FALSE(AllFinite(TypedValues(type, broken, 1).data(), size)) << bad << " at " << at;
      }
    }
    x[size / 2] = std::nextafter(0x1p480, 0.0);
    EXPECT_EQ(AllFinite(TypedValues(type, x).data(), size), type == ElementType::kFloat64);
    x[size / 2] = -0x1p480;
    EXPECT_FALSE(AllFinite(TypedValues(type, x).data(), size));
  });
}

// The number of that type that follows a positive one.
double NextAbove(ElementType type, double value) {
  TypedValues x(type, std::vector<double>{value});
  VisitElementType(type, [&]<typename T>(ElementTag<T>) {
    using Bits = std::conditional_t<sizeof(T) == 2, uint16_t,
                                    std::conditional_t<sizeof(T) == 4, uint32_t, uint64_t>>;
    ++*x.data().As<Bits>();
  });
  return x.values()[0];
}

TEST(Clip, BoundsWhatIsBeyondAndLeavesTheRest) {
  ForEachTypeAndSize([](ElementType type, int64_t size) {
    for (const double limit : {10.1, 0.1, 8.0, 1e-3, 70000.0, 1e6}) {
      std::vector<double> x = Draw(size);
      x[size / 2] = size % 2 == 0 ? kInfinity : -kInfinity;
      TypedValues y(type, x, 5);
      const std::vector<double> before = y.values();
      Clip(y.data(), size, limit);
      const std::vector<double> after = y.values();
      for (int64_t i = 0; i < size; ++i) {
        if (std::fabs(before[i]) <= limit) {
          ASSERT_EQ(after[i], before[i]);
          continue;
        }
        const double magnitude = std::fabs(after[i]);
        ASSERT_EQ(std::signbit(after[i]), std::signbit(before[i]));
        ASSERT_LE(magnitude, limit);
        ASSERT_GT(NextAbove(type, magnitude), limit);
      }
    }
    std::vector<double> nan(size, kNan);
    TypedValues y(type, nan);
    const std::string before = y.bytes();
    Clip(y.data(), size, 1);
    EXPECT_EQ(y.bytes(), before);
  });
}

TEST(TypedCanonicalizeNans, LeavesOneNan) {
  for (const ElementType type : kElementTypes) {
    TypedValues x(type, std::vector<double>{1, kNan, kInfinity, -2, kNan});
    TypedValues expected = x;
    x.data().As<unsigned char>()[SizeOf(type) * 2 - 1] ^= 0x80;  // the other sign
    EXPECT_NE(x.bytes(), expected.bytes());
    CanonicalizeNans(x.data(), 5);
    EXPECT_EQ(x.bytes(), expected.bytes()) << NameOf(type);
  }
}

}  // namespace
}  // namespace normd::kernels
