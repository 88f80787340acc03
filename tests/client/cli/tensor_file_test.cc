#include "client/cli/tensor_file.h"

#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include "tests/client/cli/npy_files.h"
#include "tests/testing/fed_pipe.h"

namespace normd::cli {
namespace {

using ::testing::ElementsAre;
using ::testing::HasSubstr;
using ::testing::IsEmpty;

class TensorFileTest : public ::testing::Test {
 protected:
  testing::TemporaryFolder folder_;
  std::string path_ = folder_ / "x";
};

v1::Tensor TwoRows(v1::ElementType type) {
  v1::Tensor tensor;
  tensor.set_element_type(type);
  tensor.add_shape(2);
  tensor.add_shape(3);
  for (int64_t i = 0; i < 6 * client::BytesOf(type); ++i) {
    *tensor.mutable_data() += static_cast<char>(i * 37);
  }
  return tensor;
}

TEST_F(TensorFileTest, EveryTypeRoundTripsAsNpyAndRaw) {
  for (const auto& [name, type] : ElementTypes()) {
    EXPECT_EQ(NameOf(type), name);
    const v1::Tensor tensor = TwoRows(type);
    ASSERT_TRUE(WriteTensor(path_, tensor, false).ok());
    EXPECT_EQ(ReadOrFail(path_, {.type = type}).SerializeAsString(), tensor.SerializeAsString());
    ASSERT_TRUE(WriteTensor(path_, tensor, true).ok());
    EXPECT_EQ(folder_.Read("x"), tensor.data());
    for (const int64_t rows : {2, -1}) {
      const TensorFormat format{.raw = true, .type = type, .shape = {rows, 3}};
      EXPECT_EQ(ReadOrFail(path_, format).SerializeAsString(), tensor.SerializeAsString());
    }
  }
}

TEST_F(TensorFileTest, TypesBearNumPysNames) {
  const std::pair<v1::ElementType, const char*> names[] = {{v1::ELEMENT_TYPE_FLOAT32, "'<f4'"},
                                                           {v1::ELEMENT_TYPE_FLOAT64, "'<f8'"},
                                                           {v1::ELEMENT_TYPE_FLOAT16, "'<f2'"},
                                                           {v1::ELEMENT_TYPE_BFLOAT16, "'<V2'"}};
  for (const auto& [type, name] : names) {
    ASSERT_TRUE(WriteTensor(path_, TwoRows(type), false).ok());
    EXPECT_THAT(folder_.Read("x"), HasSubstr(name));
  }
}

TEST_F(TensorFileTest, BytesWithoutATypeAreBfloat16OnlyWhereToldSo) {
  for (const char* type : {"<V2", "|V2"}) {
    const std::string path = folder_.Write("v.npy", NpyHeader(type, {1}) + "\x80\x3F");
    EXPECT_THAT(std::string(ReadTensor(path, {}).status().message()),
                HasSubstr("say so with --type bfloat16"));
    EXPECT_FALSE(ReadTensor(path, {.type = v1::ELEMENT_TYPE_FLOAT16}).ok());
    EXPECT_THAT(FloatsOf(ReadOrFail(path, {.type = v1::ELEMENT_TYPE_BFLOAT16})), ElementsAre(1));
  }
}

TEST_F(TensorFileTest, RawBytesMustBeWhatTypeAndShapeSay) {
  const std::string path = folder_.Write("r.raw", "12345678");
  const auto error = [&](std::vector<int64_t> shape) {
    const TensorFormat format{
        .raw = true, .type = v1::ELEMENT_TYPE_FLOAT16, .shape = std::move(shape)};
    return std::string(ReadTensor(path, format).status().message());
  };
  EXPECT_EQ(error({2, 2}), "");
  EXPECT_THAT(error({3}), HasSubstr("r.raw: holds 8 bytes, but --type and --shape make 6"));
  EXPECT_THAT(error({5}), HasSubstr("holds 8 bytes"));
  EXPECT_THAT(error({-1, 3}), HasSubstr("holds 8 bytes, which are no whole rows of 6"));
  EXPECT_THAT(error({-1, 0}), HasSubstr("holds 8 bytes"));
  EXPECT_THAT(error({-1, -1}), HasSubstr("no valid shape"));
  EXPECT_THAT(error({2, -1}), HasSubstr("no valid shape"));
  EXPECT_THAT(error({1L << 62, 4}), HasSubstr("no valid shape"));
  EXPECT_THAT(error({}), HasSubstr("--raw needs --type and --shape"));
  const TensorFormat untyped{.raw = true, .shape = {4}};
  EXPECT_THAT(std::string(ReadTensor(path, untyped).status().message()),
              HasSubstr("--raw needs --type and --shape"));
}

TEST_F(TensorFileTest, LengthsAndMasksAreOfOneDimensionAndTheirType) {
  EXPECT_THAT(*ReadIntegers(WriteIntegers(folder_, "i.npy", {3, -1})), ElementsAre(3, -1));
  EXPECT_THAT(*ReadIntegers(WriteIntegers(folder_, "i.npy", {})), IsEmpty());
  EXPECT_THAT(*ReadBooleans(WriteBooleans(folder_, "b.npy", {true, false})),
              ElementsAre(true, false));
  EXPECT_EQ(ReadIntegers(NORMD_TEST_DATA "/transformer_l1_lengths.npy")->size(), 200);
  EXPECT_THAT(std::string(ReadIntegers(WriteFloats(folder_, "f.npy", {1}, {1})).status().message()),
              HasSubstr("array.astype('<i8')"));
  const std::string square = folder_.Write("s.npy", NpyHeader("<i8", {1, 1}) + "12345678");
  EXPECT_THAT(std::string(ReadIntegers(square).status().message()), HasSubstr("one dimension"));
}

TEST_F(TensorFileTest, LengthsOfAPipeAreAsManyAsItSays) {
  const auto read = [](const std::string& data) {
    testing::FedPipe pipe({NpyHeader("<i8", {1}) + data});
    return ReadIntegers(pipe.path());
  };
  EXPECT_THAT(*read(std::string("\x07\0\0\0\0\0\0\0", 8)), ElementsAre(7));
  EXPECT_THAT(std::string(read("1234567").status().message()),
              HasSubstr("holds 7 bytes of data, but its shape needs 8"));
  EXPECT_THAT(std::string(read("123456789").status().message()),
              HasSubstr("holds more than 8 bytes of data, but its shape needs 8"));
}

TEST_F(TensorFileTest, WhatCannotBeOpenedSaysSo) {
  EXPECT_TRUE(absl::IsNotFound(ReadTensor("/nowhere/x.npy", {}).status()));
  EXPECT_TRUE(absl::IsNotFound(ReadIntegers("/nowhere/x.npy").status()));
  const absl::Status status =
      WriteTensor("/nowhere/x.npy", TwoRows(v1::ELEMENT_TYPE_FLOAT32), false);
  EXPECT_TRUE(absl::IsFailedPrecondition(status));
  EXPECT_EQ(status.message(), "/nowhere/x.npy: cannot be written: No such file or directory");
}

}  // namespace
}  // namespace normd::cli
