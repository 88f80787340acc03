// Who leaves while the last message is computed frees the worker that computes it: over a channel,
// for a stream whose last message takes for as long as somebody waits for it.
#include <gtest/gtest.h>

#include <chrono>
#include <future>
#include <memory>
#include <string>
#include <thread>
#include <utility>

#include "absl/functional/function_ref.h"
#include "absl/status/status.h"
#include "grpcpp/grpcpp.h"
#include "normd/v1/comparison.grpc.pb.h"
#include "server/observability/metrics.h"
#include "server/rpc/stream_loop.h"

namespace normd::server {
namespace {

constexpr auto kPatience = std::chrono::minutes(1);

class EndlessSession {
 public:
  using Request = v1::CompareRequest;
  using Reply = v1::CompareResponse;

  struct Events {
    std::promise<void> closing;
    std::promise<void> left;
  };

  explicit EndlessSession(Events& events) : events_(events) {}

  static absl::Status Open(const Request& /*request*/, Reply* reply) {
    reply->mutable_opened();
    return absl::OkStatus();
  }
  static absl::Status Answer(const Request& /*request*/, Patience /*patience*/,
                             Executor& /*executor*/, Reply* /*reply*/) {
    return absl::OkStatus();
  }
  bool Close(absl::FunctionRef<bool()> is_abandoned, Reply* /*reply*/) {
    events_.closing.set_value();
    while (!is_abandoned()) std::this_thread::yield();
    events_.left.set_value();
    return false;
  }
  static bool closes_slowly() { return true; }
  static int64_t inline_bytes() { return 1 << 20; }
  static const void* turn(bool /*busy*/) { return nullptr; }
  static uint64_t last_sequence_number() { return 0; }
  static absl::string_view session_name() { return ""; }
  static void ReleaseBuffers() {}

 private:
  Events& events_;
};

class AbandonedStreamTest : public ::testing::Test {
 protected:
  using Service = v1::ComparisonService::WithRawMethod_Compare<v1::ComparisonService::Service>;

  void SetUp() override {
    grpc::ServerBuilder builder;
    int port = 0;
    builder.AddListeningPort("127.0.0.1:0", grpc::InsecureServerCredentials(), &port);
    builder.RegisterService(&service_);
    loop_ = std::make_unique<EventLoop>(builder.AddCompletionQueue());
    server_ = builder.BuildAndStart();
    ASSERT_NE(server_, nullptr);
    ServeStreams(*loop_, service_, &Service::RequestCompare, 1,
                 [this](std::unique_ptr<StreamCall> call) {
                   return RunStream(std::move(call), std::make_unique<EndlessSession>(events_),
                                    admission_, rpc_);
                 });
    loop_->Start();
    stub_ = v1::ComparisonService::NewStub(grpc::CreateChannel("127.0.0.1:" + std::to_string(port),
                                                               grpc::InsecureChannelCredentials()));
  }

  void TearDown() override {
    if (server_ != nullptr) server_->Shutdown();
    loop_->Shutdown();
  }

  // Opens it and half-closes; returns when a worker has the last message to compute.
  void BeginToClose() {
    stream_ = stub_->Compare(&context_);
    v1::CompareRequest open;
    open.mutable_open();
    EXPECT_TRUE(stream_->Write(open));
    v1::CompareResponse opened;
    EXPECT_TRUE(stream_->Read(&opened));
    EXPECT_TRUE(stream_->WritesDone());
    EXPECT_EQ(events_.closing.get_future().wait_for(kPatience), std::future_status::ready);
  }

  void ExpectToBeLeft() {
    EXPECT_EQ(events_.left.get_future().wait_for(kPatience), std::future_status::ready);
  }

  EndlessSession::Events events_;
  Metrics metrics_;
  const RpcMetrics rpc_{metrics_, RpcType::kBidiStream, v1::ComparisonService::service_full_name(),
                        "Compare"};
  Admission admission_{{10, 10},
                       ByteBudget(1 << 20),
                       ByteBudget(1 << 20),
                       OverloadDetector(std::chrono::hours(1)),
                       WorkerPool(1),
                       1 << 20,
                       1};
  Service service_;
  std::unique_ptr<EventLoop> loop_;
  std::unique_ptr<grpc::Server> server_;
  grpc::ClientContext context_;
  std::unique_ptr<v1::ComparisonService::Stub> stub_;
  std::unique_ptr<grpc::ClientReaderWriter<v1::CompareRequest, v1::CompareResponse>> stream_;
};

TEST_F(AbandonedStreamTest, AClientThatCancels) {
  BeginToClose();
  context_.TryCancel();
  ExpectToBeLeft();
  EXPECT_EQ(stream_->Finish().error_code(), grpc::StatusCode::CANCELLED);
}

TEST_F(AbandonedStreamTest, ADeadlineThatPasses) {
  context_.set_deadline(std::chrono::system_clock::now() + std::chrono::seconds(2));
  BeginToClose();
  ExpectToBeLeft();
  EXPECT_EQ(stream_->Finish().error_code(), grpc::StatusCode::DEADLINE_EXCEEDED);
}

TEST_F(AbandonedStreamTest, AServerThatEnds) {
  BeginToClose();
  server_->Shutdown(std::chrono::system_clock::now());  // cancels its calls
  ExpectToBeLeft();
  EXPECT_FALSE(stream_->Finish().ok());
}

}  // namespace
}  // namespace normd::server
