#include "core/comparison/drift.h"

#include <algorithm>
#include <cmath>
#include <numeric>
#include <vector>

#include "core/comparison/seeded_random.h"

namespace normd {
namespace {

constexpr size_t kLeastSegments = 16;
constexpr int kShuffles = 999;
constexpr int kMostBetterByChance = 9;  // of them, where a change point is none: 1 %

// What the segments are, in deviations from the mean of all, for the channels that have one.
struct ScaledSegments {
  std::vector<double> counts;
  std::vector<std::vector<double>> means;    // by segment
  std::vector<std::vector<double>> squares;  // the mean square, likewise
  size_t channels = 0;
};

ScaledSegments Scale(const StreamSegments& stream, const Moments& all) {
  ScaledSegments result;
  for (const Moments& segment : stream.segments()) {
    result.counts.push_back(segment.count);
    std::vector<double>& means = result.means.emplace_back();
    std::vector<double>& squares = result.squares.emplace_back();
    for (size_t c = 0; c < all.mean.size(); ++c) {
      if (all.m2[c] <= 0) continue;
      const double variance = all.m2[c] / all.count;
      const double mean = (segment.mean[c] - all.mean[c]) / std::sqrt(variance);
      means.push_back(mean);
      squares.push_back(segment.m2[c] / segment.count / variance + mean * mean);
    }
    result.channels = means.size();
  }
  return result;
}

// Some segments together.
struct Quarter {
  double count = 0;
  std::vector<double> means;
  std::vector<double> squares;

  Quarter(const ScaledSegments& segments, const std::vector<size_t>& order, size_t begin,
          size_t end)
      : means(segments.channels), squares(segments.channels) {
    for (size_t i = begin; i < end; ++i) {
      const double weight = segments.counts[order[i]];
      count += weight;
      for (size_t c = 0; c < means.size(); ++c) {
        means[c] += weight * segments.means[order[i]][c];
        squares[c] += weight * segments.squares[order[i]][c];
      }
    }
    for (double& mean : means) mean /= count;
    for (double& square : squares) square /= count;
  }
  double Variance(size_t c) const { return squares[c] - means[c] * means[c]; }
};

// What an order of the segments looks like.
struct OrderFigures {
  double mean_shift = 0;
  double symmetric_divergence = 0;
  double split_squares = 0;  // of the split that explains most
  size_t split = 0;          // segments before it
};

void CompareQuarters(const Quarter& first, const Quarter& last, OrderFigures& result) {
  double divergent = 0;
  for (size_t c = 0; c < first.means.size(); ++c) {
    const double shift = first.means[c] - last.means[c];
    result.mean_shift += std::abs(shift);
    const double a = first.Variance(c);
    const double b = last.Variance(c);
    if (a <= 0 || b <= 0) continue;
    ++divergent;
    result.symmetric_divergence += (a / b + b / a - 2 + shift * shift * (1 / a + 1 / b)) / 2;
  }
  result.mean_shift /= static_cast<double>(first.means.size());
  if (divergent > 0) result.symmetric_divergence /= divergent;
}

OrderFigures FiguresOf(const ScaledSegments& segments, const std::vector<size_t>& order) {
  OrderFigures result;
  const size_t quarter = order.size() / 4;
  CompareQuarters(Quarter(segments, order, 0, quarter),
                  Quarter(segments, order, order.size() - quarter, order.size()), result);
  const double all = std::accumulate(segments.counts.begin(), segments.counts.end(), 0.0);
  std::vector<double> sum(segments.channels);
  double before = 0;
  for (size_t i = 0; i + 1 < order.size(); ++i) {
    const double count = segments.counts[order[i]];
    const std::vector<double>& means = segments.means[order[i]];
    before += count;
    double squares = 0;
    for (size_t c = 0; c < means.size(); ++c) {
      sum[c] += means[c] * count;
      squares += sum[c] * sum[c];
    }
    // All means together are 0, so that the sums on both sides are opposite.
    squares *= all / (before * (all - before));
    if (squares <= result.split_squares) continue;
    result.split_squares = squares;
    result.split = i + 1;
  }
  return result;
}

}  // namespace

std::optional<Drift> DriftOf(const StreamSegments& stream, uint64_t seed, StopRequest& stop) {
  const size_t segments = stream.segments().size();
  if (segments < kLeastSegments) return std::nullopt;
  const ScaledSegments scaled = Scale(stream, stream.All());
  if (scaled.channels == 0) return std::nullopt;
  std::vector<size_t> order(segments);
  std::iota(order.begin(), order.end(), size_t{0});
  const OrderFigures found = FiguresOf(scaled, order);
  Drift result;
  result.mean_shift = found.mean_shift;
  result.symmetric_divergence = found.symmetric_divergence;
  SeededRandom random(seed);
  int better = 0;
  for (int i = 0; i < kShuffles; ++i) {
    if (stop.IsMade()) return std::nullopt;
    Shuffle(random, order);
    const OrderFigures chance = FiguresOf(scaled, order);
    result.mean_shift_floor += chance.mean_shift / kShuffles;
    result.symmetric_divergence_floor += chance.symmetric_divergence / kShuffles;
    if (chance.split_squares >= found.split_squares) ++better;
  }
  result.excess = std::max(
      {0.0, result.mean_shift - result.mean_shift_floor,
       std::sqrt(std::max(0.0, result.symmetric_divergence - result.symmetric_divergence_floor))});
  if (better <= kMostBetterByChance) {
    result.change_point = static_cast<int64_t>(std::accumulate(
        scaled.counts.begin(), scaled.counts.begin() + static_cast<int64_t>(found.split), 0.0));
  }
  return result;
}

}  // namespace normd
