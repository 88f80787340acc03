// The laws of variances and of ratios of deviations, by moments that are known in closed form.
#include "core/comparison/deviation_ratio.h"

#include <gtest/gtest.h>

#include <cmath>
#include <numbers>
#include <utility>
#include <vector>

#include "core/comparison/variance_density.h"
#include "core/comparison/variance_law.h"
#include "tests/testing/non_finite.h"

namespace normd {
namespace {

using testing::kInfinity;

// E (chi2_k)^power.
double ChiMoment(double k, double power) {
  return std::exp(std::lgamma(k / 2 + power) - std::lgamma(k / 2) + power * std::numbers::ln2);
}

VarianceLaw EmaLaw(double momentum, int batches, double n) {
  std::vector<ScaledChiSquare> terms;
  terms.reserve(batches);
  const double sum = (1 - std::pow(1 - momentum, batches)) / momentum;
  for (int age = 0; age < batches; ++age) {
    terms.push_back(SampleVariance(n, std::pow(1 - momentum, age) / sum));
  }
  return VarianceLaw(std::move(terms));
}

TEST(VarianceLawTest, InverseMomentsOfOneChiSquare) {
  for (const double n : {4.0, 5.0, 30.0, 340.0, 342.0, 1000.0, 20'000.0}) {
    const VarianceLaw law({SampleVariance(n)});
    const double root = std::sqrt(n) * ChiMoment(n - 1, -0.5);
    EXPECT_NEAR(law.InverseMoment(0.5), root, 1e-9 * root) << n;
    EXPECT_NEAR(law.InverseMoment(1), n / (n - 3), 1e-9 * n / (n - 3)) << n;
  }
  EXPECT_NEAR(VarianceLaw({SampleVariance(kInfinity)}).InverseMoment(0.5), 1, 1e-9);
  EXPECT_EQ(VarianceLaw({SampleVariance(2)}).InverseMoment(0.5), kInfinity);
  EXPECT_EQ(VarianceLaw({SampleVariance(3)}).InverseMoment(1), kInfinity);
  EXPECT_EQ(VarianceLaw({}).InverseMoment(1), kInfinity);
}

TEST(VarianceLawTest, TermsOfOneScaleAreOne) {
  const VarianceLaw law({SampleVariance(4, 0.25), SampleVariance(8, 0.1), SampleVariance(1),
                         SampleVariance(4, 0.25)});
  ASSERT_EQ(law.terms().size(), 2);
  EXPECT_EQ(law.terms()[0].degrees, 6);
  EXPECT_EQ(law.degrees(), 13);
  EXPECT_NEAR(law.mean(), 0.375 + 0.0875, 1e-15);
}

TEST(VarianceLawTest, TheSmallestTermsAreOne) {
  const VarianceLaw all = EmaLaw(0.1, 400, 2);
  EXPECT_LT(all.terms().size(), 100);
  EXPECT_EQ(all.degrees(), 400);
  EXPECT_NEAR(all.mean(), 0.5, 1e-12);
  double mean = 0;
  for (const ScaledChiSquare& term : all.terms()) mean += term.mean;
  EXPECT_NEAR(mean, 0.5, 1e-12);
}

// The sum of two exponentially distributed values.
TEST(VarianceDensityTest, OfTwoExponentials) {
  constexpr double kA = 0.7;
  constexpr double kB = 0.3;
  const VarianceDensity density(
      VarianceLaw({{.mean = kA, .degrees = 2}, {.mean = kB, .degrees = 2}}));
  for (const double s : {1e-6, 0.01, 0.3, 1.0, 4.0, 15.0}) {
    const double expected = (std::exp(-s / kA) - std::exp(-s / kB)) / (kA - kB);
    EXPECT_NEAR(density.At(s), expected, 1e-13) << s;
  }
}

TEST(VarianceDensityTest, NodesHaveTheMomentsOfTheLaw) {
  for (const double n : {2, 3, 8, 32, 4096}) {
    for (const double momentum : {0.01, 0.1, 0.5}) {
      for (const int batches : {8, 200}) {
        const VarianceLaw law = EmaLaw(momentum, batches, n);
        double root = 0;
        double mean = 0;
        for (const auto& [variance, mass] : VarianceDensity(law).Nodes(1, 10)) {
          root += mass / std::sqrt(variance);
          mean += mass * variance;
        }
        const double expected = law.InverseMoment(0.5);
        EXPECT_NEAR(root, expected, 2e-8 * expected) << n << " " << momentum << " " << batches;
        EXPECT_NEAR(mean, law.mean(), 2e-8 * law.mean()) << n << " " << momentum;
      }
    }
  }
}

TEST(DeviationRatioTest, NodesHaveTheMomentsOfTheLaw) {
  for (const double n : {2, 3, 8, 128, 4096}) {
    for (const double count : {2, 8, 128, 4096}) {
      for (const double momentum : {0.01, 0.1, 0.5}) {
        const VarianceLaw law = EmaLaw(momentum, 50, count);
        double mean = 0;
        for (const auto& [ratio, mass] : DeviationRatio(n, law).Nodes(1)) mean += mass * ratio;
        const double expected = ChiMoment(n - 1, 0.5) / std::sqrt(n) * law.InverseMoment(0.5);
        EXPECT_NEAR(mean, expected, 1e-7 * expected) << n << " " << count << " " << momentum;
      }
    }
  }
}

// The density has an edge where the large batches' variance is.
TEST(DeviationRatioTest, OneSmallBatchAmongLargeOnes) {
  for (const double large : {50, 500, 5000}) {
    for (const double weight : {0.05, 0.5}) {
      std::vector<ScaledChiSquare> terms(10, SampleVariance(large, (1 - weight) / 10));
      terms.push_back(SampleVariance(2, weight));
      const VarianceLaw law(std::move(terms));
      for (const double n : {3, 100}) {
        double mean = 0;
        for (const auto& [ratio, mass] : DeviationRatio(n, law).Nodes(1)) mean += mass * ratio;
        const double expected = ChiMoment(n - 1, 0.5) / std::sqrt(n) * law.InverseMoment(0.5);
        EXPECT_NEAR(mean, expected, 5e-6 * expected) << large << " " << weight << " " << n;
      }
    }
  }
}

}  // namespace
}  // namespace normd
