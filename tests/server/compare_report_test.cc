// Compare with a plan, over a channel: the report, and what a server does not take.
#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include <cmath>
#include <memory>

#include "tests/server/compare_call.h"
#include "tests/testing/local_server.h"
#include "tests/testing/random_values.h"
#include "tests/testing/test_stream.h"

namespace normd {
namespace {

using testing::CompareStream;
using ::testing::ElementsAre;
using testing::RandomFloats;
using testing::RowsOf;

class CompareReportTest : public ::testing::Test {
 protected:
  void SetUp() override {
    server::ServerOptions options;
    options.max_comparison_bytes = 50 << 20;
    server_ = testing::StartServer(options);
    ASSERT_NE(server_, nullptr);
    channel_ = testing::Connect(*server_);
  }

  static v1::CompareOpen WithPlan(int64_t features) {
    v1::CompareOpen open = RowsOf({features});
    open.mutable_plan()->add_batch_sizes(2);
    open.mutable_plan()->set_sample_bytes(1 << 20);
    return open;
  }

  std::unique_ptr<server::Server> server_;
  std::shared_ptr<grpc::Channel> channel_;
};

TEST_F(CompareReportTest, ThereIsNoneWithoutAPlan) {
  CompareStream stream(channel_, RowsOf({2}));
  EXPECT_TRUE(stream.Receive().has_opened());
  stream.Compare({0, 1, 2, 5});
  EXPECT_FALSE(stream.Summary().has_report());
}

TEST_F(CompareReportTest, APlanBeyondTheMemoryIsRefused) {
  v1::CompareOpen open = WithPlan(64);
  open.mutable_plan()->set_sample_bytes(1 << 30);
  CompareStream large(channel_, open);
  const grpc::Status refusal = large.Finish();
  EXPECT_EQ(refusal.error_code(), grpc::StatusCode::RESOURCE_EXHAUSTED);
  EXPECT_EQ(testing::ErrorInfoOf(refusal).reason(), "TOO_MANY_COMPARISON_BYTES");

  CompareStream wide(channel_, WithPlan(20'000));  // keeps segments of as many channels
  EXPECT_EQ(wide.Finish().error_code(), grpc::StatusCode::RESOURCE_EXHAUSTED);
  CompareStream small(channel_, WithPlan(64));
  EXPECT_TRUE(small.Receive().has_opened());
}

TEST_F(CompareReportTest, APlanOfTooManyCellsIsRefused) {
  v1::CompareOpen open = WithPlan(4);
  for (int size = 3; size < 18; ++size) open.mutable_plan()->add_batch_sizes(size);
  for (int i = 0; i < 9; ++i) open.add_specs()->mutable_layer_norm();
  CompareStream stream(channel_, open);
  const grpc::Status refusal = stream.Finish();
  EXPECT_EQ(refusal.error_code(), grpc::StatusCode::INVALID_ARGUMENT);
  for (const char* part : {"17 sizes", "4 orders", "9 methods", "765 cells", "at most 720"}) {
    EXPECT_THAT(refusal.error_message(), ::testing::HasSubstr(part));
  }
}

TEST_F(CompareReportTest, ASecondPassMayBeginWithARefusedChunk) {
  v1::CompareOpen open = WithPlan(2);
  open.mutable_plan()->set_first_pass_chunks(1);
  CompareStream stream(channel_, open);
  EXPECT_TRUE(stream.Receive().has_opened());
  const std::vector<float> tokens = RandomFloats(2 * 64);
  EXPECT_EQ(stream.Compare(tokens).result().methods_size(), 2);
  v1::Chunk no_rows;
  no_rows.set_data("x");
  EXPECT_TRUE(stream.Compare(no_rows).has_error());
  const v1::CompareResponse again = stream.Compare(tokens);
  ASSERT_TRUE(again.has_result());
  EXPECT_EQ(again.result().methods_size(), 0);
  const v1::ComparisonReport report = stream.Summary().report();
  EXPECT_EQ(report.tokens(), 64);
  EXPECT_FALSE(report.cells(0).from_sample());
  EXPECT_TRUE(report.cells(0).methods(0).has_output_gap());
}

TEST_F(CompareReportTest, TellsWhichMethodEachEntryIsOf) {
  v1::CompareOpen open = WithPlan(2);
  open.add_specs()->mutable_layer_norm();
  for (int i = 0; i < 2; ++i) open.add_specs()->mutable_batch_norm()->set_channel_axis(-1);
  CompareStream stream(channel_, open);
  const v1::CompareResponse opened = stream.Receive();
  EXPECT_THAT(opened.opened().names(), ElementsAre("layer_norm", "batch_norm", "batch_norm #2"));
  stream.Compare(RandomFloats(2 * 64));
  const v1::ComparisonReport report = stream.Summary().report();
  ASSERT_EQ(report.methods_size(), 3);
  for (int i = 0; i < 3; ++i) {
    EXPECT_EQ(report.methods(i).name(), opened.opened().names(i));
    EXPECT_EQ(report.cells(0).methods(i).method(), opened.opened().names(i));
    EXPECT_EQ(report.methods(i).spec().SerializeAsString(),
              opened.opened().resolved_specs(i).SerializeAsString());
  }
  EXPECT_EQ(report.methods(2).title(), "BatchNorm #2");
  EXPECT_EQ(report.verdict().method(), "batch_norm");
}

TEST_F(CompareReportTest, TokensThatAreNotFiniteAreLeftOutUnlessASpecRefusesThem) {
  CompareStream stream(channel_, WithPlan(2));
  EXPECT_TRUE(stream.Receive().has_opened());
  EXPECT_TRUE(stream.Compare({1, 2, 3, NAN, 5, INFINITY, 7, 8}).has_result());
  const v1::ComparisonReport report = stream.Summary().report();
  EXPECT_EQ(report.tokens(), 2);
  EXPECT_EQ(report.non_finite_tokens(), 2);
}

TEST_F(CompareReportTest, SequenceIdsAreOneARowAndNeedAPlan) {
  v1::Chunk chunk;
  chunk.set_data(testing::Bytes(RandomFloats(2 * 3)));
  chunk.add_sequence_ids(7);
  CompareStream planned(channel_, WithPlan(2));
  EXPECT_TRUE(planned.Receive().has_opened());
  EXPECT_TRUE(planned.Compare(chunk).has_error());
  chunk.add_sequence_ids(7);
  chunk.add_sequence_ids(8);
  EXPECT_TRUE(planned.Compare(chunk).has_result());
  EXPECT_EQ(planned.Summary().report().sequences(), 2);
  CompareStream plain(channel_, RowsOf({2}));
  EXPECT_TRUE(plain.Receive().has_opened());
  EXPECT_TRUE(plain.Compare(chunk).has_error());
}

}  // namespace
}  // namespace normd
