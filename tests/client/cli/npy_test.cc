#include "client/cli/npy.h"

#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include <fstream>
#include <iterator>

#include "tests/testing/fed_pipe.h"

namespace normd::cli {
namespace {

using ::testing::AllOf;
using ::testing::ElementsAre;
using ::testing::HasSubstr;

std::string Header(const std::string& type, const std::string& order, const std::string& shape) {
  return "{'descr': '" + type + "', 'fortran_order': " + order + ", 'shape': " + shape + ", }\n";
}

// A file of version 1.0, or with a header length of four bytes from 2.0 on.
std::string NpyFile(const std::string& header, const std::string& data, char version = 1) {
  std::string file = std::string("\x93NUMPY") + version + '\0';
  for (int i = 0; i < (version == 1 ? 2 : 4); ++i) {
    file += static_cast<char>(header.size() >> (8 * i));
  }
  return file + header + data;
}

struct Parsed {
  NpyArray array;
  std::string data;
};

absl::StatusOr<Parsed> ParseFile(const std::string& bytes) {
  InputFile file("x.npy", bytes);
  const absl::StatusOr<NpyArray> array = ReadNpy(file, {"<f4", "<f8", "|V2"});
  if (!array.ok()) return array.status();
  return Parsed{*array, bytes.substr(array->begin)};
}

std::string ParseError(const std::string& file) {
  return std::string(ParseFile(file).status().message());
}

const std::string kTwoFloats("\0\0\x80\x3F\0\0\0\xC0", 8);  // 1, -2

std::string Bytes(const std::string& path) {
  std::ifstream in(path, std::ios::binary);
  return std::string((std::istreambuf_iterator<char>(in)), std::istreambuf_iterator<char>());
}

TEST(NpyTest, ReadsWhatNumPyWritesAndWritesItsOwnBytes) {
  const std::string file = Bytes(NORMD_TEST_DATA "/transformer_l1_tokens.npy");
  const auto array = ParseFile(file);
  ASSERT_TRUE(array.ok()) << array.status();
  EXPECT_EQ(array->array.type, "<f4");
  EXPECT_EQ(array->array.element_bytes, 4);
  EXPECT_THAT(array->array.shape, ElementsAre(4079, 128));
  EXPECT_EQ(array->data.size(), 4079 * 128 * 4);
  EXPECT_TRUE(NpyHeader(array->array.type, array->array.shape) + array->data == file);
  const auto images = ParseFile(Bytes(NORMD_TEST_DATA "/cnn_conv1_nchw.npy"));
  ASSERT_TRUE(images.ok()) << images.status();
  EXPECT_THAT(images->array.shape, ElementsAre(384, 32, 8, 8));
}

TEST(NpyTest, RoundTripsEveryRankAndEmptyArrays) {
  for (const std::vector<int64_t>& shape : std::vector<std::vector<int64_t>>{
           {}, {1}, {3}, {2, 3}, {0, 4}, {2, 1, 3, 1}, {1, 1, 1, 1, 1, 1, 1, 2}}) {
    const std::string data(SizeOf(shape, 8) * 8, 'x');
    const auto back = ParseFile(NpyHeader("<f8", shape) + data);
    ASSERT_TRUE(back.ok()) << back.status();
    EXPECT_EQ(back->array.shape, shape);
    EXPECT_EQ(back->data, data);
  }
}

TEST(NpyTest, ReadsEveryVersion) {
  for (const char version : {1, 2, 3}) {
    const auto array = ParseFile(NpyFile(Header("<f4", "False", "(2,)"), kTwoFloats, version));
    ASSERT_TRUE(array.ok()) << array.status();
    EXPECT_EQ(array->data, kTwoFloats);
  }
  EXPECT_THAT(ParseError(NpyFile(Header("<f4", "False", "(2,)"), kTwoFloats, 4)),
              HasSubstr("x.npy: is of an unknown .npy version"));
}

TEST(NpyTest, TheTypeSaysHowManyBytes) {
  EXPECT_TRUE(ParseFile(NpyFile(Header("<f8", "False", "(1,)"), kTwoFloats)).ok());
  EXPECT_TRUE(ParseFile(NpyFile(Header("|V2", "False", "(4,)"), kTwoFloats)).ok());
  EXPECT_FALSE(ParseFile(NpyFile(Header("|V2", "False", "(2,)"), kTwoFloats)).ok());
}

TEST(NpyTest, OtherTypesAndOrdersAreRefusedWithTheWayOut) {
  for (const char* type : {">f4", "<i8", "<c8", "|V4", "", "<f"}) {
    EXPECT_THAT(ParseError(NpyFile(Header(type, "False", "(2,)"), kTwoFloats)),
                AllOf(HasSubstr(std::string("holds '") + type + "', and not '<f4' or '<f8'"),
                      HasSubstr("array.astype('<f4')")));
  }
  EXPECT_THAT(ParseError(NpyFile(Header("<f4", "True", "(2,)"), kTwoFloats)),
              HasSubstr("numpy.ascontiguousarray"));
}

TEST(NpyTest, DataMustBeWhatTheShapeSays) {
  for (const char* shape : {"(1,)", "(3,)", "(2, 2)", "()"}) {
    EXPECT_THAT(ParseError(NpyFile(Header("<f4", "False", shape), kTwoFloats)),
                HasSubstr("holds 8 bytes of data, but its shape needs"))
        << shape;
  }
}

TEST(NpyTest, ImpossibleShapesAreRefusedBeforeAnythingIsAllocated) {
  for (const char* shape : {"(-2,)", "(4611686018427387904, 4)", "(9223372036854775807,)", "(x,)",
                            "2", "(99999999999999999999,)"}) {
    EXPECT_THAT(ParseError(NpyFile(Header("<f4", "False", shape), kTwoFloats)),
                HasSubstr("no valid shape"))
        << shape;
  }
}

TEST(NpyTest, EveryTruncationIsRefused) {
  for (const char version : {1, 2}) {
    const std::string file = NpyFile(Header("<f4", "False", "(2,)"), kTwoFloats, version);
    for (size_t size = 0; size < file.size(); ++size) {
      EXPECT_TRUE(absl::IsInvalidArgument(ParseFile(file.substr(0, size)).status())) << size;
    }
  }
}

TEST(NpyTest, WhatIsNoSuchFileSaysSo) {
  EXPECT_THAT(ParseError("not an array at all"), HasSubstr("is no .npy file"));
}

// Of a pipe, whose data is yet to come.
TEST(NpyTest, AHeaderIsReadFromAPipeAndNothingBehindIt) {
  const std::string file = NpyHeader("<f8", {5, 2}) + "the data";
  testing::FedPipe pipe({file.substr(0, 3), file.substr(3, 8), file.substr(11)});
  absl::StatusOr<InputFile> in = InputFile::Open(pipe.path());
  ASSERT_TRUE(in.ok()) << in.status();
  const auto array = ReadNpy(*in, {"<f8"});
  ASSERT_TRUE(array.ok()) << array.status();
  EXPECT_THAT(array->shape, ElementsAre(5, 2));
  EXPECT_EQ(in->position(), array->begin);
  EXPECT_EQ(*in->Read(array->begin, 100), "the data");
}

TEST(NpyTest, APipeThatEndsInItsHeaderIsRefused) {
  const std::string file = NpyFile(Header("<f4", "False", "(2,)"), "", 2);
  for (const size_t size : {0, 5, 11, 20}) {
    testing::FedPipe pipe({file.substr(0, size)});
    absl::StatusOr<InputFile> in = InputFile::Open(pipe.path());
    ASSERT_TRUE(in.ok()) << in.status();
    EXPECT_TRUE(absl::IsInvalidArgument(ReadNpy(*in, {"<f4"}).status())) << size;
  }
}

}  // namespace
}  // namespace normd::cli
