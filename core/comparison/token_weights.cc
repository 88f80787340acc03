#include "core/comparison/token_weights.h"

#include <algorithm>
#include <cmath>
#include <utility>

namespace normd {
namespace {

// Of groups by descending scale: where sum count w / (scale - w v) is 0, between two of them.
double ScaleBetween(const std::vector<TokenGroup>& groups, double low, double high) {
  constexpr int kHalvings = 30;
  for (int i = 0; i < kHalvings; ++i) {
    const double scale = (low + high) / 2;
    double sum = 0;
    for (const TokenGroup& group : groups) {
      sum += group.count * group.weight / (scale - group.weight * group.variance);
    }
    (sum > 0 ? low : high) = scale;
  }
  return (low + high) / 2;
}

}  // namespace

std::vector<TokenGroup> ExponentialWeights(double alpha, double newest, double oldest) {
  constexpr double kBlock = 0.7;  // in log weight
  constexpr double kNegligible = 18;
  if (alpha == 1) {  // all but one weigh nothing
    std::vector<TokenGroup> groups;
    if (newest == 0) groups.push_back({.weight = 1, .count = 1});
    const double others = oldest - std::max(newest, 1.0);
    if (others > 0) groups.push_back({.weight = 0, .count = others});
    return groups;
  }
  const double decay = -std::log1p(-alpha);
  const double longest = std::max(1.0, std::floor(kBlock / decay));
  std::vector<TokenGroup> groups;
  const auto add = [&](double age, double count) {
    if (count > 0) groups.push_back({.weight = alpha * std::exp(-decay * age), .count = count});
  };
  double age = newest;
  while (age < oldest && decay * (age - newest) < kNegligible) {
    const double length = std::min(longest, oldest - age);
    const double center = age + (length - 1) / 2;
    if (length == 1) {
      add(center, 1);
    } else {
      const double square = (3 * length * length - 7) / 20;
      const double outer = length * (length * length - 1) / 24 / square;
      add(center - std::sqrt(square), outer);
      add(center, length - 2 * outer);
      add(center + std::sqrt(square), outer);
    }
    age += length;
  }
  if (age < oldest) {
    const double count = oldest - age;
    const double sum = std::exp(-decay * age) * -std::expm1(-decay * count);
    groups.push_back({.weight = sum / count, .count = count});
  }
  return groups;
}

double SumOfWeights(const std::vector<TokenGroup>& groups) {
  double sum = 0;
  for (const TokenGroup& group : groups) sum += group.count * group.weight;
  return sum;
}

void DivideWeights(double sum, std::vector<TokenGroup>& groups) {
  for (TokenGroup& group : groups) group.weight /= sum;
}

VarianceLaw WeightedVarianceLaw(std::vector<TokenGroup> groups) {
  const auto scale = [](const TokenGroup& group) { return group.weight * group.variance; };
  std::sort(groups.begin(), groups.end(),
            [&](const TokenGroup& a, const TokenGroup& b) { return scale(a) > scale(b); });
  std::vector<ScaledChiSquare> terms;
  for (size_t i = 0; i < groups.size(); ++i) {
    const double degrees = groups[i].count - 1;
    terms.push_back({.mean = degrees * scale(groups[i]), .degrees = degrees});
    if (i + 1 == groups.size()) break;
    const double between = ScaleBetween(groups, scale(groups[i + 1]), scale(groups[i]));
    terms.push_back({.mean = between, .degrees = 1});
  }
  return VarianceLaw(std::move(terms));
}

}  // namespace normd
