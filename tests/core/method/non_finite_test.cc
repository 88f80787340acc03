// NaN and infinity, refused or let through.
#include <gtest/gtest.h>

#include <bit>
#include <cmath>
#include <cstring>
#include <limits>

#include "core/method/normalizer.h"
#include "tests/core/method/row_method_specs.h"
#include "tests/testing/error_matchers.h"
#include "tests/testing/random_values.h"
#include "tests/testing/same_bits.h"
#include "tests/testing/same_statistics.h"

namespace normd {
namespace {

using testing::IsError;
using testing::IsInvalidField;
using testing::IsOk;
using testing::NamedSpec;
using testing::RandomFloats;
using testing::SameBits;
using testing::SameStatistics;

constexpr uint32_t kCanonicalNan = 0x7FC00000;
constexpr int64_t kRow = 20;
constexpr auto kInvalidArgument = absl::StatusCode::kInvalidArgument;

// Infinities and NaNs: quiet, signalling, negative, with a payload.
std::vector<float> Specials() {
  return {std::numeric_limits<float>::infinity(), -std::numeric_limits<float>::infinity(),
          std::bit_cast<float>(kCanonicalNan),    std::bit_cast<float>(0xFFC00000),
          std::bit_cast<float>(0x7F800001),       std::bit_cast<float>(0xFFC12345)};
}

uint32_t BitsOf(const float& value) { return std::bit_cast<uint32_t>(value); }

// Checks that every NaN in `y` is the canonical one; returns how many there are.
int CountCanonicalNans(const std::vector<float>& y) {
  int count = 0;
  for (const float& value : y) {
    if (!std::isnan(value)) continue;
    EXPECT_EQ(BitsOf(value), kCanonicalNan);
    ++count;
  }
  return count;
}

NormalizationSpec SpecOf(Method method, NonFinitePolicy policy) {
  return Resolve({.method = method, .non_finite = policy}).value();
}

// Three rows, of which the middle one holds a special value at each place in turn.
template <class Body>
void ForEachSpecialRow(const Body& body) {
  for (const float& special : Specials()) {
    for (int64_t place : {int64_t{0}, int64_t{7}, kRow - 1}) {
      SCOPED_TRACE(::testing::Message() << std::hex << BitsOf(special) << " at " << place);
      std::vector<float> x = RandomFloats(3 * kRow);
      std::memcpy(&x[kRow + place], &special, sizeof(special));
      body(x, place);
    }
  }
}

std::vector<float> WithoutMiddleRow(std::vector<float> x) {
  x.erase(x.begin() + kRow, x.begin() + 2 * kRow);
  return x;
}

class NonFiniteRows : public ::testing::TestWithParam<NamedSpec> {
 protected:
  RowNormalizer Normalizer(NonFinitePolicy policy) {
    NormalizationSpec spec = GetParam().spec;
    spec.non_finite = policy;
    return RowNormalizer::Create(Resolve(spec).value(), {kRow}).value();
  }

  // How many elements of the row come out NaN. `special` is at `place`.
  static int64_t NanCount(float special, int64_t place) {
    const NormalizationSpec& spec = GetParam().spec;
    const auto counted = static_cast<int64_t>(spec.partial.value_or(1) * kRow);
    const bool enters = spec.method != Method::kDynamicTanh && place < counted;
    if (std::isnan(special)) return enters ? kRow : 1;
    const bool is_centered =
        spec.method == Method::kLayerNorm || spec.method == Method::kRowStandardization;
    if (is_centered) return kRow;  // there is no mean
    // Nothing can be told of how far above an infinite minimum a value is.
    if (spec.method == Method::kRowMinMax) return special < 0 ? kRow : 1;
    return enters ? 1 : 0;  // the norm is infinite, and the others are 0 beside it
  }
};

INSTANTIATE_TEST_SUITE_P(, NonFiniteRows, ::testing::ValuesIn(testing::RowMethodSpecs()),
                         [](const auto& info) { return info.param.name; });

TEST_P(NonFiniteRows, AreRefusedUnderReject) {
  const RowNormalizer normalizer = Normalizer(NonFinitePolicy::kReject);
  ForEachSpecialRow([&](const std::vector<float>& x, int64_t) {
    std::vector<float> y(x.size());
    EXPECT_THAT(normalizer.Normalize(x.data(), 3, y.data()), IsInvalidField("data"));
  });
}

TEST_P(NonFiniteRows, DoNotTouchOtherRowsUnderPropagate) {
  const RowNormalizer normalizer = Normalizer(NonFinitePolicy::kPropagate);
  ForEachSpecialRow([&](const std::vector<float>& x, int64_t place) {
    std::vector<float> y(x.size()), expected(2 * kRow);
    ASSERT_THAT(normalizer.Normalize(x.data(), 3, y.data()), IsOk());
    ASSERT_THAT(normalizer.Normalize(WithoutMiddleRow(x).data(), 2, expected.data()), IsOk());
    EXPECT_TRUE(SameBits(WithoutMiddleRow(y), expected));
    const float special = x[kRow + place];
    EXPECT_EQ(CountCanonicalNans(y), NanCount(special, place));
    if (std::isnan(special)) {
      EXPECT_TRUE(std::isnan(y[kRow + place]));
    }
    std::vector<float> in_place = x;
    ASSERT_THAT(normalizer.Normalize(in_place.data(), 3, in_place.data()), IsOk());
    EXPECT_TRUE(SameBits(in_place, y));
  });
}

class NonFiniteBatch : public ::testing::Test {
 protected:
  ChannelNormalizer Normalizer(NonFinitePolicy policy) {
    return ChannelNormalizer::Create(SpecOf(Method::kBatchNorm, policy), {kRow}).value();
  }
};

TEST_F(NonFiniteBatch, IsRefusedUnderReject) {
  const ChannelNormalizer normalizer = Normalizer(NonFinitePolicy::kReject);
  ForEachSpecialRow([&](const std::vector<float>& x, int64_t) {
    std::vector<float> y(x.size());
    EXPECT_THAT(normalizer.CheckFinite(x.data(), 3), IsInvalidField("data"));
    EXPECT_THAT(normalizer.CheckFinite(x.data(), 1), IsOk());
    EXPECT_THAT(normalizer.NormalizeByBatch(x.data(), 3, y.data()), IsInvalidField("data"));
  });
}

TEST_F(NonFiniteBatch, IsNormalizedByItsFiniteRowsUnderPropagate) {
  const ChannelNormalizer normalizer = Normalizer(NonFinitePolicy::kPropagate);
  ForEachSpecialRow([&](const std::vector<float>& x, int64_t place) {
    EXPECT_THAT(normalizer.CheckFinite(x.data(), 3), IsOk());
    const std::vector<float> finite = WithoutMiddleRow(x);
    const ChannelNormalizer::FiniteRows selected = normalizer.SelectFiniteRows(x.data(), 3);
    EXPECT_EQ(selected.rows.count, 2);
    const auto* data = selected.data.As<float>();
    EXPECT_TRUE(SameBits(std::vector(data, data + 2 * kRow), finite));

    std::vector<float> y(x.size()), expected(finite.size());
    ASSERT_THAT(normalizer.NormalizeByBatch(x.data(), 3, y.data()), IsOk());
    ASSERT_THAT(normalizer.NormalizeByBatch(finite.data(), 2, expected.data()), IsOk());
    EXPECT_TRUE(SameBits(WithoutMiddleRow(y), expected));
    EXPECT_EQ(CountCanonicalNans(y), std::isnan(x[kRow + place]) ? 1 : 0);
    EXPECT_FALSE(std::isfinite(y[kRow + place]));
  });
}

TEST_F(NonFiniteBatch, WithoutACopyWhereAllIsFinite) {
  const ChannelNormalizer normalizer = Normalizer(NonFinitePolicy::kPropagate);
  const auto x = RandomFloats(3 * kRow);
  const ChannelNormalizer::FiniteRows selected = normalizer.SelectFiniteRows(x.data(), 3);
  EXPECT_EQ(selected.data.data, x.data());
  EXPECT_EQ(selected.rows.count, 3);
}

TEST_F(NonFiniteBatch, NeedsTwoFiniteRows) {
  const ChannelNormalizer normalizer = Normalizer(NonFinitePolicy::kPropagate);
  ForEachSpecialRow([&](const std::vector<float>& x, int64_t) {
    std::vector<float> y(x.size());
    EXPECT_THAT(normalizer.NormalizeByBatch(x.data(), 2, y.data()),
                IsError(kInvalidArgument, "NEEDS_MORE_ROWS"));
  });
}

TEST_F(NonFiniteBatch, NeverEntersRunningStatisticsRowByRow) {
  const ChannelNormalizer normalizer = Normalizer(NonFinitePolicy::kPropagate);
  for (const Estimator& estimator : {Estimator(Cumulative{}), Estimator(TokenEma{0.1})}) {
    for (bool update_first : {true, false}) {
      ForEachSpecialRow([&](const std::vector<float>& x, int64_t place) {
        RunningStatistics statistics(estimator, kRow), of_finite(estimator, kRow);
        const std::vector<float> finite = WithoutMiddleRow(x);
        std::vector<float> y(x.size()), expected(finite.size());
        normalizer.NormalizeRowByRow(update_first, x.data(), 3, statistics, y.data());
        normalizer.NormalizeRowByRow(update_first, finite.data(), 2, of_finite, expected.data());
        EXPECT_TRUE(SameStatistics(statistics.Snapshot(), of_finite.Snapshot()));
        EXPECT_TRUE(SameBits(WithoutMiddleRow(y), expected));
        EXPECT_EQ(CountCanonicalNans(y), std::isnan(x[kRow + place]) ? 1 : 0);
      });
    }
  }
}

}  // namespace
}  // namespace normd
