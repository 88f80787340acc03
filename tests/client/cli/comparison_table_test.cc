#include "client/cli/comparison_table.h"

#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include <vector>

#include "absl/strings/ascii.h"
#include "absl/strings/match.h"
#include "absl/strings/str_split.h"

namespace normd::cli {
namespace {

using ::testing::ElementsAre;
using ::testing::HasSubstr;
using ::testing::IsEmpty;
using ::testing::Not;

// The cells of the `nth` row that begins so.
std::vector<std::string> Row(const std::string& table, const std::string& label, int nth = 0) {
  for (const absl::string_view line : absl::StrSplit(table, '\n')) {
    if (!absl::StartsWith(line, label) || nth-- > 0) continue;
    return absl::StrSplit(line.substr(36), absl::ByString("  "), absl::SkipWhitespace());
  }
  return {};
}

std::vector<std::string> Stripped(std::vector<std::string> cells) {
  for (std::string& cell : cells) absl::StripAsciiWhitespace(&cell);
  return cells;
}

class ComparisonTableTest : public ::testing::Test {
 protected:
  ComparisonTableTest() {
    opened_.add_resolved_specs()->mutable_batch_norm();
    opened_.add_resolved_specs()->mutable_layer_norm();
    summary_.set_last_sequence_number(32);
    v1::MethodSummary* batch = summary_.add_methods();
    batch->set_chunks_refused_by_training(3);
    v1::Measurements* measured = batch->mutable_measurements();
    measured->set_values(4079);
    measured->set_output_gap(0.1234);
    measured->set_largest_gap(2.5);
    measured->set_mean_discrepancy(0.08);
    measured->set_mean_noise_floor(0.064);
    measured->set_deviation_discrepancy(0.05);
    measured->set_deviation_noise_floor(0);
    for (const double values : {128.0, 256.0}) {
      v1::ColdStart* early = batch->add_cold_start();
      early->set_values(values);
      early->set_mean_discrepancy(12.8 / values);
      early->set_mean_noise_floor(0.05);
      early->set_deviation_discrepancy(25.6 / values);
    }
    v1::Measurements* row = summary_.add_methods()->mutable_measurements();
    row->set_values(4079);
    row->set_output_gap(0);
    row->set_largest_gap(0);
  }

  std::vector<std::string> Cells(const std::string& label, int nth = 0) const {
    return Stripped(Row(ComparisonTable(opened_, summary_), label, nth));
  }

  v1::CompareOpened opened_;
  v1::CompareSummary summary_;
};

TEST_F(ComparisonTableTest, MethodsAreColumnsAndFiguresRows) {
  EXPECT_THAT(Cells(" "), ElementsAre("batch_norm", "layer_norm"));
  EXPECT_THAT(Cells("values"), ElementsAre("4079", "4079"));
  EXPECT_THAT(Cells("output gap"), ElementsAre("12.3%", "0%"));
  EXPECT_THAT(Cells("largest gap"), ElementsAre("2.5", "0"));
  EXPECT_THAT(Cells("mean discrepancy"), ElementsAre("0.08", "-"));
  EXPECT_THAT(Cells("  noise floor"), ElementsAre("0.064", "-"));
  EXPECT_THAT(Cells("  ratio"), ElementsAre("1.25 x", "-"));
  EXPECT_THAT(Cells("deviation discrepancy"), ElementsAre("0.05", "-"));
  EXPECT_THAT(Cells("  ratio", 1), ElementsAre("-", "-"));  // no floor to divide by
  EXPECT_THAT(Cells("chunks refused by training"), ElementsAre("3 of 32", "0 of 32"));
}

TEST_F(ComparisonTableTest, ColdStartHasARowForEachNumberOfValues) {
  EXPECT_THAT(Cells("  after 128 values"), ElementsAre("0.1, 2.00 x", "-"));
  EXPECT_THAT(Cells("  after 256 values"), ElementsAre("0.05, 1.00 x", "-"));
  EXPECT_THAT(Cells("  after 256 values", 1), ElementsAre("0.1", "-"));
}

TEST_F(ComparisonTableTest, WhatNoMethodHasIsLeftOut) {
  summary_.mutable_methods(0)->clear_cold_start();
  EXPECT_THAT(ComparisonTable(opened_, summary_), Not(HasSubstr("cold start:")));
}

TEST_F(ComparisonTableTest, AMethodThatStandsTwiceIsNumbered) {
  opened_.mutable_resolved_specs(1)->mutable_batch_norm();
  EXPECT_THAT(Cells(" "), ElementsAre("batch_norm", "batch_norm #2"));
}

TEST_F(ComparisonTableTest, AnEmptyStreamHasATableToo) {
  EXPECT_THAT(Row(ComparisonTable({}, {}), "output gap"), IsEmpty());
}

}  // namespace
}  // namespace normd::cli
