// The bits of outputs, hashed, as they are on every processor. Where their definition is meant to
// change, a failure shows the hashes that belong here.
#include <gtest/gtest.h>

#include <cmath>
#include <random>
#include <string>

#include "core/kernels/channel_kernels.h"
#include "core/kernels/row_kernels.h"
#include "tests/core/kernels/targets.h"
#include "tests/testing/non_finite.h"
#include "tests/testing/typed_values.h"

namespace normd::kernels {
namespace {

using ::normd::testing::kElementTypes;
using ::normd::testing::kInfinity;
using ::normd::testing::kNan;
using ::normd::testing::TypedValues;

// FNV-1a.
class Hash {
 public:
  void Add(const std::string& bytes) {
    for (const char byte : bytes) {
      value_ = (value_ ^ static_cast<unsigned char>(byte)) * 0x100000001B3u;
    }
  }
  void Add(const std::vector<double>& values) {
    Add(TypedValues(ElementType::kFloat64, values).bytes());
  }
  uint64_t value() const { return value_; }

 private:
  uint64_t value_ = 0xCBF29CE484222325u;
};

// Numbers from center - 8 to center + 8, drawn without functions that differ between C libraries.
std::vector<double> Draw(int64_t size, double center, uint32_t seed) {
  std::mt19937 generator(seed);
  std::vector<double> values(size);
  for (double& value : values) value = center + static_cast<int32_t>(generator()) * 0x1p-28;
  return values;
}

template <class Body>
void ForEachPairOfTypes(const Body& body) {
  for (const ElementType input : kElementTypes) {
    for (const ElementType output : kElementTypes) body(input, output);
  }
}

void AddOutput(TypedValues y, Hash& hash) {
  CanonicalizeNans(y.data(), y.size());
  hash.Add(y.bytes());
}

uint64_t HashOfRows(RowStatistic statistic) {
  Hash hash;
  ForEachPairOfTypes([&](ElementType input, ElementType output) {
    for (const int64_t size : {1, 2, 7, 16, 33, 100, 257, 1000}) {
      const RowAffine affine(Draw(size, 1, 2), Draw(size, 0, 3));
      RowNorm norm{.statistic = statistic, .gain = 0.3};
      const auto add = [&](const std::vector<double>& values) {
        TypedValues y(output, size);
        NormalizeRows(norm, TypedValues(input, values).data(), 1, size, y.data());
        AddOutput(y, hash);
      };
      for (const EpsilonPlacement placement : kPlacements) {
        norm.epsilon = {1e-5, placement};
        for (const bool is_affine : {false, true}) {
          norm = affine.In(norm, is_affine, is_affine);
          norm.counted = is_affine ? 0 : (size + 1) / 2;
          for (const double center : {0.0, 3.0, -1000.0}) add(Draw(size, center, 1));
          add(std::vector<double>(size, 0.1));
        }
      }
      for (const double bad : {kNan, kInfinity}) {
        auto values = Draw(size, 0, 1);
        values[size / 2] = bad;
        add(values);
      }
    }
  });
  return hash.value();
}

const ChannelLayout kLayouts[] = {{1, 1, 1}, {7, 5, 1}, {300, 19, 1}, {3, 4, 70}, {1, 257, 2}};

uint64_t HashOfChannelStatistics() {
  Hash hash;
  for (const ElementType input : kElementTypes) {
    for (const ChannelLayout& layout : kLayouts) {
      const TypedValues x(input, Draw(layout.size(), 30, 1));
      std::vector<double> mean(layout.channels), m2(layout.channels);
      ComputeChannelMoments(x.data(), layout, mean.data(), m2.data());
      hash.Add(mean);
      hash.Add(m2);
      auto low = mean, high = mean;
      FoldExtremes(x.data(), layout, low.data(), high.data());
      hash.Add(low);
      hash.Add(high);
      MergeChannelMoments(40, 7, low.data(), m2.data(), layout.channels, mean.data(), m2.data());
      FoldTokens(x.data(), layout, 0.3, mean.data(), m2.data());
      FoldAverage(0.1, high.data(), layout.channels, mean.data());
      hash.Add(mean);
      hash.Add(m2);
    }
  }
  return hash.value();
}

uint64_t HashOfChannelOutputs() {
  Hash hash;
  ForEachPairOfTypes([&](ElementType input, ElementType output) {
    for (const ChannelLayout& layout : kLayouts) {
      const TypedValues x(input, Draw(layout.size(), 30, 1));
      const auto mean = Draw(layout.channels, 30, 2);
      const auto beta = Draw(layout.channels, 0, 3);
      auto scale = Draw(layout.channels, 9, 4);
      ComputeChannelScale(std::vector<double>(scale).data(), 3, {1e-5}, beta.data(),
                          layout.channels, scale.data());
      TypedValues y(output, layout.size());
      for (const double* shift : {beta.data(), static_cast<const double*>(nullptr)}) {
        NormalizeChannels({mean.data(), scale.data(), shift}, x.data(), layout, y.data());
        AddOutput(y, hash);
      }
    }
  });
  return hash.value();
}

uint64_t HashOfTokens() {
  Hash hash;
  ForEachPairOfTypes([&](ElementType input, ElementType output) {
    for (const int64_t channels : {1, 7, 16, 100}) {
      const TypedValues x(input, Draw(channels, 3, 1));
      const auto gamma = Draw(channels, 1, 2);
      const auto beta = Draw(channels, 0, 3);
      for (const bool merges : {false, true}) {
        for (const bool folds_first : {false, true}) {
          auto mean = Draw(channels, 3, 4), spread = Draw(channels, 9, 5);
          TokenStep step{.merges = merges, .weight = 0.25, .count = 3, .folds_first = folds_first};
          step.epsilon = {1e-5};
          step.gamma = gamma.data();
          step.beta = beta.data();
          TypedValues y(output, channels);
          FoldAndNormalizeToken(step, x.data(), channels, mean.data(), spread.data(), y.data());
          AddOutput(y, hash);
          hash.Add(mean);
          hash.Add(spread);
        }
      }
    }
  });
  return hash.value();
}

TEST(GoldenBits, AreTheSameOnEveryProcessor) {
  ForEachTarget([] {
    EXPECT_EQ(HashOfRows(RowStatistic::kMeanVariance), 4522619522486566804u);
    EXPECT_EQ(HashOfRows(RowStatistic::kMeanSquare), 10316016135249648190u);
    EXPECT_EQ(HashOfRows(RowStatistic::kSquareSum), 17309255195139710893u);
    EXPECT_EQ(HashOfRows(RowStatistic::kMagnitudeSum), 1165652428053444609u);
    EXPECT_EQ(HashOfRows(RowStatistic::kLargestMagnitude), 823728889212108927u);
    EXPECT_EQ(HashOfRows(RowStatistic::kExtremes), 13479033159504150989u);
    EXPECT_EQ(HashOfRows(RowStatistic::kNone), 1816224209412133657u);
    EXPECT_EQ(HashOfChannelStatistics(), 4552047042678524974u);
    EXPECT_EQ(HashOfChannelOutputs(), 13613840769202881282u);
    EXPECT_EQ(HashOfTokens(), 2274090573972441916u);
  });
}

}  // namespace
}  // namespace normd::kernels
