#include "core/tensor/padding.h"

#include <gtest/gtest.h>

#include <numeric>
#include <string>

#include "tests/testing/error_matchers.h"

namespace normd {
namespace {

using testing::IsInvalidField;
using testing::IsOk;

Padding Make(int64_t rows, int64_t steps, int64_t shape_steps, std::vector<int64_t> lengths,
             absl::string_view mask) {
  return Padding::Create(rows, steps, shape_steps, lengths, mask).value();
}

TEST(Padding, IsNoneWhereNothingSaysSo) {
  const Padding padding = Make(3, 4, 4, {}, "");
  EXPECT_TRUE(padding.empty());
  EXPECT_EQ(padding.valid_rows().count, 3);
  EXPECT_TRUE(padding.valid_rows().steps.empty());
  const Padding telling = Make(3, 4, 0, {}, "");
  EXPECT_TRUE(telling.empty());
  EXPECT_EQ(telling.valid_rows().steps, (std::vector<int64_t>{4, 4, 4}));
  EXPECT_TRUE(Make(3, 4, 4, {4, 4, 4}, "\x07").empty());
  EXPECT_TRUE(Make(0, 4, 4, {}, "").empty());
}

TEST(Padding, IsTakenOutAndPutBackAsZeros) {
  const std::string batch = "abcdABCDefghEFGH";  // 4 rows of 2 steps of 2 bytes
  const Padding padding = Make(4, 2, 2, {2, 1, 1, 2}, "\x0B");
  EXPECT_FALSE(padding.empty());
  EXPECT_EQ(padding.valid_steps(), 5);
  EXPECT_EQ(padding.valid_rows().count, 3);
  EXPECT_EQ(padding.valid_rows().steps, (std::vector<int64_t>{2, 1, 2}));
  std::string valid(10, '.');
  padding.TakeOut(batch.data(), 2, valid.data());
  EXPECT_EQ(valid, "abcdABEFGH");
  std::string whole(16, '.');
  padding.PutBack(valid.data(), 2, whole.data());
  EXPECT_EQ(whole, std::string("abcdAB\0\0\0\0\0\0EFGH", 16));
}

TEST(Padding, RowsAsTheirShapeSaysNeedNotTellTheirSteps) {
  EXPECT_TRUE(Make(9, 2, 2, {}, absl::string_view("\x01\x01", 2)).valid_rows().steps.empty());
  EXPECT_EQ(Make(9, 2, 2, {}, absl::string_view("\x01\x01", 2)).valid_rows().count, 2);
  EXPECT_EQ(Make(2, 2, 2, {1, 1}, "").valid_rows().steps, (std::vector<int64_t>{1, 1}));
  EXPECT_EQ(Make(2, 2, 2, {}, absl::string_view("\0", 1)).valid_rows().count, 0);
}

TEST(Padding, RefusesWhatDoesNotFit) {
  EXPECT_THAT(Padding::Create(2, 3, 3, {3}, ""), IsInvalidField("lengths"));
  EXPECT_THAT(Padding::Create(2, 3, 3, {3, 0}, ""), IsInvalidField("lengths"));
  EXPECT_THAT(Padding::Create(2, 3, 3, {4, 1}, ""), IsInvalidField("lengths"));
  EXPECT_THAT(Padding::Create(9, 3, 3, {}, "\x01"), IsInvalidField("row_mask"));
  EXPECT_THAT(Padding::Create(8, 3, 3, {}, "\x01\x01"), IsInvalidField("row_mask"));
  EXPECT_THAT(Padding::Create(8, 3, 3, {}, "\x01"), IsOk());
}

}  // namespace
}  // namespace normd
