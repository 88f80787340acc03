#include "client/cli/npy.h"

#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include <cmath>
#include <cstring>
#include <fstream>
#include <iterator>

namespace normd::cli {
namespace {

using ::testing::ElementsAre;
using ::testing::HasSubstr;

// One for each test: they may run at the same time.
std::string TemporaryFile() {
  return ::testing::TempDir() + "/npy_test_" +
         ::testing::UnitTest::GetInstance()->current_test_info()->name() + ".npy";
}

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

absl::StatusOr<Array> Read(const std::string& file) {
  std::ofstream(TemporaryFile(), std::ios::binary) << file;
  return ReadNpy(TemporaryFile());
}

absl::Status ReadError(const std::string& file) { return Read(file).status(); }

const std::string kTwoFloats("\0\0\x80\x3F\0\0\0\xC0", 8);  // 1, -2

TEST(NpyTest, ReadsWhatNumPyWrites) {
  const auto array = ReadNpy(NORMD_TEST_DATA "/transformer_l1_tokens.npy");
  ASSERT_TRUE(array.ok()) << array.status();
  EXPECT_THAT(array->shape, ElementsAre(4079, 128));
  EXPECT_EQ(array->values.size(), 4079 * 128);
  const auto images = ReadNpy(NORMD_TEST_DATA "/cnn_conv1_nchw.npy");
  ASSERT_TRUE(images.ok()) << images.status();
  EXPECT_THAT(images->shape, ElementsAre(384, 32, 8, 8));
}

TEST(NpyTest, WritesNumPysOwnBytes) {
  const std::string original = NORMD_TEST_DATA "/transformer_l1_tokens.npy";
  const auto array = ReadNpy(original);
  ASSERT_TRUE(array.ok());
  ASSERT_TRUE(WriteNpy(TemporaryFile(), *array).ok());
  const auto bytes = [](const std::string& path) {
    std::ifstream in(path, std::ios::binary);
    return std::string((std::istreambuf_iterator<char>(in)), std::istreambuf_iterator<char>());
  };
  EXPECT_TRUE(bytes(TemporaryFile()) == bytes(original));
}

TEST(NpyTest, RoundTripsEveryRankAndEmptyArrays) {
  for (const std::vector<int64_t>& shape : std::vector<std::vector<int64_t>>{
           {}, {1}, {3}, {2, 3}, {0, 4}, {2, 1, 3, 1}, {1, 1, 1, 1, 1, 1, 1, 2}}) {
    int64_t size = 1;
    for (const int64_t dimension : shape) size *= dimension;
    Array array{shape, {}};
    for (int64_t i = 0; i < size; ++i) array.values.push_back(static_cast<float>(i) - 0.5f);
    ASSERT_TRUE(WriteNpy(TemporaryFile(), array).ok());
    const auto back = ReadNpy(TemporaryFile());
    ASSERT_TRUE(back.ok()) << back.status();
    EXPECT_EQ(back->shape, shape);
    EXPECT_EQ(back->values, array.values);
  }
}

TEST(NpyTest, ReadsEveryVersion) {
  for (const char version : {1, 2, 3}) {
    const auto array = Read(NpyFile(Header("<f4", "False", "(2,)"), kTwoFloats, version));
    ASSERT_TRUE(array.ok()) << array.status();
    EXPECT_THAT(array->values, ElementsAre(1.0f, -2.0f));
  }
  EXPECT_THAT(ReadError(NpyFile(Header("<f4", "False", "(2,)"), kTwoFloats, 4)).message(),
              HasSubstr("unknown .npy version"));
}

TEST(NpyTest, OtherTypesAndOrdersAreRefusedWithTheWayOut) {
  EXPECT_THAT(ReadError(NpyFile(Header("<f8", "False", "(1,)"), kTwoFloats)).message(),
              HasSubstr("holds '<f8', but float32 ('<f4') is needed (convert it with"));
  EXPECT_THAT(ReadError(NpyFile(Header(">f4", "False", "(2,)"), kTwoFloats)).message(),
              HasSubstr("'>f4'"));
  EXPECT_THAT(ReadError(NpyFile(Header("<f4", "True", "(2,)"), kTwoFloats)).message(),
              HasSubstr("numpy.ascontiguousarray"));
}

TEST(NpyTest, DataMustBeWhatTheShapeSays) {
  for (const char* shape : {"(1,)", "(3,)", "(2, 2)", "()"}) {
    EXPECT_THAT(ReadError(NpyFile(Header("<f4", "False", shape), kTwoFloats)).message(),
                HasSubstr("holds 8 bytes of data, but its shape needs"))
        << shape;
  }
}

TEST(NpyTest, ImpossibleShapesAreRefusedBeforeAnythingIsAllocated) {
  for (const char* shape : {"(-2,)", "(4611686018427387904, 4)", "(9223372036854775807,)", "(x,)",
                            "2", "(99999999999999999999,)"}) {
    EXPECT_THAT(ReadError(NpyFile(Header("<f4", "False", shape), kTwoFloats)).message(),
                HasSubstr("no valid shape"))
        << shape;
  }
}

TEST(NpyTest, EveryTruncationIsRefused) {
  for (const char version : {1, 2}) {
    const std::string file = NpyFile(Header("<f4", "False", "(2,)"), kTwoFloats, version);
    for (size_t size = 0; size < file.size(); ++size) {
      EXPECT_TRUE(absl::IsInvalidArgument(ReadError(file.substr(0, size)))) << size;
    }
  }
}

TEST(NpyTest, WhatIsNoSuchFileSaysSo) {
  EXPECT_THAT(ReadError("not an array at all").message(), HasSubstr("is no .npy file"));
  EXPECT_TRUE(absl::IsNotFound(ReadNpy("/nowhere/x.npy").status()));
  EXPECT_THAT(WriteNpy("/nowhere/x.npy", Array{{1}, {1}}).message(),
              HasSubstr("/nowhere/x.npy: cannot be written"));
}

}  // namespace
}  // namespace normd::cli
