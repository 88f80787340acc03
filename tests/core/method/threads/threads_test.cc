// Normalizers and sessions on many threads: the bits, the refusals and the statistics of one.
#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include <limits>
#include <memory>
#include <string>
#include <variant>
#include <vector>

#include "absl/time/clock.h"
#include "core/method/normalizer.h"
#include "core/session/session.h"
#include "tests/testing/error_matchers.h"
#include "tests/testing/random_values.h"
#include "tests/testing/same_bits.h"
#include "tests/testing/thread_executor.h"

namespace normd {
namespace {

using testing::IsInvalidField;
using testing::IsOk;
using testing::RandomFloats;
using testing::SameBits;
using testing::ThreadExecutor;

struct Case {
  std::string name;
  NormalizationSpec spec;
  Shape row_shape;
  int64_t rows;

  int64_t size() const {
    int64_t size = rows;
    for (const int64_t dimension : row_shape) size *= dimension;
    return size;
  }
  Normalizer Make() const { return *CreateNormalizer(*Resolve(spec), row_shape); }
};

NormalizationSpec Groups(int64_t count, int axis = 1) {
  return {.method = Method::kGroupNorm, .channel_axis = axis, .group_count = count};
}

// Each moves some MiB.
std::vector<Case> Cases() {
  return {{"LayerNorm", {.method = Method::kLayerNorm}, {1000}, 1500},
          {"GroupNormOfVectors", Groups(10), {1000}, 1500},
          {"GroupNormOfImages", Groups(4), {8, 100, 50}, 40},
          {"GroupNormOfOneImage", Groups(4), {8, 500, 400}, 1},
          {"GroupNormOfSequences", Groups(5, -1), {50, 20}, 1500},
          {"BatchNorm", {.method = Method::kBatchNorm}, {1000}, 1500},
          {"BatchNormOfImages", {.method = Method::kBatchNorm}, {8, 100, 50}, 40},
          {"MinMax", {.method = Method::kMinMax}, {1000}, 1500}};
}

class Threads : public ::testing::TestWithParam<Case> {};

INSTANTIATE_TEST_SUITE_P(, Threads, ::testing::ValuesIn(Cases()),
                         [](const auto& info) { return info.param.name; });

TEST_P(Threads, ChangeNoBit) {
  const Normalizer normalizer = GetParam().Make();
  const auto x = RandomFloats(GetParam().size(), 3, 2);
  std::vector<float> expected(x.size());
  ASSERT_THAT(Normalize(normalizer, x.data(), {GetParam().rows}, expected.data()), IsOk());
  for (const int width : {2, 7}) {
    ThreadExecutor executor(width);
    std::vector<float> y(x.size());
    ASSERT_THAT(Normalize(normalizer, x.data(), {GetParam().rows}, y.data(), executor), IsOk());
    EXPECT_TRUE(SameBits(y, expected)) << width;
    EXPECT_GT(executor.runs(), 0);
  }
}

TEST_P(Threads, FindWhatIsNotFiniteWhereverItIs) {
  const Normalizer normalizer = GetParam().Make();
  auto x = RandomFloats(GetParam().size());
  std::vector<float> y(x.size());
  for (const size_t at : {size_t{0}, x.size() - 1}) {
    x[at] = std::numeric_limits<float>::infinity();
    ThreadExecutor executor(2);
    EXPECT_THAT(Normalize(normalizer, x.data(), {GetParam().rows}, y.data(), executor),
                IsInvalidField("data"));
    x[at] = 1;
  }
}

TEST_P(Threads, HaveNothingToDoWithoutRows) {
  const Normalizer normalizer = GetParam().Make();
  ThreadExecutor executor(2);
  float y = 5;
  const absl::Status status = Normalize(normalizer, &y, {0}, &y, executor);
  const bool needs_rows = std::holds_alternative<ChannelNormalizer>(normalizer);
  EXPECT_EQ(status.ok(), !needs_rows) << status;
  EXPECT_EQ(y, 5);
  EXPECT_EQ(executor.runs(), 0);
}

TEST(SessionOnThreads, GivesWhatItGivesOnOne) {
  const int64_t rows = 1500;
  const auto x = RandomFloats(rows * 1000, 3, 2);
  SessionConfig config;
  config.spec = *Resolve({.method = Method::kBatchNorm, .estimator = Cumulative{}});
  config.channels = 1000;
  const auto normalizer = std::get<ChannelNormalizer>(*CreateNormalizer(config.spec, {1000}));
  const auto run = [&](Executor& executor) {
    const std::shared_ptr<Session> session =
        *Session::Create(config, [] { return absl::UnixEpoch(); });
    std::vector<float> outputs;
    for (const BatchNormMode mode : {BatchNormMode::kTraining, BatchNormMode::kInference}) {
      std::vector<float> y(x.size());
      EXPECT_THAT(session
                      ->Apply(normalizer, {.mode = mode}, x.data(), {rows}, y.data(),
                              Patience::kWait, executor)
                      .status(),
                  IsOk());
      outputs.insert(outputs.end(), y.begin(), y.end());
    }
    return outputs;
  };
  const std::vector<float> expected = run(SerialExecutor());
  for (const int width : {2, 7}) {
    ThreadExecutor executor(width);
    EXPECT_TRUE(SameBits(run(executor), expected)) << width;
    EXPECT_GE(executor.runs(), 3);
  }
}

}  // namespace
}  // namespace normd
