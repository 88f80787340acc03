#include "client/cli/row_chunks.h"

#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include <filesystem>
#include <limits>

#include "client/cpp/tensor.h"
#include "tests/testing/fed_pipe.h"
#include "tests/testing/temporary_folder.h"

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
  auto chunks =
      RowChunks::Cut(TensorReader(Counting(shape)), std::move(layout), range, rows_per_chunk);
  EXPECT_TRUE(chunks.ok()) << chunks.status();
  return *std::move(chunks);
}

v1::Chunk Get(RowChunks& chunks, int64_t i) {
  const auto chunk = chunks.Read(i);
  EXPECT_TRUE(chunk.ok()) << chunk.status();
  EXPECT_TRUE(chunk->has_value()) << i;
  return **chunk;
}

std::vector<float> ValuesOf(const v1::Chunk& chunk) {
  return client::ToFloat32(v1::ELEMENT_TYPE_FLOAT32, chunk.data());
}

TEST(RowChunksTest, TheLargestHasTheMostRows) {
  EXPECT_EQ(CutOrFail({5, 2}, {}, "", 2).Largest(), 0);
  EXPECT_EQ(CutOrFail({6, 2}, {.lengths = {1, 3, 2}}, "", 1).Largest(), 1);
  EXPECT_EQ(CutOrFail({6, 2}, {.lengths = {1, 3, 2}}, "2:", 1).Largest(), 0);
}

TEST(RowChunksTest, AreRefinedForTheirNumberAndSize) {
  const auto refined = [](RowChunks chunks, int64_t fewest, int64_t most_bytes) {
    chunks.Refine(fewest, most_bytes);
    return chunks.rows_per_chunk();
  };
  EXPECT_EQ(refined(CutOrFail({100, 2}, {}, "", 7), 10, 1000), 7);
  EXPECT_EQ(refined(CutOrFail({100, 2}, {}, "", 7), 25, 1000), 4);
  EXPECT_EQ(refined(CutOrFail({100, 2}, {}, "", 7), 1000, 1000), 1);
  EXPECT_EQ(refined(CutOrFail({100, 2}, {}, "", 7), 1, 24), 3);
  EXPECT_EQ(refined(CutOrFail({100, 2}, {}, "", 7), 1, 3), 1);
  // Three sequences of 16 bytes each, on average.
  EXPECT_EQ(refined(CutOrFail({6, 2}, {.lengths = {1, 3, 2}}, "", 3), 1, 35), 2);
  EXPECT_EQ(refined(CutOrFail({0, 2}, {}, "", 7), 1, 1000), 1);
}

TEST(RowChunksTest, TheLastOneHoldsWhatIsLeft) {
  RowChunks chunks = CutOrFail({5, 2}, {}, "", 2);
  ASSERT_EQ(chunks.count(), 3);
  EXPECT_THAT(ValuesOf(Get(chunks, 1)), ElementsAre(4, 5, 6, 7));
  EXPECT_THAT(ValuesOf(Get(chunks, 2)), ElementsAre(8, 9));
  EXPECT_EQ(chunks.rows(), 5);
  EXPECT_THAT(chunks.shape(), ElementsAre(5, 2));
  EXPECT_THAT(chunks.row_shape(), ElementsAre(2));
  EXPECT_EQ(Get(chunks, 0).lengths_size(), 0);
  EXPECT_THAT(Get(chunks, 0).row_mask(), IsEmpty());
}

TEST(RowChunksTest, ARangeIsCutByItself) {
  RowChunks chunks = CutOrFail({5}, {}, "1:4", 2);
  ASSERT_EQ(chunks.count(), 2);
  EXPECT_THAT(ValuesOf(Get(chunks, 0)), ElementsAre(1, 2));
  EXPECT_THAT(ValuesOf(Get(chunks, 1)), ElementsAre(3));
  EXPECT_THAT(chunks.shape(), ElementsAre(3));
  EXPECT_THAT(chunks.row_shape(), ElementsAre(1));
  EXPECT_EQ(CutOrFail({5}, {}, "2:2", 2).count(), 0);
  EXPECT_EQ(CutOrFail({0, 3}, {}, "", 2).count(), 0);
}

TEST(RowChunksTest, AnyNumberOfRowsPerChunkWill) {
  EXPECT_EQ(CutOrFail({5, 2}, {}, "", std::numeric_limits<int64_t>::max()).count(), 1);
}

TEST(RowChunksTest, SequencesOneAfterTheOtherStayWhole) {
  RowChunks chunks = CutOrFail({6, 1}, {.lengths = {2, 1, 3}}, "", 2);
  ASSERT_EQ(chunks.count(), 2);
  EXPECT_THAT(ValuesOf(Get(chunks, 0)), ElementsAre(0, 1, 2));
  EXPECT_THAT(ValuesOf(Get(chunks, 1)), ElementsAre(3, 4, 5));
  EXPECT_EQ(Get(chunks, 0).lengths_size(), 0);
  RowChunks last = CutOrFail({6, 1}, {.lengths = {2, 1, 3}}, "1:", 1);
  ASSERT_EQ(last.count(), 2);
  EXPECT_THAT(ValuesOf(Get(last, 0)), ElementsAre(2));
  EXPECT_THAT(ValuesOf(Get(last, 1)), ElementsAre(3, 4, 5));
  EXPECT_EQ(last.rows(), 4);
}

TEST(RowChunksTest, PaddedRowsGoWithTheirLengths) {
  RowChunks chunks = CutOrFail({3, 2, 1}, {.lengths = {1, 2, 1}}, "1:3", 1);
  ASSERT_EQ(chunks.count(), 2);
  EXPECT_THAT(ValuesOf(Get(chunks, 0)), ElementsAre(2, 3));
  EXPECT_THAT(Get(chunks, 0).lengths(), ElementsAre(2));
  EXPECT_THAT(Get(chunks, 1).lengths(), ElementsAre(1));
  EXPECT_EQ(Get(chunks, 0).shape_size(), 0);
  EXPECT_THAT(chunks.row_shape(), ElementsAre(2, 1));
}

TEST(RowChunksTest, AMaskIsABitARowFromEachChunksFirst) {
  std::vector<bool> mask(12, true);
  mask[0] = mask[9] = mask[11] = false;
  RowChunks chunks = CutOrFail({12}, {.mask = mask}, "", 10);
  EXPECT_EQ(Get(chunks, 0).row_mask(), std::string("\xFE\x01"));
  EXPECT_EQ(Get(chunks, 1).row_mask(), std::string("\x01"));
  RowChunks last = CutOrFail({12}, {.mask = mask}, "9:", 10);
  EXPECT_EQ(Get(last, 0).row_mask(), std::string("\x02"));
}

TEST(RowChunksTest, WhatDoesNotFitIsRefused) {
  const auto error = [](const std::vector<int64_t>& shape, RowLayout layout) {
    return std::string(
        RowChunks::Cut(TensorReader(Counting(shape)), std::move(layout), "", 1).status().message());
  };
  EXPECT_THAT(error({}, {}), HasSubstr("no rows"));
  for (const std::vector<int64_t>& lengths : std::vector<std::vector<int64_t>>{
           {6}, {5, 1}, {4, -1, 2}, {5, 0}, {std::numeric_limits<int64_t>::max(), 5}, {2, 2}}) {
    EXPECT_THAT(error({5, 2}, {.lengths = lengths}), HasSubstr("the lengths")) << lengths[0];
  }
  EXPECT_THAT(error({2, 3, 1}, {.lengths = {3, 4}}), HasSubstr("from 1 to as many as it has"));
  EXPECT_THAT(error({5}, {.mask = {true}}), HasSubstr("the mask has 1 values for 5 rows"));
}

TEST(RowChunksTest, MessagesTakeTheBytesThatAreToldBefore) {
  for (const int64_t columns : {1, 30, 31, 32, 4000, 4096, 5000}) {
    for (const int64_t rows_per_chunk : {1, 2, 3}) {
      RowLayout layout{.lengths = {1, 1, 1}, .mask = {true, false, true}};
      RowChunks chunks = CutOrFail({3, 1, columns}, std::move(layout), "", rows_per_chunk);
      if (columns % 2 == 0) {
        ASSERT_TRUE(chunks.SetResidual(TensorReader(Counting({3, 1, columns}))));
      }
      for (int64_t i = 0; i < *chunks.count(); ++i) {
        v1::NormalizeStreamRequest request;
        *request.mutable_chunk() = Get(chunks, i);
        request.mutable_chunk()->set_sequence_number(i + 1);
        EXPECT_EQ(chunks.MessageBytes(i), request.ByteSizeLong()) << columns;
      }
    }
  }
}

TEST(RowChunksTest, SequencesAreToldRowByRow) {
  RowChunks chunks = CutOrFail({6, 1}, {.lengths = {2, 1, 3}}, "1:", 2);
  chunks.TellSequences();
  EXPECT_THAT(Get(chunks, 0).sequence_ids(), ElementsAre(1, 2, 2, 2));
}

TEST(RowChunksTest, ChannelsMoveBehindTheRestRowByRow) {
  RowChunks chunks = CutOrFail({2, 2, 3}, {}, "", 1);
  ASSERT_TRUE(chunks.MoveChannelsLast());
  EXPECT_THAT(chunks.shape(), ElementsAre(2, 3, 2));
  EXPECT_THAT(chunks.row_shape(), ElementsAre(3, 2));
  EXPECT_THAT(ValuesOf(Get(chunks, 0)), ElementsAre(0, 3, 1, 4, 2, 5));
  EXPECT_THAT(ValuesOf(Get(chunks, 1)), ElementsAre(6, 9, 7, 10, 8, 11));
  EXPECT_FALSE(CutOrFail({2, 2}, {}, "", 1).MoveChannelsLast());
}

class RowChunksOfFilesTest : public ::testing::Test {
 protected:
  static absl::StatusOr<RowChunks> Cut(const std::string& path, const std::string& range,
                                       int64_t rows_per_chunk) {
    absl::StatusOr<InputFile> file = InputFile::Open(path);
    if (!file.ok()) return file.status();
    absl::StatusOr<TensorReader> tensor = TensorReader::Open(
        *std::move(file),
        {.raw = true, .type = v1::ELEMENT_TYPE_FLOAT16, .shape = {range.empty() ? -1 : 5}});
    if (!tensor.ok()) return tensor.status();
    return RowChunks::Cut(*std::move(tensor), {}, range, rows_per_chunk);
  }

  testing::TemporaryFolder folder_;
};

TEST_F(RowChunksOfFilesTest, HowManyRowsAPipeHasIsKnownAtItsEnd) {
  for (const std::string bytes : {"", "12", "1234", "123456", "12345678"}) {
    testing::FedPipe pipe({bytes});
    auto chunks = Cut(pipe.path(), "", 2);
    ASSERT_TRUE(chunks.ok()) << chunks.status();
    EXPECT_FALSE(chunks->rereads());
    EXPECT_FALSE(chunks->count());
    EXPECT_FALSE(chunks->rows());
    EXPECT_EQ(chunks->shape()[0], -1);
    std::string all;
    for (int64_t i = 0;; ++i) {
      const auto chunk = chunks->Read(i);
      ASSERT_TRUE(chunk.ok()) << chunk.status();
      if (!chunk->has_value()) break;
      EXPECT_LE((*chunk)->data().size(), 4);
      all += (*chunk)->data();
    }
    EXPECT_EQ(all, bytes);
    EXPECT_EQ(chunks->rows(), bytes.size() / 2);
    EXPECT_THAT(chunks->shape(), ElementsAre(bytes.size() / 2));
  }
}

TEST_F(RowChunksOfFilesTest, ARangeOfAPipeSkipsWhatIsAroundIt) {
  testing::FedPipe pipe({"123", "4567890"});
  auto chunks = Cut(pipe.path(), "1:3", 1);
  ASSERT_TRUE(chunks.ok()) << chunks.status();
  EXPECT_EQ(Get(*chunks, 0).data(), "34");
  EXPECT_EQ(Get(*chunks, 1).data(), "56");
  const auto end = chunks->Read(2);
  ASSERT_TRUE(end.ok()) << end.status();
  EXPECT_FALSE(end->has_value());
}

TEST_F(RowChunksOfFilesTest, BehindTheLastChunkAPipeMustEnd) {
  const auto error = [](const std::string& bytes) {
    testing::FedPipe pipe({bytes});
    auto chunks = Cut(pipe.path(), "0:2", 2);
    EXPECT_EQ(Get(*chunks, 0).data(), "1234");
    return std::string(chunks->Read(1).status().message());
  };
  EXPECT_THAT(error("1234567"), HasSubstr("holds 7 bytes, but --type and --shape make 10"));
  EXPECT_THAT(error("12345678901"), HasSubstr("holds more than 10 bytes, but"));
}

TEST_F(RowChunksOfFilesTest, OfUnknownRowsNoMoreIsReadThanTheBytesAndARow) {
  const auto read = [](const std::string& bytes) {
    testing::FedPipe pipe({bytes});
    absl::StatusOr<InputFile> file = InputFile::Open(pipe.path());
    absl::StatusOr<TensorReader> tensor = TensorReader::Open(
        *std::move(file), {.raw = true, .type = v1::ELEMENT_TYPE_FLOAT16, .shape = {-1, 2}});
    auto chunks = RowChunks::Cut(*std::move(tensor), {}, "", 1000);
    const auto chunk = chunks->Read(0, 9);
    EXPECT_TRUE(chunk.ok()) << chunk.status();
    return std::pair((**chunk).data(), chunks->count());
  };
  EXPECT_EQ(read("12345678"), std::pair(std::string("12345678"), std::optional<int64_t>(1)));
  EXPECT_EQ(read("1234567890123456"),
            std::pair(std::string("123456789012"), std::optional<int64_t>()));
}

TEST_F(RowChunksOfFilesTest, WhatNeedsTheNumberOfRowsIsRefusedWhereItIsUnknown) {
  testing::FedPipe pipe({"1234"});
  absl::StatusOr<InputFile> file = InputFile::Open(pipe.path());
  absl::StatusOr<TensorReader> tensor = TensorReader::Open(
      *std::move(file), {.raw = true, .type = v1::ELEMENT_TYPE_FLOAT16, .shape = {-1}});
  EXPECT_TRUE(absl::IsInvalidArgument(
      RowChunks::Cut(*std::move(tensor), {.mask = {true, true}}, "", 1).status()));
}

TEST_F(RowChunksOfFilesTest, AFileIsReadAgainUnlessItHasShrunk) {
  const std::string path = folder_.Write("x.raw", "1234567890");
  auto chunks = Cut(path, "", 2);
  ASSERT_TRUE(chunks.ok()) << chunks.status();
  EXPECT_TRUE(chunks->rereads());
  ASSERT_EQ(*chunks->count(), 3);
  for (int pass = 0; pass < 2; ++pass) {
    EXPECT_EQ(Get(*chunks, 0).data(), "1234");
    EXPECT_EQ(Get(*chunks, 2).data(), "90");
  }
  std::filesystem::resize_file(path, 7);
  EXPECT_EQ(Get(*chunks, 0).data(), "1234");
  const absl::Status status = chunks->Read(1).status();
  EXPECT_TRUE(absl::IsDataLoss(status));
  EXPECT_EQ(status.message(), path + ": has become shorter since it was opened");
}

}  // namespace
}  // namespace normd::cli
