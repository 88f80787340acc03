// Of pipes: what tensor_file_test.cc tells of files is read by the same reader.
#include "client/cli/tensor_reader.h"

#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include "client/cli/npy.h"
#include "tests/testing/fed_pipe.h"

namespace normd::cli {
namespace {

using ::testing::ElementsAre;
using testing::FedPipe;
using ::testing::HasSubstr;

absl::StatusOr<TensorReader> Open(const FedPipe& pipe, const TensorFormat& format = {}) {
  absl::StatusOr<InputFile> file = InputFile::Open(pipe.path());
  EXPECT_TRUE(file.ok()) << file.status();
  return TensorReader::Open(*std::move(file), format);
}

TensorReader OpenOrFail(const FedPipe& pipe, const TensorFormat& format = {}) {
  absl::StatusOr<TensorReader> reader = Open(pipe, format);
  EXPECT_TRUE(reader.ok()) << reader.status();
  return *std::move(reader);
}

TensorFormat Raw(std::vector<int64_t> shape) {
  return {.raw = true, .type = v1::ELEMENT_TYPE_FLOAT16, .shape = std::move(shape)};
}

std::string Error(const absl::Status& status) {
  EXPECT_TRUE(absl::IsInvalidArgument(status)) << status;
  return std::string(status.message());
}

TEST(TensorReaderTest, RowsOfAPipeAreReadAsTheyCome) {
  const std::string file = NpyHeader("<f2", {3, 2}) + "abcdefghijkl";
  // A piece comes when what is before it was read: its rows do not wait for it.
  FedPipe pipe({file.substr(0, 130), file.substr(130, 4), file.substr(134)});
  TensorReader reader = OpenOrFail(pipe);
  EXPECT_EQ(reader.element_type(), v1::ELEMENT_TYPE_FLOAT16);
  EXPECT_THAT(reader.shape(), ElementsAre(3, 2));
  EXPECT_EQ(reader.row_bytes(), 4);
  EXPECT_FALSE(reader.rereads());
  EXPECT_EQ(*reader.Read(0, 1), "abcd");
  EXPECT_EQ(*reader.Read(1, 3), "efghijkl");
  EXPECT_TRUE(reader.ReadEnd().ok());
}

TEST(TensorReaderTest, APipeMustHoldWhatItsShapeNeeds) {
  const auto read = [](const std::string& data) {
    FedPipe pipe({NpyHeader("<f2", {3, 2}) + data});
    TensorReader reader = OpenOrFail(pipe);
    EXPECT_EQ(*reader.Read(0, 1), "abcd");
    const absl::Status status = reader.Read(1, 3).status();
    return Error(status.ok() ? reader.ReadEnd() : status);
  };
  EXPECT_THAT(read("abcdefghij"), HasSubstr("holds 10 bytes of data, but its shape needs 12"));
  EXPECT_THAT(read("abcd"), HasSubstr("holds 4 bytes of data, but its shape needs 12"));
  EXPECT_THAT(read("abcdefghijklm"),
              HasSubstr("holds more than 12 bytes of data, but its shape needs 12"));
}

TEST(TensorReaderTest, ARawPipeMayHaveAnyNumberOfRows) {
  FedPipe pipe({"abcde", "fgh"});
  TensorReader reader = OpenOrFail(pipe, Raw({-1, 2}));
  EXPECT_THAT(reader.shape(), ElementsAre(-1, 2));
  EXPECT_EQ(*reader.Read(0, 1), "abcd");
  EXPECT_THAT(reader.shape(), ElementsAre(-1, 2));
  EXPECT_EQ(*reader.Read(1, 5), "efgh");
  EXPECT_THAT(reader.shape(), ElementsAre(2, 2));
  EXPECT_TRUE(reader.ReadEnd().ok());
}

TEST(TensorReaderTest, AHalfRowAtTheEndIsAnError) {
  FedPipe pipe({"abcdef"});
  TensorReader reader = OpenOrFail(pipe, Raw({-1, 2}));
  EXPECT_EQ(*reader.Read(0, 1), "abcd");
  EXPECT_THAT(Error(reader.Read(1, 2).status()),
              HasSubstr("holds 6 bytes, which are no whole rows of 4"));
}

TEST(TensorReaderTest, PipesMayHaveNoRowsAndRowsOneValueOrNone) {
  FedPipe nothing({});
  TensorReader no_rows = OpenOrFail(nothing, Raw({-1, 2}));
  EXPECT_EQ(*no_rows.Read(0, 3), "");
  EXPECT_THAT(no_rows.shape(), ElementsAre(0, 2));

  FedPipe header({NpyHeader("<f4", {0, 3})});
  EXPECT_TRUE(OpenOrFail(header).ReadEnd().ok());

  FedPipe one_dimension({NpyHeader("<f2", {3}), "abcdef"});
  TensorReader values = OpenOrFail(one_dimension);
  EXPECT_EQ(*values.Read(0, 2), "abcd");
  EXPECT_EQ(*values.Read(2, 3), "ef");
  EXPECT_TRUE(values.ReadEnd().ok());

  FedPipe no_bytes({"a"});
  TensorReader empty_rows = OpenOrFail(no_bytes, Raw({-1, 0}));
  EXPECT_THAT(empty_rows.shape(), ElementsAre(0, 0));
  EXPECT_THAT(Error(empty_rows.ReadEnd()), HasSubstr("holds more than 0 bytes"));
}

TEST(TensorReaderTest, ALoadedPipeIsReadAnywhereAndAgain) {
  FedPipe array({NpyHeader("<f2", {3, 2}) + "abcd", "efghijkl"});
  FedPipe raw({"abcde", "fghijkl"});
  TensorReader readers[] = {OpenOrFail(array), OpenOrFail(raw, Raw({-1, 2}))};
  for (TensorReader& reader : readers) {
    ASSERT_TRUE(reader.Load().ok());
    EXPECT_TRUE(reader.rereads());
    EXPECT_THAT(reader.shape(), ElementsAre(3, 2));
    EXPECT_EQ(*reader.Read(2, 3), "ijkl");
    EXPECT_EQ(*reader.Read(0, 2), "abcdefgh");
    EXPECT_TRUE(reader.ReadEnd().ok());
    EXPECT_EQ(reader.ReadAll()->data(), "abcdefghijkl");
  }
}

TEST(TensorReaderTest, APipeIsLoadedOnlyWhereItHoldsWhatItMust) {
  const auto error = [](const std::string& bytes, std::vector<int64_t> shape) {
    FedPipe pipe({bytes});
    FedPipe again({bytes});
    const std::string all = Error(OpenOrFail(pipe, Raw(shape)).ReadAll().status());
    EXPECT_EQ(all.substr(all.find(':')).substr(0, 7), ": holds");
    return Error(OpenOrFail(again, Raw(shape)).Load());
  };
  EXPECT_THAT(error("abcdef", {2, 2}), HasSubstr("holds 6 bytes, but --type and --shape make 8"));
  EXPECT_THAT(error("abcdefghi", {2, 2}), HasSubstr("holds more than 8 bytes, but"));
  EXPECT_THAT(error("abcdef", {-1, 2}), HasSubstr("holds 6 bytes, which are no whole rows of 4"));
}

TEST(TensorReaderTest, OfAnEndlessPipeNoMoreIsReadThanItsShapeNeeds) {
  absl::StatusOr<InputFile> file = InputFile::Open("/dev/zero");
  ASSERT_TRUE(file.ok()) << file.status();
  absl::StatusOr<TensorReader> reader = TensorReader::Open(*std::move(file), Raw({4, 4}));
  ASSERT_TRUE(reader.ok()) << reader.status();
  EXPECT_THAT(Error(reader->Load()), HasSubstr("holds more than 32 bytes, but"));
}

TEST(TensorReaderTest, ShapesAreCheckedBeforeAnythingComes) {
  for (const std::vector<int64_t>& shape :
       std::vector<std::vector<int64_t>>{{-1, -1}, {2, -1}, {1L << 62, 4}, {-1, 1L << 62, 4}}) {
    FedPipe pipe({});
    EXPECT_THAT(Error(Open(pipe, Raw(shape)).status()), HasSubstr("no valid shape"));
  }
}

}  // namespace
}  // namespace normd::cli
