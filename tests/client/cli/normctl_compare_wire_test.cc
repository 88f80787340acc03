// What `normctl compare` sends and writes.
#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include "tests/client/cli/normctl_wire_fixture.h"

namespace normd::cli {
namespace {

using ::testing::AllOf;
using testing::CommandResult;
using ::testing::ElementsAre;
using ::testing::HasSubstr;

TEST_F(NormctlWireTest, CompareStreamsTheFileAndPrintsATable) {
  server_.Tell([&](auto& answers) {
    v1::ComparisonReport* report = answers.summary.mutable_report();
    report->mutable_verdict()->set_summary("Who knows.");
    v1::Cell* cell = report->add_cells();
    cell->set_order(v1::BATCH_ORDER_BY_POSITION);
    cell->set_batches(7);
    cell->add_methods()->mutable_output_gap()->set_overall(0.25);
    cell->add_methods();
    report->add_methods()->set_name("batch_norm");
    report->add_methods()->set_name("rms_norm");
  });
  const std::string input = Write("x.npy", v1::ELEMENT_TYPE_FLOAT64, {5, 3});
  EXPECT_THAT(Output({"compare", "--method", "batch_norm", "--method", "rms_norm", input,
                      "--rows-per-chunk", "2"}),
              AllOf(HasSubstr("Who knows."), HasSubstr("batch_norm"), HasSubstr("rms_norm"),
                    HasSubstr("by position  as they come         7"), HasSubstr("25 %")));
  EXPECT_EQ(server_.asked().compare_open.element_type(), v1::ELEMENT_TYPE_FLOAT64);
  EXPECT_THAT(server_.asked().compare_open.row_shape(), ElementsAre(3));
  ASSERT_EQ(server_.asked().compare_open.specs_size(), 2);
  EXPECT_EQ(server_.asked().compare_open.specs(1).rms_norm().ByteSizeLong(), 0);
  ASSERT_EQ(server_.asked().chunks.size(), 3);
  EXPECT_EQ(server_.asked().chunks[2].data().size(), 3 * sizeof(double));

  EXPECT_THAT(Output({"compare", input, "--rows-per-chunk", "2", "--json", "--lengths",
                      WriteIntegers(folder_, "l.npy", {4, 1})}),
              HasSubstr("\"overall\": 0.25"));
  EXPECT_EQ(server_.asked().compare_open.specs_size(), 0);
  ASSERT_EQ(server_.asked().chunks.size(), 4);
  EXPECT_THAT(server_.asked().chunks[3].sequence_ids(), ElementsAre(0, 0, 0, 0, 1));
}

TEST_F(NormctlWireTest, ComparePlansWhatItIsTold) {
  const std::string input = Write("x.npy", v1::ELEMENT_TYPE_FLOAT32, {400, 3});
  Output({"compare", input, "--batch-sizes", "0,16", "--orders", "arrival,by-position", "--seed",
          "5", "--sample-kib", "1", "--batch-size-in-use", "16", "--largest-gap", "0.5"});
  const v1::ComparisonPlan plan = server_.asked().compare_open.plan();
  EXPECT_THAT(plan.batch_sizes(), ElementsAre(0, 16));
  EXPECT_THAT(plan.orders(), ElementsAre(v1::BATCH_ORDER_ARRIVAL, v1::BATCH_ORDER_BY_POSITION));
  EXPECT_EQ(plan.seed(), 5);
  EXPECT_EQ(plan.sample_bytes(), 1024);
  EXPECT_EQ(plan.batch_size_in_use(), 16);
  EXPECT_EQ(plan.thresholds().largest_gap(), 0.5);
  EXPECT_FALSE(plan.thresholds().has_largest_ratio());
  // More than the sample holds is sent twice.
  EXPECT_EQ(plan.first_pass_chunks(), 16);
  EXPECT_EQ(server_.asked().chunks.size(), 32);
}

TEST_F(NormctlWireTest, CompareTakesBatchesThatTellSomething) {
  // Of few rows, and of wide ones: the verdict is about 128 tokens still.
  const std::vector<std::pair<std::vector<int64_t>, int>> sizes_and_chunks = {
      {{400, 3}, 16}, {{40, 100'000}, 20}, {{2049, 3}, 17}};
  size_t all = 0;  // that the server has seen
  for (const auto& [shape, chunks] : sizes_and_chunks) {
    Output({"compare", Write("x.npy", v1::ELEMENT_TYPE_FLOAT32, shape)});
    EXPECT_EQ(server_.asked().chunks.size(), all += chunks);
    const v1::ComparisonPlan plan = server_.asked().compare_open.plan();
    EXPECT_EQ(plan.batch_size_in_use(), shape[0] < 2048 ? 128 : 0) << shape[0];
  }
  // A row of several tokens has no such size.
  Output({"compare", Write("x.npy", v1::ELEMENT_TYPE_FLOAT32, {32, 5, 3})});
  EXPECT_EQ(server_.asked().chunks.size(), all + 16);
  EXPECT_FALSE(server_.asked().compare_open.plan().has_batch_size_in_use());
}

TEST_F(NormctlWireTest, CompareWritesAPageAndEveryFigure) {
  server_.Tell([&](auto& answers) {
    v1::Cell* cell = answers.summary.mutable_report()->add_cells();
    cell->set_order(v1::BATCH_ORDER_BY_POSITION);
    cell->set_batch_size(8);
    cell->set_batches(7);
    cell->set_mean_batch_size(8.5);
    cell->set_effective_batch_size(3);
    v1::CellMethod* method = cell->add_methods();
    method->set_method("batch_norm");
    v1::Discrepancy* d = method->mutable_discrepancies()->mutable_renorm_d();
    d->mutable_measured()->set_value(0.5);
    d->set_noise_floor(0.25);
    d->mutable_ratio()->set_value(2);
    d->mutable_ratio()->set_low(1.5);
    d->mutable_ratio()->set_high(2.5);
    v1::GapQuantiles* gap = cell->add_methods()->mutable_output_gap();
    gap->set_overall(0.5);
    gap->set_low(0.25);
    gap->set_high(0.75);
    cell->mutable_methods(1)->set_method("layer_norm");
  });
  const std::string input = Write("x.npy", v1::ELEMENT_TYPE_FLOAT32, {4, 3});
  Output({"compare", input, "--method", "batch_norm", "--method", "layer_norm", "--report",
          folder_ / "report.html", "--csv", folder_ / "report.csv"});
  EXPECT_THAT(folder_.Read("report.html"),
              AllOf(HasSubstr("<!DOCTYPE html>"), HasSubstr("x.npy"), HasSubstr("\"renorm_d\"")));
  EXPECT_EQ(folder_.Read("report.csv"),
            "order,batch_size,with_padding,batches,mean_batch_size,effective_batch_size,method,"
            "figure,value,low,high,noise_floor,ratio,ratio_low,ratio_high\n"
            "by_position,8,0,7,8.5,3,batch_norm,renorm_d,0.5,,,0.25,2,1.5,2.5\n"
            "by_position,8,0,7,8.5,3,layer_norm,gap_p50,0,,,,,,\n"
            "by_position,8,0,7,8.5,3,layer_norm,gap_p99,0,,,,,,\n"
            "by_position,8,0,7,8.5,3,layer_norm,gap_largest,0,,,,,,\n"
            "by_position,8,0,7,8.5,3,layer_norm,gap_overall,0.5,0.25,0.75,,,,\n");
  EXPECT_EQ(Normctl({"compare", input, "--report", "/nowhere/r.html"}).error,
            "normctl: /nowhere/r.html: cannot be written: No such file or directory\n");
}

TEST_F(NormctlWireTest, CompareTakesSpecsWithParameters) {
  const std::string input = Write("x.npy", v1::ELEMENT_TYPE_FLOAT32, {4, 3});
  const std::vector<std::string> command = {"compare", input, "--rows-per-chunk", "2", "--specs"};
  const auto with = [&](const std::string& json) {
    std::vector<std::string> arguments = command;
    arguments.push_back(folder_.Write("specs.json", json));
    return Normctl(arguments);
  };
  EXPECT_EQ(
      with(R"({"specs": [{"batch_norm": {"channel_axis": -1}}, {"layerNorm": {}}]})").exit_code, 0);
  EXPECT_EQ(server_.asked().compare_open.specs(0).batch_norm().channel_axis(), -1);
  EXPECT_THAT(with(R"({"specs": [{"no_norm": {}}]})").error,
              AllOf(HasSubstr("specs.json: must be JSON like"), HasSubstr("no_norm")));
  EXPECT_THAT(with(R"({"row_shape": [3]})").error, HasSubstr("may hold specs only"));
  EXPECT_EQ(Normctl({"compare", input, "--rows-per-chunk", "2", "--specs", "/nowhere.json"}).error,
            "normctl: /nowhere.json: cannot be opened\n");
  EXPECT_EQ(Normctl({"compare", input, "--rows-per-chunk", "2", "--specs", "s.json", "--method",
                     "layer_norm"})
                .exit_code,
            2);
}

TEST_F(NormctlWireTest, ARefusedChunkEndsAComparison) {
  server_.Tell([&](auto& answers) { answers.refused_chunk = 2; });
  const std::string input = Write("x.npy", v1::ELEMENT_TYPE_FLOAT32, {4, 3});
  const CommandResult result = Normctl({"compare", input, "--rows-per-chunk", "2"});
  EXPECT_EQ(result.exit_code, 1);
  EXPECT_EQ(result.error, "normctl: chunk 2: refused\n");
}

}  // namespace
}  // namespace normd::cli
