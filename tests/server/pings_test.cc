// Honest clients ping as they like; a flood of pings ends its connection, and no other.
#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include <string>
#include <thread>

#include "tests/server/normalize_stream_fixture.h"
#include "tests/testing/raw_http2.h"

namespace normd {
namespace {

using ::testing::HasSubstr;
using testing::LayerNorm;
using testing::RawHttp2;
using testing::TestStream;

class PingsTest : public testing::NormalizeStreamTest {};

// Three intervals, as the third strike is the one that ends a connection. Six seconds are less than
// the ten that gRPC's clients wait at least, whatever the network adds to one and takes from the
// next; each begins when the server has answered, so that a slow machine makes them only longer.
TEST_F(PingsTest, AreWelcomeAtAnyIntervalThatClientsAllow) {
  const RawHttp2 client(server_->port());
  for (int i = 0; i < 4; ++i) {
    if (i > 0) std::this_thread::sleep_for(std::chrono::seconds(6));
    EXPECT_TRUE(client.RoundTrip());
  }
  client.SendHeaders(1, "/normd.v1.NormalizationService/NormalizeStream");
  client.SendFrame(RawHttp2::kData, RawHttp2::kEndStream, 1, "");
  const auto answer = client.ReceiveOf(1);
  ASSERT_TRUE(answer.has_value());
  EXPECT_TRUE(RawHttp2::HasStatus(*answer, grpc::StatusCode::OK));
}

TEST_F(PingsTest, AtOnceEndTheirConnectionAndNoOther) {
  TestStream other(channel_);
  other.Open(LayerNorm(2));
  ASSERT_TRUE(other.Receive().has_opened());
  const RawHttp2 flood(server_->port());
  for (int i = 0; i < 4; ++i) flood.SendFrame(RawHttp2::kPing, 0, 0, std::string(8, '\0'));
  std::string reason;
  while (const auto frame = flood.Receive()) {
    if (frame->type == RawHttp2::kGoAway) reason = frame->payload;
  }
  EXPECT_THAT(reason, HasSubstr("too_many_pings"));
  ASSERT_TRUE(other.Send(1, testing::Bytes({1, 3})));
  EXPECT_TRUE(other.Receive().has_result());
}

}  // namespace
}  // namespace normd
