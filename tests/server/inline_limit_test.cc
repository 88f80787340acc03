#include "server/rpc/inline_limit.h"

#include <gtest/gtest.h>

namespace normd::server {
namespace {

constexpr int64_t kBytes = 160 << 10;

int64_t LimitOf(const NormalizationSpec& spec, const Shape& row, ElementType type) {
  InlineLimit limit(kBytes);
  limit.Add(CreateNormalizer(Resolve(spec).value(), row).value(), type);
  return limit.bytes();
}

TEST(InlineLimitTest, MessagesOfNoMethodMayHaveAll) {
  EXPECT_EQ(InlineLimit(kBytes).bytes(), kBytes);
}

TEST(InlineLimitTest, TokensStayOnTheLoop) {
  for (const MethodTraits& method : Methods()) {
    if (method.shared_over == SharedOver::kChannelGroup) continue;
    for (const ElementType type : {ElementType::kFloat32, ElementType::kBFloat16}) {
      EXPECT_GE(LimitOf({.method = method.method}, {1024}, type), 32 << 10) << method.name;
      EXPECT_LE(LimitOf({.method = method.method}, {1024}, type), kBytes) << method.name;
    }
  }
}

TEST(InlineLimitTest, WhatSharesStatisticsCostsMoreWhereItIsSmall) {
  const NormalizationSpec layer_norm = {.method = Method::kLayerNorm};
  const int64_t of_one = LimitOf(layer_norm, {1}, ElementType::kFloat32);
  EXPECT_LT(of_one, kBytes / 30);
  EXPECT_EQ(LimitOf(layer_norm, {1024, 1}, ElementType::kFloat32), of_one);
  EXPECT_EQ(LimitOf(layer_norm, {-1, 1}, ElementType::kFloat32), of_one);
  NormalizationSpec of_all = layer_norm;
  of_all.normalized_rank = 2;
  EXPECT_GT(LimitOf(of_all, {1024, 1}, ElementType::kFloat32), kBytes / 2);
}

TEST(InlineLimitTest, GroupsCostMoreForEachChannel) {
  const NormalizationSpec group_norm = {.method = Method::kGroupNorm, .group_count = 4};
  const int64_t single = LimitOf(group_norm, {512}, ElementType::kFloat32);
  EXPECT_LT(single, kBytes / 2);
  EXPECT_GT(LimitOf(group_norm, {512, 64}, ElementType::kFloat32), 2 * single);
}

TEST(InlineLimitTest, MethodsAddUp) {
  InlineLimit limit(kBytes);
  const Normalizer normalizer =
      CreateNormalizer(Resolve({.method = Method::kLayerNorm}).value(), {1 << 20}).value();
  for (int i = 0; i < 4; ++i) limit.Add(normalizer, ElementType::kFloat32);
  EXPECT_NEAR(static_cast<double>(limit.bytes()), kBytes / 4, 10);
  limit.AddFixed(kBytes / 2);
  EXPECT_NEAR(static_cast<double>(limit.bytes()), kBytes / 8, 10);
  limit.AddFixed(kBytes);
  EXPECT_EQ(limit.bytes(), 0);
}

}  // namespace
}  // namespace normd::server
