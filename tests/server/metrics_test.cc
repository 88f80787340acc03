#include <gtest/gtest.h>

#include <chrono>
#include <cmath>
#include <limits>
#include <memory>
#include <string>
#include <thread>

#include "absl/strings/str_cat.h"
#include "absl/time/clock.h"
#include "grpc/health/v1/health.grpc.pb.h"
#include "grpcpp/generic/generic_stub.h"
#include "normd/v1/comparison.grpc.pb.h"
#include "tests/server/normalize_stream_fixture.h"
#include "tests/testing/raw_http2.h"
#include "tests/testing/scrape.h"

namespace normd {
namespace {

using testing::Bytes;
using testing::LayerNorm;
using testing::Samples;
using testing::Scrape;
using testing::TestStream;

constexpr char kNormalization[] = "normd.v1.NormalizationService";
constexpr char kSession[] = "normd.v1.SessionService";
constexpr char kHealth[] = "grpc.health.v1.Health";

std::string Labels(const std::string& service, const std::string& method, const std::string& type) {
  return absl::StrCat("grpc_method=\"", method, "\",grpc_service=\"", service, "\",grpc_type=\"",
                      type, "\"}");
}

class MetricsTest : public testing::NormalizeStreamTest {
 protected:
  void SetUp() override {
    Restart(Options());
    ASSERT_NE(server_->admin_port(), 0);
  }

  static server::ServerOptions Options() {
    server::ServerOptions options;
    options.admin_listen = "127.0.0.1:0";
    // With it, threads of gRPC's own answer unknown methods: ThreadSanitizer knows too little of
    // them.
    options.reflection = false;
    options.max_streams = 3;
    return options;
  }

  // A call's end is counted after its client knows of it: scrapes until `sample` has the value, or
  // for so long that it will not.
  Samples ScrapeUntil(const std::string& sample, double value) {
    Samples samples = Scrape(server_->admin_port());
    for (int i = 0; i < 1000 && samples[sample] != value; ++i) {
      std::this_thread::sleep_for(std::chrono::milliseconds(10));
      samples = Scrape(server_->admin_port());
    }
    EXPECT_EQ(samples[sample], value) << sample;
    return samples;
  }

  Samples ScrapeUntilHandled(const std::string& labels, const std::string& code, double count) {
    return ScrapeUntil("grpc_server_handled_total{grpc_code=\"" + code + "\"," + labels, count);
  }
};

TEST_F(MetricsTest, StreamsAndTheirMessagesAreCounted) {
  constexpr int kStreams = 3;
  constexpr int kChunks = 50;
  for (int i = 0; i < kStreams; ++i) {
    TestStream stream(channel_);
    stream.Open(LayerNorm(4));
    ASSERT_TRUE(stream.Receive().has_opened());
    for (int k = 1; k <= kChunks; ++k) {
      stream.Send(k, Bytes({1, 2, 3, 4, 5, 6, 7, 8}));
      ASSERT_TRUE(stream.Receive().has_result());
    }
    stream.HalfClose();
    ASSERT_TRUE(stream.Receive().has_closed());
    ASSERT_TRUE(stream.Finish().ok());
  }
  const std::string labels = Labels(kNormalization, "NormalizeStream", "bidi_stream");
  Samples samples = ScrapeUntilHandled(labels, "OK", kStreams);
  EXPECT_EQ(samples["grpc_server_started_total{" + labels], kStreams);
  EXPECT_EQ(samples["grpc_server_msg_received_total{" + labels], kStreams * (1 + kChunks));
  EXPECT_EQ(samples["grpc_server_msg_sent_total{" + labels], kStreams * (1 + kChunks + 1));
  EXPECT_EQ(samples["grpc_server_handling_seconds_count{" + labels], kStreams);
  EXPECT_GT(samples["grpc_server_handling_seconds_sum{" + labels], 0);
  EXPECT_EQ(samples["normd_tokens_total{method=\"layer_norm\"}"], kStreams * kChunks * 2);
  EXPECT_EQ(samples["normd_tokens_total{method=\"batch_norm\"}"], 0);
  EXPECT_EQ(samples["normd_streams"], 0);
}

TEST_F(MetricsTest, PaddingIsNoToken) {
  TestStream stream(channel_);
  stream.Open(LayerNorm(2));
  ASSERT_TRUE(stream.Receive().has_opened());
  v1::Chunk chunk;
  chunk.set_data(Bytes({1, 2, 3, 4, 5, 6}));
  chunk.set_row_mask(std::string(1, '\x05'));  // the rows 0 and 2
  stream.Send(1, chunk);
  ASSERT_TRUE(stream.Receive().has_result());
  EXPECT_EQ(Scrape(server_->admin_port())["normd_tokens_total{method=\"layer_norm\"}"], 2);
}

TEST_F(MetricsTest, EveryEndOfAStreamHasItsCode) {
  const std::string labels = Labels(kNormalization, "NormalizeStream", "bidi_stream");
  {
    TestStream unknown(channel_);
    unknown.Open(OnSession("none", 4, v1::BATCH_NORM_MODE_INFERENCE));
    unknown.Receive();
    EXPECT_EQ(unknown.Finish().error_code(), grpc::StatusCode::NOT_FOUND);
  }
  {
    TestStream jump(channel_);
    jump.Open(LayerNorm(1));
    jump.Receive();
    jump.Send(7, Bytes({1}));
    ASSERT_TRUE(jump.Receive().has_closed());
    EXPECT_EQ(jump.Finish().error_code(), grpc::StatusCode::FAILED_PRECONDITION);
  }
  {
    TestStream cancelled(channel_);
    cancelled.Open(LayerNorm(1));
    ASSERT_TRUE(cancelled.Receive().has_opened());
    cancelled.Cancel();
    EXPECT_EQ(cancelled.Finish().error_code(), grpc::StatusCode::CANCELLED);
  }
  ScrapeUntilHandled(labels, "NotFound", 1);
  ScrapeUntilHandled(labels, "FailedPrecondition", 1);
  Samples samples = ScrapeUntilHandled(labels, "Canceled", 1);
  EXPECT_EQ(samples["grpc_server_started_total{" + labels], 3);
  EXPECT_EQ(samples["grpc_server_handling_seconds_count{" + labels], 3);
  EXPECT_EQ(samples["normd_refusals_total{reason=\"SESSION_NOT_FOUND\"}"], 1);
  EXPECT_EQ(samples["normd_refusals_total{reason=\"SEQUENCE_NUMBER\"}"], 1);
}

// By hand: a client of gRPC's cancels the call at the same moment.
TEST_F(MetricsTest, ADeadlineThatPassesIsNoCancellation) {
  const testing::RawHttp2 client(server_->port());
  client.SendHeaders(1, "/normd.v1.NormalizationService/NormalizeStream",
                     {{"grpc-timeout", "50m"}});
  ScrapeUntilHandled(Labels(kNormalization, "NormalizeStream", "bidi_stream"), "DeadlineExceeded",
                     1);
}

TEST_F(MetricsTest, RefusedStreamsAndChunksAreCountedByReason) {
  const auto open = [this] {
    auto stream = std::make_unique<TestStream>(channel_);
    stream->Open(LayerNorm(2));
    EXPECT_TRUE(stream->Receive().has_opened());
    return stream;
  };
  const auto first = open();
  const auto second = open();
  const auto third = open();
  EXPECT_EQ(Scrape(server_->admin_port())["normd_streams"], 3);
  for (int i = 0; i < 2; ++i) {
    TestStream refused(channel_);
    refused.Open(LayerNorm(2));
    EXPECT_EQ(refused.Finish().error_code(), grpc::StatusCode::RESOURCE_EXHAUSTED);
  }
  first->Send(1, Bytes({1, 2, 3}));
  ASSERT_TRUE(first->Receive().has_error());
  const float nan = std::numeric_limits<float>::quiet_NaN();
  first->Send(2, Bytes({nan, 2, INFINITY, -INFINITY, 5, 6}));
  ASSERT_TRUE(first->Receive().has_error());
  Samples samples = ScrapeUntil("normd_refusals_total{reason=\"TOO_MANY_STREAMS\"}", 2);
  EXPECT_EQ(samples["normd_refusals_total{reason=\"INVALID_FIELD\"}"], 2);
  EXPECT_EQ(samples["normd_rejected_values_total{method=\"layer_norm\"}"], 3);
  EXPECT_EQ(samples["normd_tokens_total{method=\"layer_norm\"}"], 0);
}

TEST_F(MetricsTest, ValuesKeptOutOfStatisticsAreCountedWhereTheyArePropagated) {
  auto request = testing::PooledSession("s", 2);
  request.mutable_session()->mutable_spec()->set_non_finite(v1::NON_FINITE_POLICY_PROPAGATE);
  grpc::ClientContext context;
  v1::CreateSessionResponse response;
  ASSERT_TRUE(sessions_->CreateSession(&context, request, &response).ok());
  const auto send = [this](v1::BatchNormMode mode) {
    TestStream stream(channel_);
    stream.Open(OnSession("s", 2, mode));
    ASSERT_TRUE(stream.Receive().has_opened());
    stream.Send(1, Bytes({INFINITY, 2, 3, 4}));
    ASSERT_TRUE(stream.Receive().has_result());
  };
  send(v1::BATCH_NORM_MODE_STREAMING);
  send(v1::BATCH_NORM_MODE_INFERENCE);  // has no say in the statistics
  Samples samples = Scrape(server_->admin_port());
  EXPECT_EQ(samples["normd_rejected_values_total{method=\"batch_norm\"}"], 1);
  EXPECT_EQ(samples["normd_tokens_total{method=\"batch_norm\"}"], 4);
}

TEST_F(MetricsTest, ComparedRowsCountForEachMethod) {
  const auto stub = v1::ComparisonService::NewStub(channel_);
  grpc::ClientContext context;
  const auto stream = stub->Compare(&context);
  v1::CompareRequest request;
  request.mutable_open()->add_row_shape(2);
  request.mutable_open()->add_specs()->mutable_batch_norm()->set_channel_axis(-1);
  request.mutable_open()->add_specs()->mutable_layer_norm();
  stream->Write(request);
  request.mutable_chunk()->set_sequence_number(1);
  request.mutable_chunk()->set_data(Bytes({1, 2, 3, 4, 5, 6}));
  stream->Write(request);
  request.mutable_chunk()->set_sequence_number(2);
  request.mutable_chunk()->set_data(Bytes({1, NAN}));
  stream->Write(request);
  stream->WritesDone();
  v1::CompareResponse response;
  while (stream->Read(&response)) {
  }
  ASSERT_TRUE(stream->Finish().ok());
  const std::string labels = Labels("normd.v1.ComparisonService", "Compare", "bidi_stream");
  Samples samples = ScrapeUntilHandled(labels, "OK", 1);
  EXPECT_EQ(samples["grpc_server_msg_received_total{" + labels], 3);
  EXPECT_EQ(samples["grpc_server_msg_sent_total{" + labels], 4);
  EXPECT_EQ(samples["normd_tokens_total{method=\"batch_norm\"}"], 3);
  EXPECT_EQ(samples["normd_tokens_total{method=\"layer_norm\"}"], 3);
  EXPECT_EQ(samples["normd_rejected_values_total{method=\"batch_norm\"}"], 1);
  EXPECT_EQ(samples["normd_refusals_total{reason=\"INVALID_FIELD\"}"], 1);
}

TEST_F(MetricsTest, UnaryCallsAndSessionsAreCounted) {
  for (int i = 0; i < 3; ++i) CreateSession("s" + std::to_string(i), 100);
  ASSERT_TRUE(DeleteSession("s0").ok());
  EXPECT_EQ(DeleteSession("s0").error_code(), grpc::StatusCode::NOT_FOUND);
  Samples samples = Scrape(server_->admin_port());
  const std::string create = Labels(kSession, "CreateSession", "unary");
  const std::string drop = Labels(kSession, "DeleteSession", "unary");
  EXPECT_EQ(samples["grpc_server_started_total{" + create], 3);
  EXPECT_EQ(samples["grpc_server_handled_total{grpc_code=\"OK\"," + create], 3);
  EXPECT_EQ(samples["grpc_server_msg_received_total{" + drop], 2);
  EXPECT_EQ(samples["grpc_server_msg_sent_total{" + drop], 1);
  EXPECT_EQ(samples["grpc_server_handled_total{grpc_code=\"NotFound\"," + drop], 1);
  EXPECT_EQ(samples["normd_sessions"], 2);
  EXPECT_EQ(samples["normd_session_bytes"], 2.0 * Session::ByteSize(100));
  EXPECT_EQ(samples["normd_sessions_expired_total"], 0);
}

TEST_F(MetricsTest, HealthChecksAndWatchesAreCounted) {
  const auto health = grpc::health::v1::Health::NewStub(channel_);
  const grpc::health::v1::HealthCheckRequest request;
  grpc::health::v1::HealthCheckResponse response;
  grpc::ClientContext check;
  ASSERT_TRUE(health->Check(&check, request, &response).ok());
  {
    grpc::ClientContext watch;
    const auto reader = health->Watch(&watch, request);
    ASSERT_TRUE(reader->Read(&response));
    watch.TryCancel();
    reader->Finish();
  }
  Samples samples = ScrapeUntilHandled(Labels(kHealth, "Watch", "server_stream"), "Canceled", 1);
  EXPECT_EQ(samples["grpc_server_msg_sent_total{" + Labels(kHealth, "Watch", "server_stream")], 1);
  EXPECT_EQ(
      samples["grpc_server_handled_total{grpc_code=\"OK\"," + Labels(kHealth, "Check", "unary")],
      1);
}

// Whoever calls a method that there is not must not make a series of it.
TEST_F(MetricsTest, UnknownMethodsAreNoLabels) {
  const size_t before = Scrape(server_->admin_port()).size();
  grpc::GenericStub stub(channel_);
  for (int i = 0; i < 3; ++i) {
    grpc::ClientContext context;
    grpc::CompletionQueue queue;
    grpc::ByteBuffer request;
    const auto call =
        stub.PrepareUnaryCall(&context, "/normd.v1.Forged/" + std::to_string(i), request, &queue);
    call->StartCall();
    grpc::ByteBuffer response;
    grpc::Status status;
    call->Finish(&response, &status, nullptr);
    void* tag = nullptr;
    bool ok = false;
    ASSERT_TRUE(queue.Next(&tag, &ok));
    EXPECT_EQ(status.error_code(), grpc::StatusCode::UNIMPLEMENTED);
  }
  EXPECT_EQ(Scrape(server_->admin_port()).size(), before);
}

TEST_F(MetricsTest, TheProcessTellsOfItself) {
  const Samples samples = ScrapeUntil(
      "normd_build_info{grpc_version=\"" + grpc::Version() + "\",version=\"" NORMD_VERSION "\"}",
      1);
  for (const char* name : {"process_cpu_seconds_total", "process_resident_memory_bytes",
                           "process_virtual_memory_bytes", "process_open_fds", "process_max_fds"}) {
    ASSERT_TRUE(samples.contains(name)) << name;
    EXPECT_GE(samples.at(name), 0) << name;
  }
  EXPECT_GT(samples.at("process_resident_memory_bytes"), 1 << 20);
  EXPECT_LT(samples.at("process_resident_memory_bytes"),
            samples.at("process_virtual_memory_bytes"));
  const double now = absl::ToDoubleSeconds(absl::Now() - absl::UnixEpoch());
  EXPECT_GT(samples.at("process_start_time_seconds"), now - 86400);
  EXPECT_LT(samples.at("process_start_time_seconds"), now + 2);
}

TEST_F(MetricsTest, TheAdminServerAnswersThroughoutTheDrain) {
  EXPECT_EQ(httplib::Client("127.0.0.1", server_->admin_port()).Get("/readyz")->status, 200);
  server_->Drain();
  EXPECT_EQ(httplib::Client("127.0.0.1", server_->admin_port()).Get("/readyz")->status, 503);
  EXPECT_EQ(httplib::Client("127.0.0.1", server_->admin_port()).Get("/healthz")->status, 200);
}

TEST_F(MetricsTest, QueueDelaysAreSampled) {
  Samples samples;
  for (int i = 0; i < 1000 && samples["normd_queue_delay_seconds_count"] < 4; ++i) {
    std::this_thread::sleep_for(std::chrono::milliseconds(10));
    samples = Scrape(server_->admin_port());
  }
  EXPECT_GE(samples["normd_queue_delay_seconds_count"], 4);
  EXPECT_GT(samples["normd_queue_delay_seconds_sum"], 0);
}

}  // namespace
}  // namespace normd
