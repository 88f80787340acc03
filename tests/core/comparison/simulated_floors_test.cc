// Noise floors against simulations. See tests/conformance/comparison/floors.py.
#include <gtest/gtest.h>

#include <cmath>
#include <fstream>
#include <optional>
#include <string>
#include <utility>
#include <vector>

#include "absl/strings/numbers.h"
#include "absl/strings/str_split.h"
#include "core/comparison/noise_floor.h"

namespace normd {
namespace {

double Number(absl::string_view text) {
  double number = 0;
  EXPECT_TRUE(absl::SimpleAtod(text, &number)) << text;
  return number;
}

// "2 3 5", or "4 x 100".
std::vector<double> Counts(const std::string& text) {
  const std::vector<std::string> factors = absl::StrSplit(text, " x ");
  if (factors.size() == 2) return std::vector<double>(Number(factors[1]), Number(factors[0]));
  std::vector<double> counts;
  for (const auto count : absl::StrSplit(text, ' ')) counts.push_back(Number(count));
  return counts;
}

// One row of the table.
struct Case {
  std::string kind;
  double n = 0;
  std::vector<double> counts;
  double momentum = 0;  // 0: all batches weigh the same; of tokens: alpha
  bool unbiased = false;
};

DiscrepancyFloors AveragedFloors(const Case& row) {
  AveragedReference reference{.weights = {}, .counts = row.counts, .unbiased = row.unbiased};
  double sum = 0;
  for (size_t i = 0; i < row.counts.size(); ++i) {
    const auto age = static_cast<double>(row.counts.size() - 1 - i);
    reference.weights.push_back(std::pow(1 - row.momentum, age));
    sum += reference.weights.back();
  }
  for (double& weight : reference.weights) weight /= sum;
  return NoiseFloors(row.n, reference, 1 / (sum * (1 - row.momentum) + 1));
}

DiscrepancyFloors DiscrepancyFloorsOf(const Case& row) {
  if (row.kind == "pooled") return NoiseFloors(row.n, PooledReference{row.counts[0]});
  if (row.kind == "token") {
    return NoiseFloors(row.n, TokenAveragedReference{row.momentum, row.counts[0]});
  }
  return AveragedFloors(row);
}

// In the order of the columns.
std::vector<std::optional<double>> Floors(const Case& row) {
  if (row.kind == "whole") {
    const FinalFloors floors = NoiseFloors(row.n, WholeReference{row.counts[0]});
    std::vector<std::optional<double>> values(9);
    values.insert(values.end(), {floors.mean, floors.deviation});
    return values;
  }
  const DiscrepancyFloors floors = DiscrepancyFloorsOf(row);
  return {floors.tid_mean_by_batch,
          floors.tid_deviation_by_batch,
          floors.tid_mean_by_running,
          floors.tid_deviation_by_running,
          floors.renorm_d,
          floors.renorm_r,
          floors.powernorm_mean,
          floors.powernorm_variance,
          floors.powernorm_relative,
          std::nullopt,
          std::nullopt};
}

TEST(SimulatedFloorsTest, EveryFloorIsWithinTheInterval) {
  std::ifstream file(NORMD_TEST_DATA "/floors/floors.csv");
  std::string line;
  ASSERT_TRUE(std::getline(file, line));
  const std::vector<std::string> names = absl::StrSplit(line, ',');
  int intervals = 0;
  while (std::getline(file, line)) {
    SCOPED_TRACE(line);
    const std::vector<std::string> cells = absl::StrSplit(line, ',');
    ASSERT_EQ(cells.size(), names.size());
    const auto floors = Floors({.kind = cells[0],
                                .n = Number(cells[1]),
                                .counts = Counts(cells[2]),
                                .momentum = Number(cells[3]),
                                .unbiased = cells[4] == "1"});
    ASSERT_EQ(floors.size() + 5, names.size());
    for (size_t i = 0; i < floors.size(); ++i) {
      ASSERT_EQ(floors[i].has_value(), !cells[i + 5].empty()) << names[i + 5];
      if (!floors[i]) continue;
      const std::pair<std::string, std::string> interval = absl::StrSplit(cells[i + 5], ' ');
      EXPECT_GE(*floors[i], Number(interval.first)) << names[i + 5];
      EXPECT_LE(*floors[i], Number(interval.second)) << names[i + 5];
      EXPECT_LT(Number(interval.second), 1.01 * Number(interval.first)) << "too wide";
      ++intervals;
    }
  }
  EXPECT_GT(intervals, 500);
}

}  // namespace
}  // namespace normd
