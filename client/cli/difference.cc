#include "client/cli/difference.h"

#include <algorithm>
#include <bit>
#include <cmath>
#include <vector>

namespace normd::cli {

Difference Compare(absl::Span<const double> expected, absl::Span<const double> actual) {
  Difference result;
  result.elements = static_cast<int64_t>(expected.size());
  if (expected.empty()) return result;
  std::vector<double> distances;
  distances.reserve(expected.size());
  double difference2 = 0;
  double expected2 = 0;
  double actual2 = 0;
  for (size_t i = 0; i < expected.size(); ++i) {
    const double e = expected[i];
    const double a = actual[i];
    result.differing_bits +=
        std::bit_cast<uint64_t>(expected[i]) != std::bit_cast<uint64_t>(actual[i]) ? 1 : 0;
    difference2 += (a - e) * (a - e);
    expected2 += e * e;
    actual2 += a * a;
    distances.push_back(std::abs(a - e));
  }
  const auto n = static_cast<double>(expected.size());
  result.rms_expected = std::sqrt(expected2 / n);
  result.rms_actual = std::sqrt(actual2 / n);
  if (difference2 != 0) result.relative_rms = std::sqrt(difference2) / std::sqrt(expected2);
  // NaN is beyond all distances.
  std::sort(distances.begin(), distances.end(),
            [](double a, double b) { return std::isnan(b) ? !std::isnan(a) : a < b; });
  const auto quantile = [&](double q) {
    return distances[static_cast<size_t>(q * static_cast<double>(distances.size() - 1))];
  };
  result.p50 = quantile(0.5);
  result.p99 = quantile(0.99);
  result.max = distances.back();
  return result;
}

}  // namespace normd::cli
