// What clients that do not read may hold of the server.
#include <gtest/gtest.h>

#include <chrono>
#include <future>
#include <memory>
#include <string>
#include <thread>
#include <vector>

#include "absl/strings/str_cat.h"
#include "grpc/health/v1/health.grpc.pb.h"
#include "normd/v1/session.grpc.pb.h"
#include "tests/testing/local_server.h"
#include "tests/testing/raw_http2.h"
#include "tests/testing/scrape.h"
#include "tests/testing/test_stream.h"

namespace normd {
namespace {

using testing::TestStream;

constexpr int kLargeRow = 1 << 19;  // 2 MiB a row

std::string Chunk() { return testing::Bytes(std::vector<float>(kLargeRow, 1)); }

// Where it is refused, it ends at once.
std::unique_ptr<TestStream> OpenStream(const std::shared_ptr<grpc::Channel>& channel) {
  auto stream = std::make_unique<TestStream>(channel);
  stream->Open(testing::LayerNorm(kLargeRow));
  return stream;
}

// A client that sends all it can and reads nothing but `opened`. HTTP/2's windows take some
// answers; then the server holds a chunk and its answer, 4 MiB together.
class UnreadStream {
 public:
  explicit UnreadStream(const std::shared_ptr<grpc::Channel>& channel)
      : stream_(OpenStream(channel)) {
    EXPECT_TRUE(stream_->Receive().has_opened());
  }
  ~UnreadStream() { End(); }

  // Begins to send: once all streams are open, as what opens one waits for room too.
  void Start() {
    writer_ = std::thread([this] {
      for (int i = 1; stream_->Send(i, Chunk()); ++i) {
      }
    });
  }

  // Reads to the end after all.
  grpc::Status End() {
    if (!writer_.joinable()) return grpc::Status::OK;
    while (stream_->Receive().message_case() != v1::NormalizeStreamResponse::MESSAGE_NOT_SET) {
    }
    writer_.join();
    return stream_->Finish();
  }

  void Cancel() { stream_->Cancel(); }

 private:
  std::unique_ptr<TestStream> stream_;
  std::thread writer_;
};

server::ServerOptions TwoMessagesInFlight() {
  server::ServerOptions options;
  options.max_bytes_in_flight = 2 * options.message.max_message_bytes;
  options.admin_listen = "127.0.0.1:0";
  return options;
}

TEST(BytesInFlightTest, ReadsPauseUntilAnswersAreTaken) {
  const auto server = testing::StartServer(TwoMessagesInFlight());
  ASSERT_NE(server, nullptr);
  const auto channel = testing::Connect(*server);
  UnreadStream unread[] = {UnreadStream(channel), UnreadStream(channel), UnreadStream(channel)};
  const auto reading = OpenStream(channel);
  EXPECT_TRUE(reading->Receive().has_opened());
  for (UnreadStream& stream : unread) stream.Start();
  std::future<bool> answered;
  for (int i = 1;; ++i) {
    ASSERT_LT(i, 300) << "reads never pause; bytes in flight: "
                      << testing::Scrape(server->admin_port())["normd_bytes_in_flight"];
    ASSERT_TRUE(reading->Send(i, Chunk()));
    answered = std::async(std::launch::async, [&] { return reading->Receive().has_result(); });
    if (answered.wait_for(std::chrono::seconds(2)) == std::future_status::timeout) break;
    ASSERT_TRUE(answered.get());
  }
  for (UnreadStream& stream : unread) stream.Cancel();
  EXPECT_TRUE(answered.get());
}

// Until the budget stays full: while HTTP/2's windows still take answers, it may be so for a
// moment.
void WaitUntilFull(const server::Server& server, int64_t most = 8 << 20) {
  double used = 0;
  for (int times = 0, i = 0; times < 20; ++i) {
    ASSERT_LT(i, 1000) << "bytes in flight: " << used;
    std::this_thread::sleep_for(std::chrono::milliseconds(10));
    used = testing::Scrape(server.admin_port())["normd_bytes_in_flight"];
    times = used < most ? 0 : times + 1;
  }
}

// Or else an orchestrator would end all servers that have much to do.
TEST(BytesInFlightTest, HealthIsToldAllTheSame) {
  const auto server = testing::StartServer(TwoMessagesInFlight());
  ASSERT_NE(server, nullptr);
  const auto channel = testing::Connect(*server);
  UnreadStream unread[] = {UnreadStream(channel), UnreadStream(channel)};
  for (UnreadStream& stream : unread) stream.Start();
  WaitUntilFull(*server);
  const auto health = grpc::health::v1::Health::NewStub(channel);
  for (int i = 0; i < 20; ++i) {
    grpc::ClientContext context;
    context.set_deadline(std::chrono::system_clock::now() + std::chrono::seconds(10));
    grpc::health::v1::HealthCheckResponse response;
    EXPECT_TRUE(health->Check(&context, {}, &response).ok());
  }
  for (UnreadStream& stream : unread) stream.Cancel();
}

TEST(BytesInFlightTest, ADrainEndsPausedStreamsToo) {
  auto options = TwoMessagesInFlight();
  options.drain_timeout = absl::Milliseconds(100);
  const auto server = testing::StartServer(options);
  ASSERT_NE(server, nullptr);
  const auto channel = testing::Connect(*server);
  UnreadStream streams[] = {UnreadStream(channel), UnreadStream(channel), UnreadStream(channel)};
  for (UnreadStream& stream : streams) stream.Start();
  server->Drain();  // returns
  for (UnreadStream& stream : streams) EXPECT_FALSE(stream.End().ok());
}

TEST(BytesInFlightTest, AnAnswerThatStaysUnreadEndsItsStream) {
  server::ServerOptions options;
  options.unread_timeout = absl::Seconds(1);
  options.max_streams = 2;
  const auto server = testing::StartServer(options);
  ASSERT_NE(server, nullptr);
  const auto channel = testing::Connect(*server);
  const auto idle = OpenStream(channel);
  EXPECT_TRUE(idle->Receive().has_opened());
  UnreadStream unread(channel);
  unread.Start();
  // It has ended when there is place for another.
  for (auto other = OpenStream(channel); !other->Receive().has_opened();
       other = OpenStream(channel)) {
    EXPECT_EQ(testing::ErrorInfoOf(other->Finish()).reason(), "TOO_MANY_STREAMS");
  }
  EXPECT_EQ(unread.End().error_code(), grpc::StatusCode::CANCELLED);
  // A stream whose client says nothing is not meant.
  ASSERT_TRUE(idle->Send(1, Chunk()));
  EXPECT_TRUE(idle->Receive().has_result());
}

// One that writes without end and never grants window for answers, so that it is known to the byte
// what comes of it. On a session.
class StoppedReaderTest : public ::testing::Test {
 protected:
  static constexpr int kChannels = 1024;
  static constexpr int64_t kWindow = 65'535;  // HTTP/2's first

  void Start(absl::Duration unread_timeout) {
    server::ServerOptions options;
    options.admin_listen = "127.0.0.1:0";
    options.unread_timeout = unread_timeout;
    options.drain_timeout = absl::Milliseconds(100);
    server_ = testing::StartServer(options);
    ASSERT_NE(server_, nullptr);
    channel_ = testing::Connect(*server_);
    sessions_ = v1::SessionService::NewStub(channel_);
    grpc::ClientContext context;
    v1::CreateSessionResponse response;
    ASSERT_TRUE(
        sessions_->CreateSession(&context, testing::PooledSession("s", kChannels), &response).ok());
    Measure(0);
    version_ = GetSession().statistics().version();
    before_ = Count();
    reader_ = std::thread([this, port = server_->port()] { WriteWithoutEnd(port); });
  }

  void TearDown() override {
    server_.reset();
    if (reader_.joinable()) reader_.join();
  }

  // The chunks that are taken: those whose answers fit into the window, and one more.
  int Taken() const {
    return static_cast<int>((kWindow - opened_bytes_ - 5) / (result_bytes_ + 5)) + 1;
  }

  struct Counts {
    double received = 0;
    double sent = 0;
    double bytes = 0;
    double streams = 0;
  };
  Counts Count() const {
    testing::Samples samples = testing::Scrape(server_->admin_port());
    const std::string labels =
        "{grpc_method=\"NormalizeStream\",grpc_service=\"normd.v1.NormalizationService\","
        "grpc_type=\"bidi_stream\"}";
    return {samples[absl::StrCat("grpc_server_msg_received_total", labels)],
            samples[absl::StrCat("grpc_server_msg_sent_total", labels)],
            samples["normd_bytes_in_flight"], samples["normd_streams"]};
  }

  // Counts until they are as they should be, or for so long that they will not.
  template <typename Condition>
  Counts CountUntil(Condition condition) const {
    Counts counts = Count();
    for (int i = 0; i < 1000 && !condition(counts); ++i) {
      std::this_thread::sleep_for(std::chrono::milliseconds(10));
      counts = Count();
    }
    return counts;
  }

  v1::Session GetSession() const {
    grpc::ClientContext context;
    v1::GetSessionRequest request;
    request.set_name("sessions/s");
    v1::GetSessionResponse response;
    EXPECT_TRUE(sessions_->GetSession(&context, request, &response).ok());
    return response.session();
  }

  static v1::NormalizeStreamRequest Opening() {
    v1::NormalizeStreamRequest request;
    request.mutable_open()->set_session("sessions/s");
    request.mutable_open()->add_row_shape(kChannels);
    request.mutable_open()->set_mode(v1::BATCH_NORM_MODE_STREAMING);
    return request;
  }

  static v1::NormalizeStreamRequest ChunkOf(int number) {
    v1::NormalizeStreamRequest request;
    request.mutable_chunk()->set_sequence_number(number);
    request.mutable_chunk()->set_data(testing::Bytes(std::vector<float>(kChannels, 1)));
    return request;
  }

  // A client that reads is served. What it leaves are `streams` others.
  void Measure(int streams) {
    TestStream stream(channel_);
    ASSERT_TRUE(stream.Open(Opening().open()));
    const v1::NormalizeStreamResponse opened = stream.Receive();
    ASSERT_TRUE(opened.has_opened());
    ASSERT_TRUE(stream.Send(1, ChunkOf(1).chunk()));
    const v1::NormalizeStreamResponse result = stream.Receive();
    ASSERT_TRUE(result.has_result());
    opened_bytes_ = static_cast<int64_t>(opened.ByteSizeLong());
    result_bytes_ = static_cast<int64_t>(result.ByteSizeLong());
    stream.HalfClose();
    EXPECT_TRUE(stream.Receive().has_closed());
    EXPECT_TRUE(stream.Finish().ok());
    CountUntil([&](const Counts& now) { return now.streams == streams; });
  }

  std::unique_ptr<server::Server> server_;
  std::unique_ptr<v1::SessionService::Stub> sessions_;
  int64_t result_bytes_ = 0;
  uint64_t version_ = 0;  // before it wrote
  Counts before_;
  std::thread reader_;
  int written_ = 0;  // chunks that it could write; when it has ended

 private:
  void WriteWithoutEnd(int port) {
    const testing::RawHttp2 connection(port);
    connection.SendHeaders(1, "/normd.v1.NormalizationService/NormalizeStream");
    connection.SendMessage(1, Opening().SerializeAsString());
    EXPECT_TRUE(connection.ReceiveOf(1).has_value());  // headers
    while (connection.SendLargeMessage(1, ChunkOf(written_ + 1).SerializeAsString())) ++written_;
  }

  std::shared_ptr<grpc::Channel> channel_;
  int64_t opened_bytes_ = 0;
};

TEST_F(StoppedReaderTest, IsHeldToAChunkAndItsAnswer) {
  Start(absl::Hours(1));
  ASSERT_FALSE(HasFatalFailure());
  const auto chunk_bytes = static_cast<int64_t>(ChunkOf(Taken()).ByteSizeLong());
  CountUntil([&](const Counts& now) {
    return now.received >= before_.received + 1 + Taken() &&
           now.bytes == chunk_bytes + result_bytes_;
  });
  for (int i = 0; i < 20; ++i) {
    const Counts now = Count();
    EXPECT_EQ(now.received - before_.received, i * 2 + 1 + Taken());
    EXPECT_EQ(now.sent - before_.sent, i * 3 + Taken());  // `opened`, and all results but one
    EXPECT_EQ(now.bytes, chunk_bytes + result_bytes_);
    EXPECT_EQ(now.streams, 1);
    Measure(1);
  }
  server_.reset();
  reader_.join();
  // What gRPC takes beside: a window or two.
  EXPECT_LE((written_ - Taken()) * (chunk_bytes + 5), 3 * kWindow);
}

TEST_F(StoppedReaderTest, IsEndedAndItsSessionKeptWithWhatWasTaken) {
  const auto start = std::chrono::steady_clock::now();
  Start(absl::Seconds(1));
  ASSERT_FALSE(HasFatalFailure());
  reader_.join();  // the server ends it
  EXPECT_GE(std::chrono::steady_clock::now() - start, std::chrono::seconds(1));  // not sooner
  EXPECT_GE(written_, Taken());
  const Counts after = CountUntil([](const Counts& now) { return now.streams == 0; });
  EXPECT_EQ(after.streams, 0);
  EXPECT_EQ(after.bytes, 0);
  EXPECT_EQ(after.received - before_.received, 1 + Taken());
  EXPECT_EQ(after.sent - before_.sent, Taken());
  EXPECT_EQ(GetSession().statistics().version() - version_, Taken());
  EXPECT_TRUE(GetSession().has_expire_time());
  Measure(0);
  EXPECT_EQ(GetSession().statistics().version() - version_, Taken() + 1);
}

// A client that grants no window takes no answer of a unary call either.
TEST(BytesInFlightTest, UnaryAnswersThatStayUnreadHoldNobodyUpForever) {
  server::ServerOptions options;
  options.message.max_message_bytes = 1024;
  options.max_bytes_in_flight = 2048;
  options.admin_listen = "127.0.0.1:0";
  options.unread_timeout = absl::Seconds(1);
  const auto server = testing::StartServer(options);
  ASSERT_NE(server, nullptr);
  v1::NormalizeRequest request;
  request.mutable_spec()->mutable_layer_norm();
  request.mutable_input()->set_element_type(v1::ELEMENT_TYPE_FLOAT32);
  request.mutable_input()->add_shape(1);
  request.mutable_input()->add_shape(200);
  request.mutable_input()->set_data(testing::Bytes(std::vector<float>(200, 1)));
  const testing::RawHttp2 mute(server->port());
  // SETTINGS_INITIAL_WINDOW_SIZE = 0
  mute.SendFrame(testing::RawHttp2::kSettings, 0, 0, std::string("\0\4\0\0\0\0", 6));
  for (int i = 0; i < 6; ++i) {  // 1600 bytes each; all within the connection's first window
    mute.SendHeaders(2 * i + 1, "/normd.v1.NormalizationService/Normalize");
    mute.SendMessage(2 * i + 1, request.SerializeAsString());
    mute.SendFrame(testing::RawHttp2::kData, 1, 2 * i + 1, "");  // END_STREAM
  }
  WaitUntilFull(*server, options.max_bytes_in_flight);
  const auto stub = v1::NormalizationService::NewStub(testing::Connect(*server));
  for (int i = 0; i < 20; ++i) {
    grpc::ClientContext context;
    context.set_deadline(std::chrono::system_clock::now() + std::chrono::seconds(30));
    v1::NormalizeResponse response;
    EXPECT_TRUE(stub->Normalize(&context, request, &response).ok());
  }
}

}  // namespace
}  // namespace normd
