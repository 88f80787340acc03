// What chunks may hold: rows that vary in length, masks, and elements of other types.
#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include <limits>

#include "absl/strings/str_cat.h"
#include "google/rpc/error_details.pb.h"
#include "tests/server/normalize_stream_fixture.h"

namespace normd {
namespace {

using testing::Bytes;
using ::testing::ElementsAre;
using testing::Floats;
using testing::LayerNorm;
using testing::TestStream;

class StreamedRowsTest : public testing::NormalizeStreamTest {};

TEST_F(StreamedRowsTest, ChunksOfRowsThatVaryInLength) {
  v1::Open open;
  open.mutable_spec()->mutable_layer_norm()->mutable_epsilon()->set_value(0);
  open.add_row_shape(-1);
  open.add_row_shape(2);
  TestStream stream(channel_);
  stream.Open(open);
  ASSERT_TRUE(stream.Receive().has_opened());
  v1::Chunk chunk;
  chunk.set_data(Bytes({1, 3, 5, 1, 0, 2, 9, 9}));
  for (int64_t dimension : {2, 2, 2}) chunk.add_shape(dimension);
  chunk.add_lengths(2);
  chunk.add_lengths(1);
  stream.Send(1, chunk);
  EXPECT_THAT(Floats(stream.Receive().result().data()), ElementsAre(-1, 1, 1, -1, -1, 1, 0, 0));
  chunk.clear_lengths();
  chunk.set_shape(0, 1);
  chunk.set_shape(1, 4);
  stream.Send(2, chunk);
  EXPECT_EQ(Floats(stream.Receive().result().data()).size(), 8);
  const auto field_of = [&](uint64_t number) {
    stream.Send(number, chunk);
    google::rpc::BadRequest bad_request;
    const google::rpc::Status status = stream.Receive().error().status();
    for (const auto& detail : status.details()) detail.UnpackTo(&bad_request);
    return bad_request.field_violations_size() == 1 ? bad_request.field_violations(0).field() : "";
  };
  chunk.set_shape(1, 3);
  EXPECT_EQ(field_of(3), "chunk.data");
  chunk.set_shape(1, int64_t{1} << 62);
  EXPECT_EQ(field_of(4), "chunk.shape");
  chunk.clear_shape();
  EXPECT_EQ(field_of(5), "chunk.shape");
  for (int64_t dimension : {2, 2, 2}) chunk.add_shape(dimension);
  chunk.add_lengths(3);
  EXPECT_EQ(field_of(6), "chunk.lengths");
  chunk.clear_lengths();
  chunk.set_row_mask("toolong");
  EXPECT_EQ(field_of(7), "chunk.row_mask");
}

TEST_F(StreamedRowsTest, MaskedRowsLeaveNoTraceInASession) {
  const float nan = std::numeric_limits<float>::quiet_NaN();
  std::string outputs[2];
  std::string statistics[2];
  for (const bool masked : {false, true}) {
    CreateSession(absl::StrCat("s", masked), 2);
    TestStream stream(channel_);
    v1::Open open = OnSession(absl::StrCat("s", masked), 2, v1::BATCH_NORM_MODE_TRAINING);
    open.set_return_statistics(true);
    stream.Open(open);
    ASSERT_TRUE(stream.Receive().has_opened());
    v1::Chunk chunk;
    if (masked) {
      chunk.set_data(Bytes({1.1F, 2, nan, 7, 3, 5.3F, 8, nan, 0.7F, -4}));
      chunk.set_row_mask("\x15");  // rows 0, 2 and 4
    } else {
      chunk.set_data(Bytes({1.1F, 2, 3, 5.3F, 0.7F, -4}));
    }
    stream.Send(1, chunk);
    std::string output = stream.Receive().result().data();
    stream.HalfClose();
    statistics[masked] = stream.Receive().closed().statistics().mean_variance().SerializeAsString();
    if (masked) {
      EXPECT_EQ(output.substr(8, 8), std::string(8, '\0'));
      output = output.substr(0, 8) + output.substr(16, 8) + output.substr(32, 8);
    }
    outputs[masked] = output;
  }
  EXPECT_EQ(outputs[1], outputs[0]);
  EXPECT_EQ(statistics[1], statistics[0]);
  EXPECT_EQ(outputs[0].size(), 24);
  EXPECT_FALSE(statistics[0].empty());
}

TEST_F(StreamedRowsTest, AShapeOfAnyLengthIsRefusedInAFewWords) {
  TestStream stream(channel_);
  stream.Open(LayerNorm(2));
  ASSERT_TRUE(stream.Receive().has_opened());
  v1::Chunk chunk;
  chunk.mutable_shape()->Resize(100'000, 1);
  stream.Send(1, chunk);
  const v1::NormalizeStreamResponse answer = stream.Receive();
  ASSERT_TRUE(answer.has_error());
  EXPECT_LT(answer.ByteSizeLong(), 1000);
}

// Before anything enters the session: its client could not receive the answer.
TEST_F(StreamedRowsTest, OutputsAboveTheLimitOfAMessageAreRefused) {
  server::ServerOptions options;
  options.message.max_message_bytes = 4096;
  Restart(options);
  CreateSession("s", 2);
  v1::Open open = OnSession("s", 2, v1::BATCH_NORM_MODE_TRAINING);
  open.set_output_element_type(v1::ELEMENT_TYPE_FLOAT64);
  open.set_return_statistics(true);
  TestStream stream(channel_);
  stream.Open(open);
  ASSERT_TRUE(stream.Receive().has_opened());
  stream.Send(1, Bytes(std::vector<float>(600, 1)));
  EXPECT_EQ(stream.Receive().error().status().code(),
            static_cast<int>(grpc::StatusCode::INVALID_ARGUMENT));
  stream.Send(2, Bytes(std::vector<float>(500, 1)));
  EXPECT_EQ(stream.Receive().result().statistics_version(), 1);
}

TEST_F(StreamedRowsTest, ElementsOfOtherTypesInAndOut) {
  v1::Open open = LayerNorm(2);
  open.set_element_type(v1::ELEMENT_TYPE_FLOAT16);
  open.set_output_element_type(v1::ELEMENT_TYPE_FLOAT32);
  open.mutable_spec()->mutable_layer_norm()->mutable_epsilon()->set_value(0);
  TestStream stream(channel_);
  stream.Open(open);
  EXPECT_EQ(stream.Receive().opened().output_element_type(), v1::ELEMENT_TYPE_FLOAT32);
  stream.Send(1, std::string("\x00\x3C\x00\x42", 4));  // 1 and 3
  EXPECT_THAT(Floats(stream.Receive().result().data()), ElementsAre(-1, 1));
  stream.Send(2, std::string(6, '\0'));
  EXPECT_TRUE(stream.Receive().has_error());  // no whole number of rows of 4 bytes
}

}  // namespace
}  // namespace normd
