#include "client/cli/row_chunks.h"

#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include "client/cpp/tensor.h"

namespace normd::cli {
namespace {

using ::testing::ElementsAre;
using ::testing::HasSubstr;
using ::testing::IsEmpty;

// 0, 1, 2, ... of that shape.
v1::Tensor Counting(const std::vector<int64_t>& shape) {
  int64_t size = 1;
  for (const int64_t dimension : shape) size *= dimension;
  std::vector<float> values;
  for (int64_t i = 0; i < size; ++i) values.push_back(static_cast<float>(i));
  return client::ToTensor(shape, values);
}

RowChunks CutOrFail(const std::vector<int64_t>& shape, RowLayout layout, const std::string& range,
                    int64_t rows_per_chunk) {
  auto chunks = RowChunks::Cut(Counting(shape), std::move(layout), range, rows_per_chunk);
  EXPECT_TRUE(chunks.ok()) << chunks.status();
  return *std::move(chunks);
}

std::vector<float> ValuesOf(const v1::Chunk& chunk) {
  return client::ToFloat32(v1::ELEMENT_TYPE_FLOAT32, chunk.data());
}

TEST(RowChunksTest, TheLargestHasTheMostRows) {
  EXPECT_EQ(CutOrFail({5, 2}, {}, "", 2).Largest(), 0);
  EXPECT_EQ(CutOrFail({6, 2}, {.lengths = {1, 3, 2}}, "", 1).Largest(), 1);
  EXPECT_EQ(CutOrFail({6, 2}, {.lengths = {1, 3, 2}}, "2:", 1).Largest(), 0);
}

TEST(RowChunksTest, TheLastOneHoldsWhatIsLeft) {
  const RowChunks chunks = CutOrFail({5, 2}, {}, "", 2);
  ASSERT_EQ(chunks.count(), 3);
  EXPECT_THAT(ValuesOf(chunks.Get(1)), ElementsAre(4, 5, 6, 7));
  EXPECT_THAT(ValuesOf(chunks.Get(2)), ElementsAre(8, 9));
  EXPECT_EQ(chunks.rows(), 5);
  EXPECT_THAT(chunks.shape(), ElementsAre(5, 2));
  EXPECT_THAT(chunks.row_shape(), ElementsAre(2));
  EXPECT_EQ(chunks.Get(0).lengths_size(), 0);
  EXPECT_THAT(chunks.Get(0).row_mask(), IsEmpty());
}

TEST(RowChunksTest, ARangeIsCutByItself) {
  const RowChunks chunks = CutOrFail({5}, {}, "1:4", 2);
  ASSERT_EQ(chunks.count(), 2);
  EXPECT_THAT(ValuesOf(chunks.Get(0)), ElementsAre(1, 2));
  EXPECT_THAT(ValuesOf(chunks.Get(1)), ElementsAre(3));
  EXPECT_THAT(chunks.shape(), ElementsAre(3));
  EXPECT_THAT(chunks.row_shape(), ElementsAre(1));
  EXPECT_EQ(CutOrFail({5}, {}, "2:2", 2).count(), 0);
  EXPECT_EQ(CutOrFail({0, 3}, {}, "", 2).count(), 0);
}

TEST(RowChunksTest, AnyNumberOfRowsPerChunkWill) {
  EXPECT_EQ(CutOrFail({5, 2}, {}, "", std::numeric_limits<int64_t>::max()).count(), 1);
}

TEST(RowChunksTest, SequencesOneAfterTheOtherStayWhole) {
  const RowChunks chunks = CutOrFail({6, 1}, {.lengths = {2, 1, 3}}, "", 2);
  ASSERT_EQ(chunks.count(), 2);
  EXPECT_THAT(ValuesOf(chunks.Get(0)), ElementsAre(0, 1, 2));
  EXPECT_THAT(ValuesOf(chunks.Get(1)), ElementsAre(3, 4, 5));
  EXPECT_EQ(chunks.Get(0).lengths_size(), 0);
  const RowChunks last = CutOrFail({6, 1}, {.lengths = {2, 1, 3}}, "1:", 1);
  ASSERT_EQ(last.count(), 2);
  EXPECT_THAT(ValuesOf(last.Get(0)), ElementsAre(2));
  EXPECT_THAT(ValuesOf(last.Get(1)), ElementsAre(3, 4, 5));
  EXPECT_EQ(last.rows(), 4);
}

TEST(RowChunksTest, PaddedRowsGoWithTheirLengths) {
  const RowChunks chunks = CutOrFail({3, 2, 1}, {.lengths = {1, 2, 1}}, "1:3", 1);
  ASSERT_EQ(chunks.count(), 2);
  EXPECT_THAT(ValuesOf(chunks.Get(0)), ElementsAre(2, 3));
  EXPECT_THAT(chunks.Get(0).lengths(), ElementsAre(2));
  EXPECT_THAT(chunks.Get(1).lengths(), ElementsAre(1));
  EXPECT_EQ(chunks.Get(0).shape_size(), 0);
  EXPECT_THAT(chunks.row_shape(), ElementsAre(2, 1));
}

TEST(RowChunksTest, AMaskIsABitARowFromEachChunksFirst) {
  std::vector<bool> mask(12, true);
  mask[0] = mask[9] = mask[11] = false;
  const RowChunks chunks = CutOrFail({12}, {.mask = mask}, "", 10);
  EXPECT_EQ(chunks.Get(0).row_mask(), std::string("\xFE\x01"));
  EXPECT_EQ(chunks.Get(1).row_mask(), std::string("\x01"));
  EXPECT_EQ(CutOrFail({12}, {.mask = mask}, "9:", 10).Get(0).row_mask(), std::string("\x02"));
}

TEST(RowChunksTest, WhatDoesNotFitIsRefused) {
  const auto error = [](const std::vector<int64_t>& shape, RowLayout layout) {
    return std::string(
        RowChunks::Cut(Counting(shape), std::move(layout), "", 1).status().message());
  };
  EXPECT_THAT(error({}, {}), HasSubstr("no rows"));
  for (const std::vector<int64_t>& lengths : std::vector<std::vector<int64_t>>{
           {6}, {5, 1}, {4, -1, 2}, {5, 0}, {std::numeric_limits<int64_t>::max(), 5}, {2, 2}}) {
    EXPECT_THAT(error({5, 2}, {.lengths = lengths}), HasSubstr("the lengths")) << lengths[0];
  }
  EXPECT_THAT(error({2, 3, 1}, {.lengths = {3, 4}}), HasSubstr("from 1 to as many as it has"));
  EXPECT_THAT(error({5}, {.mask = {true}}), HasSubstr("the mask has 1 values for 5 rows"));
}

}  // namespace
}  // namespace normd::cli
