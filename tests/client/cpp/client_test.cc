#include "client/cpp/client.h"

#include <gmock/gmock.h>
#include <gtest/gtest.h>
#include <netinet/in.h>
#include <sys/socket.h>
#include <unistd.h>

#include <cmath>
#include <future>
#include <limits>
#include <thread>

#include "absl/time/clock.h"
#include "client/cpp/status.h"
#include "tests/testing/local_server.h"
#include "tests/testing/run_command.h"
#include "tests/testing/server_process.h"

namespace normd::client {
namespace {

using ::testing::ElementsAre;
using ::testing::FloatNear;
using ::testing::HasSubstr;
using testing::PooledSession;
using ::testing::StartsWith;

class ClientTest : public ::testing::Test {
 protected:
  void SetUp() override {
    server_ = testing::StartServer();
    ASSERT_NE(server_, nullptr);
    options_.target = testing::AddressOf(*server_);
  }

  Client Connect() const { return Client(options_); }

  static v1::Open LayerNorm(int features) {
    v1::Open open;
    open.mutable_spec()->mutable_layer_norm()->mutable_epsilon()->set_value(0);
    open.add_row_shape(features);
    return open;
  }

  std::unique_ptr<server::Server> server_;
  ClientOptions options_;
};

TEST_F(ClientTest, SessionsAreCreatedReadChangedAndDeleted) {
  const Client client = Connect();
  const auto created = client.CreateSession(PooledSession("s", 3));
  ASSERT_TRUE(created.ok()) << created.status();
  EXPECT_EQ(created->session().name(), "sessions/s");

  v1::UpdateSessionRequest freeze;
  freeze.mutable_session()->set_name("sessions/s");
  freeze.mutable_session()->set_frozen(true);
  freeze.mutable_update_mask()->add_paths("frozen");
  ASSERT_TRUE(client.UpdateSession(freeze).ok());
  v1::GetSessionRequest get;
  get.set_name("sessions/s");
  EXPECT_TRUE(client.GetSession(get)->session().frozen());
  EXPECT_EQ(client.ListSessions({})->sessions_size(), 1);
  v1::ResetSessionRequest reset;
  reset.set_name("sessions/s");
  EXPECT_EQ(ReasonOf(client.ResetSession(reset).status()), "FROZEN");
  freeze.mutable_session()->set_frozen(false);
  ASSERT_TRUE(client.UpdateSession(freeze).ok());
  EXPECT_TRUE(client.ResetSession(reset).ok());
  v1::DeleteSessionRequest remove;
  remove.set_name("sessions/s");
  EXPECT_TRUE(client.DeleteSession(remove).ok());
  EXPECT_TRUE(absl::IsNotFound(client.GetSession(get).status()));
  EXPECT_GE(client.ListMethods()->methods_size(), 3);
}

TEST_F(ClientTest, ErrorsNameTheFieldAndTheReason) {
  const Client client = Connect();
  auto request = PooledSession("s", 0);
  const absl::Status status = client.CreateSession(request).status();
  EXPECT_TRUE(absl::IsInvalidArgument(status));
  EXPECT_THAT(std::string(status.message()), StartsWith("session.channel_count "));

  v1::Open open;
  open.mutable_spec()->mutable_batch_norm();
  open.add_row_shape(2);
  const auto stream = client.OpenStream(open);
  ASSERT_TRUE(stream.ok()) << stream.status();
  const auto refused = (*stream)->Normalize({1, 2});
  EXPECT_TRUE(absl::IsInvalidArgument(refused.status()));
  EXPECT_EQ(ReasonOf(refused.status()), "NEEDS_MORE_ROWS");
  const auto taken = (*stream)->Normalize({1, 2, 3, 5});  // the stream went on
  ASSERT_TRUE(taken.ok()) << taken.status();
  EXPECT_EQ(ReasonOf(absl::OkStatus()), "");
}

TEST_F(ClientTest, AStreamThatCannotBeOpenedSaysWhy) {
  v1::Open open = LayerNorm(4);
  open.mutable_spec()->mutable_layer_norm()->set_normalized_rank(2);
  EXPECT_TRUE(absl::IsInvalidArgument(Connect().OpenStream(open).status()));
  open.set_session("sessions/nobody");
  EXPECT_TRUE(absl::IsNotFound(Connect().OpenStream(open).status()));
}

TEST_F(ClientTest, NormalizeAnswersChunkByChunk) {
  const auto stream = Connect().OpenStream(LayerNorm(2));
  ASSERT_TRUE(stream.ok()) << stream.status();
  EXPECT_EQ((*stream)->opened().resolved_spec().layer_norm().normalized_rank(), 1);
  EXPECT_THAT(*(*stream)->Normalize({1, 3}), ElementsAre(-1, 1));
  EXPECT_THAT(*(*stream)->Normalize({4, 2, 1, 3}), ElementsAre(1, -1, -1, 1));
  const auto closed = (*stream)->Finish();
  ASSERT_TRUE(closed.ok()) << closed.status();
  EXPECT_EQ(closed->last_sequence_number(), 2);
  EXPECT_TRUE(absl::IsFailedPrecondition((*stream)->Write({1, 2})));
}

TEST_F(ClientTest, NormalizeReturnsNoOtherChunksRows) {
  const auto stream = Connect().OpenStream(LayerNorm(2));
  ASSERT_TRUE(stream.ok()) << stream.status();
  ASSERT_TRUE((*stream)->Write({3, 1}).ok());
  const absl::Status status = (*stream)->Normalize({1, 3}).status();
  EXPECT_TRUE(absl::IsFailedPrecondition(status)) << status;
  EXPECT_THAT(std::string(status.message()), HasSubstr("Read it"));
  EXPECT_THAT((*stream)->Read()->Float32(), ElementsAre(1, -1));
  EXPECT_THAT(*(*stream)->Normalize({1, 3}), ElementsAre(-1, 1));

  // One that gave up waiting: its answer still comes.
  absl::Status late;
  while (late.ok()) late = (*stream)->Normalize({1, 3}, absl::ZeroDuration()).status();
  EXPECT_TRUE(absl::IsDeadlineExceeded(late)) << late;
  EXPECT_TRUE(absl::IsFailedPrecondition((*stream)->Normalize({3, 1}).status()));
  EXPECT_THAT((*stream)->Read()->Float32(), ElementsAre(-1, 1));
  EXPECT_THAT(*(*stream)->Normalize({3, 1}), ElementsAre(1, -1));
}

// With room for one unread answer, the reader's thread has to wait for Read again and again.
TEST_F(ClientTest, NothingIsLostOrReorderedUnderBackpressure) {
  options_.max_unread_bytes = 1;
  const auto stream = Connect().OpenStream(LayerNorm(2));
  ASSERT_TRUE(stream.ok());
  constexpr int kChunks = 20'000;
  std::thread writer([&] {
    for (int i = 0; i < kChunks; ++i) {
      const float sign = i % 3 == 0 ? 1 : -1;
      ASSERT_TRUE((*stream)->Write({sign, -sign}).ok());
    }
    (*stream)->CloseWrites();
  });
  for (int i = 0; i < kChunks; ++i) {
    const auto answer = (*stream)->Read();
    ASSERT_TRUE(answer.ok()) << answer.status();
    ASSERT_EQ(answer->sequence_number, i + 1);
    ASSERT_EQ(answer->Float32()[0], i % 3 == 0 ? 1 : -1);
  }
  EXPECT_TRUE(absl::IsOutOfRange((*stream)->Read().status()));
  writer.join();
  EXPECT_EQ((*stream)->Finish()->last_sequence_number(), kChunks);
}

TEST_F(ClientTest, FinishDropsWhatIsUnread) {
  options_.max_unread_bytes = 1;
  const auto stream = Connect().OpenStream(LayerNorm(2));
  ASSERT_TRUE(stream.ok());
  for (int i = 0; i < 100; ++i) ASSERT_TRUE((*stream)->Write({1, 2}).ok());
  EXPECT_EQ((*stream)->Finish()->last_sequence_number(), 100);
}

TEST_F(ClientTest, FinishAndCancelDropAnswersThatHaveCome) {
  for (const bool cancel : {false, true}) {
    const auto stream = Connect().OpenStream(LayerNorm(2));
    ASSERT_TRUE(stream.ok());
    ASSERT_TRUE((*stream)->Write({1, 2}).ok());
    (*stream)->CloseWrites();
    // The last message comes after the answers.
    while ((*stream)->closed().last_sequence_number() == 0) absl::SleepFor(absl::Milliseconds(1));
    if (cancel) {
      (*stream)->Cancel();
    } else {
      EXPECT_TRUE((*stream)->Finish().ok());
    }
    EXPECT_FALSE((*stream)->Read().ok());
  }
}

TEST_F(ClientTest, TimeoutsMayBeLongerThanAClockCounts) {
  options_.timeout = absl::Seconds(1e10);
  const auto stream = Connect().OpenStream(LayerNorm(2));
  ASSERT_TRUE(stream.ok()) << stream.status();
  EXPECT_THAT(*(*stream)->Normalize({1, 3}, absl::Seconds(1e10)), ElementsAre(-1, 1));
  EXPECT_TRUE(Connect().ListMethods().ok());
}

TEST_F(ClientTest, ReadWaitsNoLongerThanItIsTold) {
  const auto stream = Connect().OpenStream(LayerNorm(2));
  ASSERT_TRUE(stream.ok());
  EXPECT_TRUE(absl::IsDeadlineExceeded((*stream)->Read(absl::Milliseconds(1)).status()));
  EXPECT_THAT(*(*stream)->Normalize({1, 3}), ElementsAre(-1, 1));
}

TEST_F(ClientTest, ACancelledStreamEndsItsReader) {
  const auto stream = Connect().OpenStream(LayerNorm(2));
  ASSERT_TRUE(stream.ok());
  std::thread canceller([&] { (*stream)->Cancel(); });
  EXPECT_TRUE(absl::IsCancelled((*stream)->Read().status()));
  canceller.join();
  EXPECT_TRUE(absl::IsCancelled((*stream)->Normalize({1, 3}).status()));
  EXPECT_TRUE(absl::IsCancelled((*stream)->Finish().status()));
}

// The server waits for Read, and Write for the server.
TEST_F(ClientTest, CancelEndsAWriteThatWaits) {
  options_.max_unread_bytes = 1;
  const auto stream = Connect().OpenStream(LayerNorm(1 << 16));
  ASSERT_TRUE(stream.ok());
  std::promise<void> halfway;
  std::thread canceller([&] {
    halfway.get_future().wait();
    (*stream)->Cancel();
  });
  const std::vector<float> chunk(1 << 16, 1);
  absl::Status status;
  for (int i = 0; status.ok(); ++i) {
    status = (*stream)->Write(chunk);
    if (i == 10) halfway.set_value();
  }
  EXPECT_TRUE(absl::IsCancelled(status)) << status;
  canceller.join();
}

TEST_F(ClientTest, AWriteAfterTheServersEndReturnsThoughNothingIsRead) {
  options_.max_unread_bytes = 1;
  const auto stream = Connect().OpenStream(LayerNorm(2));
  ASSERT_TRUE(stream.ok());
  for (int i = 0; i < 10; ++i) ASSERT_TRUE((*stream)->Write({1, 3}).ok());
  server_->Drain();
  absl::Status status;
  while (status.ok()) status = (*stream)->Write({1, 3});
  EXPECT_TRUE(absl::IsUnavailable(status)) << status;
  uint64_t read = 0;
  for (auto answer = (*stream)->Read(); answer.ok(); answer = (*stream)->Read()) ++read;
  EXPECT_EQ(read, (*stream)->closed().last_sequence_number());
}

TEST_F(ClientTest, ADrainingServerIsTold) {
  const auto stream = Connect().OpenStream(LayerNorm(2));
  ASSERT_TRUE(stream.ok());
  ASSERT_TRUE((*stream)->Normalize({1, 3}).ok());
  server_->Drain();
  const absl::Status status = (*stream)->Read().status();
  EXPECT_TRUE(absl::IsUnavailable(status)) << status;
  EXPECT_EQ(ReasonOf(status), "DRAINING");
  EXPECT_EQ((*stream)->closed().last_sequence_number(), 1);
}

TEST_F(ClientTest, HealthTellsUnknownServicesApart) {
  EXPECT_TRUE(*Connect().IsServing());
  EXPECT_TRUE(*Connect().IsServing("normd.v1.SessionService"));
  EXPECT_TRUE(absl::IsNotFound(Connect().IsServing("nothing").status()));
}

TEST(ClientWithoutServerTest, AServerThatNeverAnswersRunsIntoTheDeadline) {
  // Accepts connections into its backlog and says nothing.
  const int listener = socket(AF_INET, SOCK_STREAM, 0);
  sockaddr_in address = {};
  address.sin_family = AF_INET;
  address.sin_addr.s_addr = htonl(INADDR_LOOPBACK);
  socklen_t size = sizeof(address);
  ASSERT_EQ(bind(listener, reinterpret_cast<sockaddr*>(&address), size), 0);
  ASSERT_EQ(listen(listener, 8), 0);
  getsockname(listener, reinterpret_cast<sockaddr*>(&address), &size);
  ClientOptions options;
  options.target = "127.0.0.1:" + std::to_string(ntohs(address.sin_port));
  options.timeout = absl::Milliseconds(200);
  const Client client(options);
  EXPECT_TRUE(absl::IsDeadlineExceeded(client.ListMethods().status()));
  v1::Open open;
  open.mutable_spec()->mutable_layer_norm();
  open.add_row_shape(2);
  EXPECT_TRUE(absl::IsDeadlineExceeded(client.OpenStream(open).status()));
  close(listener);
}

TEST(ReadmeExampleTest, PrintsWhatReadmeShows) {
  const testing::ServerProcess server(NORMD_SERVER_BINARY, {});
  ASSERT_NE(server.port(), 0);
  const auto result = testing::RunCommand({README_EXAMPLE, server.address()});
  EXPECT_EQ(result.exit_code, 0) << result.error;
  EXPECT_EQ(result.out, "-1.34164 -0.447212 0.447212 1.34164 \n");
}

}  // namespace
}  // namespace normd::client
