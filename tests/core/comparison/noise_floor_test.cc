#include "core/comparison/noise_floor.h"

#include <gtest/gtest.h>

#include <cmath>
#include <functional>
#include <numbers>
#include <random>
#include <vector>

#include "tests/testing/non_finite.h"

namespace normd {
namespace {

using testing::kInfinity;

struct Sample {
  double mean = 0;
  double deviation = 0;  // biased
};

Sample Draw(int size, std::mt19937_64& generator, std::vector<double>* values = nullptr) {
  std::normal_distribution<double> normal;
  std::vector<double> x(size);
  for (double& value : x) value = normal(generator);
  Sample sample;
  for (const double value : x) sample.mean += value / size;
  for (const double value : x) sample.deviation += (value - sample.mean) * (value - sample.mean);
  sample.deviation = std::sqrt(sample.deviation / size);
  if (values != nullptr) *values = x;
  return sample;
}

// The mean of `draw` over many draws must be `expected` within 4 of its standard errors: chance
// alone fails that once in 16,000 times, and the seed is fixed.
void ExpectMean(double expected, const std::function<double(std::mt19937_64&)>& draw) {
  constexpr int kDraws = 40'000;
  std::mt19937_64 generator(20'260'101);
  double sum = 0;
  double squares = 0;
  for (int i = 0; i < kDraws; ++i) {
    const double value = draw(generator);
    sum += value;
    squares += value * value;
  }
  const double mean = sum / kDraws;
  const double standard_error = std::sqrt((squares / kDraws - mean * mean) / kDraws);
  EXPECT_NEAR(mean, expected, 4 * standard_error);
  EXPECT_LT(standard_error, 0.02 * expected) << "too few draws to tell anything";
}

TEST(NoiseFloorTest, KnownValuesOfMeans) {
  EXPECT_NEAR(MeanNoiseFloor(32, kInfinity), 0.141, 0.0005);
  EXPECT_NEAR(MeanNoiseFloor(128, kInfinity), 0.0705, 0.00005);
  EXPECT_NEAR(MeanNoiseFloor(4096, kInfinity), 0.0125, 0.00005);
  EXPECT_DOUBLE_EQ(MeanNoiseFloor(8, 8), MeanNoiseFloor(4, kInfinity));
}

// Of a known deviation, beside the limit 1 / sqrt(pi n).
TEST(NoiseFloorTest, KnownFactorsOfDeviations) {
  const auto factor = [](double n) {
    return DeviationNoiseFloor(n, kInfinity) * std::sqrt(std::numbers::pi * n);
  };
  EXPECT_NEAR(factor(1), 1.77, 0.005);
  EXPECT_NEAR(factor(2), 1.34, 0.005);
  EXPECT_NEAR(factor(4), 1.16, 0.005);
  EXPECT_NEAR(DeviationNoiseFloor(32, kInfinity), 0.1017, 0.0002);
  EXPECT_NEAR(DeviationNoiseFloor(128, kInfinity), 0.0501, 0.0001);
  EXPECT_NEAR(DeviationNoiseFloor(4096, kInfinity), 0.0088, 0.00005);
}

// E|r - 1| = 2 P(r < 1) - 1 + E[r] (1 - 2 P'(r < 1)), where P' has one degree of freedom more above
// and one less below: by incomplete beta and gamma functions of 30 digits.
TEST(NoiseFloorTest, DeviationsToNineDigits) {
  struct Case {
    double n, m, expected;
  };
  for (const auto& [n, m, expected] :
       {Case{2, 3, 0.9375327887767903}, Case{3, 3, 1}, Case{2, 4, 0.6839694202183206},
        Case{32, 3, 1.224337103853008}, Case{4096, 3, 1.255312695035447},
        Case{2, 100, 0.5366358175358881}, Case{32, 100, 0.1161364897966263},
        Case{128, 10'000, 0.05040765765679395}, Case{4096, 10'000, 0.01046749867895494},
        Case{2, 999'999, 0.5363195209744481}, Case{2, kInfinity, 0.5363194997722682},
        Case{32, kInfinity, 0.1015749049895843}, Case{999'999, kInfinity, 0.0005641901947539663}}) {
    EXPECT_NEAR(DeviationNoiseFloor(n, m), expected, 1e-9 * expected) << n << " and " << m;
  }
}

TEST(NoiseFloorTest, TheLimitMeetsTheIntegral) {
  constexpr double kMany = 2e6;
  EXPECT_NEAR(DeviationNoiseFloor(kMany - 1, kMany - 1) / DeviationNoiseFloor(kMany, kMany), 1,
              1e-6 + 1 / kMany);
  EXPECT_NEAR(DeviationNoiseFloor(kMany - 1, 1e15) / DeviationNoiseFloor(kMany, 1e15), 1,
              1e-6 + 1 / kMany);
}

TEST(NoiseFloorTest, SmallestSamples) {
  EXPECT_EQ(DeviationNoiseFloor(1, 2), 1);  // a single value has no deviation: r is 0
  EXPECT_EQ(DeviationNoiseFloor(1, 1000), 1);
  EXPECT_EQ(DeviationNoiseFloor(1, 1), kInfinity);
  EXPECT_EQ(DeviationNoiseFloor(5, 1), kInfinity);
  EXPECT_EQ(DeviationNoiseFloor(5, 2), kInfinity);
}

TEST(NoiseFloorTest, SimulationAgreesOnDeviations) {
  for (const auto& [n, m] :
       {std::pair(2, 8), std::pair(4, 16), std::pair(16, 16), std::pair(64, 32)}) {
    ExpectMean(DeviationNoiseFloor(n, m), [n = n, m = m](std::mt19937_64& generator) {
      const double deviation = Draw(n, generator).deviation;
      return std::fabs(deviation / Draw(m, generator).deviation - 1);
    });
  }
}

TEST(NoiseFloorTest, SimulationAgreesOnMeans) {
  for (const auto& [n, m] : {std::pair(1, 4), std::pair(16, 16), std::pair(32, 8)}) {
    ExpectMean(MeanNoiseFloor(n, m), [n = n, m = m](std::mt19937_64& generator) {
      const double mean = Draw(n, generator).mean;
      return std::fabs(mean - Draw(m, generator).mean);
    });
  }
}

TEST(NoiseFloorTest, SimulationAgreesOnPrefixes) {
  for (const auto& [n, m] : {std::pair(1, 2), std::pair(8, 32), std::pair(30, 32)}) {
    ExpectMean(PrefixMeanNoiseFloor(n, m), [n = n, m = m](std::mt19937_64& generator) {
      std::vector<double> values;
      const double whole = Draw(m, generator, &values).mean;
      double prefix = 0;
      for (int i = 0; i < n; ++i) prefix += values[i] / n;
      return std::fabs(prefix - whole);
    });
  }
  EXPECT_EQ(PrefixMeanNoiseFloor(7, 7), 0);
}

}  // namespace
}  // namespace normd
