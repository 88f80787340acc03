#include "client/cpp/tensor.h"

#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include <cmath>
#include <limits>

namespace normd::client {
namespace {

using ::testing::ElementsAre;
using ::testing::IsEmpty;

std::string Bytes(std::initializer_list<uint16_t> halves) {
  return std::string(reinterpret_cast<const char*>(halves.begin()),
                     halves.size() * sizeof(uint16_t));
}

TEST(TensorTest, Float16IsExactAtEveryKind) {
  const auto values = ToFloat32(v1::ELEMENT_TYPE_FLOAT16,
                                Bytes({0x3C00, 0xC000, 0x7BFF, 0x0400, 0x03FF, 0x8001, 0x0000}));
  EXPECT_THAT(values, ElementsAre(1, -2, 65504, std::ldexp(1.0f, -14), std::ldexp(1023.0f, -24),
                                  -std::ldexp(1.0f, -24), 0));
  const auto special = ToFloat64(v1::ELEMENT_TYPE_FLOAT16, Bytes({0x7C00, 0xFC00, 0x7E00, 0x8000}));
  EXPECT_EQ(special[0], std::numeric_limits<double>::infinity());
  EXPECT_EQ(special[1], -std::numeric_limits<double>::infinity());
  EXPECT_TRUE(std::isnan(special[2]));
  EXPECT_TRUE(special[3] == 0 && std::signbit(special[3]));
}

TEST(TensorTest, Bfloat16IsTheUpperHalfOfFloat32) {
  EXPECT_THAT(ToFloat32(v1::ELEMENT_TYPE_BFLOAT16, Bytes({0x3F80, 0xC000, 0x0001})),
              ElementsAre(1, -2, std::ldexp(1.0f, -133)));
}

TEST(TensorTest, NumbersComeBackAsTheyWent) {
  const std::vector<double> doubles = {1.0 / 3, -1e300};
  const v1::Tensor wide = ToTensor({2}, doubles);
  EXPECT_EQ(wide.element_type(), v1::ELEMENT_TYPE_FLOAT64);
  EXPECT_EQ(ToFloat64(wide.element_type(), wide.data()), doubles);
  EXPECT_EQ(ToFloat32(wide.element_type(), wide.data())[0], static_cast<float>(doubles[0]));
  const std::vector<float> floats = {1.5f, -2};
  const v1::Tensor narrow = ToTensor({2, 1}, floats);
  EXPECT_THAT(narrow.shape(), ElementsAre(2, 1));
  EXPECT_EQ(ToFloat32(narrow.element_type(), narrow.data()), floats);
  EXPECT_EQ(ToFloat32(v1::ELEMENT_TYPE_UNSPECIFIED, narrow.data()), floats);
  EXPECT_THAT(ToFloat32(v1::ELEMENT_TYPE_FLOAT64, ""), IsEmpty());
}

TEST(TensorTest, ElementsHaveTheirBytes) {
  EXPECT_EQ(BytesOf(v1::ELEMENT_TYPE_UNSPECIFIED), 4);
  EXPECT_EQ(BytesOf(v1::ELEMENT_TYPE_FLOAT32), 4);
  EXPECT_EQ(BytesOf(v1::ELEMENT_TYPE_FLOAT64), 8);
  EXPECT_EQ(BytesOf(v1::ELEMENT_TYPE_FLOAT16), 2);
  EXPECT_EQ(BytesOf(v1::ELEMENT_TYPE_BFLOAT16), 2);
}

}  // namespace
}  // namespace normd::client
