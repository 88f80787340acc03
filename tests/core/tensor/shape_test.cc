#include "core/tensor/shape.h"

#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include <cstdint>
#include <limits>
#include <string_view>

#include "core/error/error.h"
#include "core/tensor/channel_layout.h"

namespace normd {
namespace {

constexpr int64_t kMax = std::numeric_limits<int64_t>::max();

void ExpectRefused(const Shape& shape, std::string_view because) {
  const auto count = ElementCount(shape);
  ASSERT_FALSE(count.ok()) << ToString(shape);
  EXPECT_EQ(count.status().code(), absl::StatusCode::kInvalidArgument);
  EXPECT_EQ(DetailsOf(count.status()).field, "shape");
  EXPECT_THAT(count.status().message(), ::testing::HasSubstr(because));
}

TEST(ElementCount, IsTheProductOfTheDimensions) {
  EXPECT_EQ(ElementCount(Shape{7}).value(), 7);
  EXPECT_EQ(ElementCount(Shape{2, 3, 4}).value(), 24);
  EXPECT_EQ(ElementCount(Shape{1, 1, 1, 1, 1, 1, 1, 2}).value(), 2);
}

TEST(ElementCount, RefusesRanksOutOfBounds) {
  ExpectRefused({}, "has 0 dimensions");
  ExpectRefused({1, 1, 1, 1, 1, 1, 1, 1, 1}, "has 9 dimensions");
}

TEST(ElementCount, RefusesDimensionsBelowOne) {
  ExpectRefused({0}, "[0] has a dimension below 1: 0");
  ExpectRefused({2, -3}, "[2, -3] has a dimension below 1: -3");
  ExpectRefused({std::numeric_limits<int64_t>::min()}, "below 1");
}

TEST(ElementCount, CountsUpToTheLargestInt64) {
  EXPECT_EQ(ElementCount(Shape{kMax}).value(), kMax);
  EXPECT_EQ(ElementCount(Shape{kMax, 1}).value(), kMax);
  EXPECT_EQ(ElementCount(Shape{int64_t{1} << 31, int64_t{1} << 31}).value(), int64_t{1} << 62);
}

TEST(ElementCount, RefusesProductsBeyondInt64) {
  ExpectRefused({kMax, 2}, "more elements");
  ExpectRefused({int64_t{1} << 32, int64_t{1} << 31}, "more elements");
  ExpectRefused({int64_t{1} << 32, int64_t{1} << 32}, "more elements");  // wraps to 0
}

TEST(ToString, ListsTheDimensions) {
  EXPECT_EQ(ToString(Shape{2, 3}), "[2, 3]");
  EXPECT_EQ(ToString(Shape{}), "[]");
}

TEST(ChannelLayout, CountsValues) {
  const ChannelLayout layout{.outer = 2, .channels = 3, .inner = 5};
  EXPECT_EQ(layout.values_per_channel(), 10);
  EXPECT_EQ(layout.size(), 30);
}

}  // namespace
}  // namespace normd
