// What a server refuses by its flags, each by the real binary.
#include <gmock/gmock.h>
#include <gtest/gtest.h>
#include <zlib.h>

#include <memory>
#include <string>
#include <vector>

#include "grpcpp/grpcpp.h"
#include "normd/v1/session.grpc.pb.h"
#include "tests/testing/connect.h"
#include "tests/testing/raw_http2.h"
#include "tests/testing/server_process.h"
#include "tests/testing/test_stream.h"

namespace normd {
namespace {

using testing::Bytes;
using testing::Connect;
using testing::ErrorInfoOf;
using testing::RawHttp2;
using testing::ServerProcess;
using testing::TestStream;

constexpr char kNormalizeStream[] = "/normd.v1.NormalizationService/NormalizeStream";

v1::Open LayerNorm(const std::vector<int64_t>& row_shape) {
  v1::Open open;
  open.mutable_spec()->mutable_layer_norm();
  open.mutable_row_shape()->Assign(row_shape.begin(), row_shape.end());
  return open;
}

// The path of the field that a status is about.
template <typename Status>
std::string FieldOf(const Status& details) {
  google::rpc::Status status;
  if constexpr (std::is_same_v<Status, grpc::Status>) {
    status.ParseFromString(details.error_details());
  } else {
    status = details;
  }
  google::rpc::BadRequest bad_request;
  for (const auto& detail : status.details()) detail.UnpackTo(&bad_request);
  return bad_request.field_violations().empty() ? "" : bad_request.field_violations(0).field();
}

template <typename Detail>
bool Holds(const grpc::Status& status) {
  google::rpc::Status rich;
  rich.ParseFromString(status.error_details());
  Detail detail;
  for (const auto& any : rich.details()) {
    if (any.UnpackTo(&detail)) return true;
  }
  return false;
}

// What opening such a stream comes to.
grpc::Status OpenAndClose(const ServerProcess& server, const v1::Open& open) {
  TestStream stream(Connect(server.address()));
  stream.Open(open);
  stream.HalfClose();
  while (stream.Receive().message_case() != v1::NormalizeStreamResponse::MESSAGE_NOT_SET) {
  }
  return stream.Finish();
}

v1::NormalizeRequest Batch(const std::vector<int64_t>& shape) {
  v1::NormalizeRequest request;
  request.mutable_spec()->mutable_layer_norm();
  request.mutable_input()->set_element_type(v1::ELEMENT_TYPE_FLOAT32);
  request.mutable_input()->mutable_shape()->Assign(shape.begin(), shape.end());
  int64_t size = 1;
  for (const int64_t dimension : shape) size *= dimension;
  request.mutable_input()->set_data(Bytes(std::vector<float>(size, 1)));
  return request;
}

grpc::Status Normalize(const ServerProcess& server, const v1::NormalizeRequest& request) {
  grpc::ClientContext context;
  v1::NormalizeResponse response;
  return v1::NormalizationService::NewStub(Connect(server.address()))
      ->Normalize(&context, request, &response);
}

grpc::Status CreateSession(const ServerProcess& server, const std::string& id, int64_t channels) {
  grpc::ClientContext context;
  v1::CreateSessionRequest request;
  request.set_session_id(id);
  request.mutable_session()->set_channel_count(channels);
  request.mutable_session()->mutable_spec()->mutable_batch_norm();
  v1::CreateSessionResponse response;
  return v1::SessionService::NewStub(Connect(server.address()))
      ->CreateSession(&context, request, &response);
}

TEST(LimitsTest, RowsOfAMessage) {
  ServerProcess server(NORMD_SERVER_BINARY, {"--max_rows=4"});
  ASSERT_NE(server.port(), 0);
  EXPECT_TRUE(Normalize(server, Batch({4, 2})).ok());
  EXPECT_EQ(FieldOf(Normalize(server, Batch({5, 2}))), "input.data");
  TestStream stream(Connect(server.address()));
  stream.Open(LayerNorm({2}));
  ASSERT_TRUE(stream.Receive().has_opened());
  stream.Send(1, Bytes(std::vector<float>(10)));
  EXPECT_EQ(FieldOf(stream.Receive().error().status()), "chunk.data");
  stream.Send(2, Bytes(std::vector<float>(8)));
  EXPECT_TRUE(stream.Receive().has_result());
  stream.HalfClose();
  EXPECT_TRUE(stream.Receive().has_closed());
  EXPECT_TRUE(stream.Finish().ok());
}

TEST(LimitsTest, DimensionsOfABatch) {
  ServerProcess server(NORMD_SERVER_BINARY, {"--max_rank=3"});
  ASSERT_NE(server.port(), 0);
  EXPECT_TRUE(OpenAndClose(server, LayerNorm({2, 2})).ok());
  EXPECT_EQ(FieldOf(OpenAndClose(server, LayerNorm({2, 2, 2}))), "open.row_shape");
  EXPECT_TRUE(Normalize(server, Batch({1, 2, 2})).ok());
  EXPECT_EQ(FieldOf(Normalize(server, Batch({1, 1, 2, 2}))), "input.shape");
}

TEST(LimitsTest, ElementsOfARowAndChannelsOfASession) {
  ServerProcess server(NORMD_SERVER_BINARY, {"--max_row_elements=8"});
  ASSERT_NE(server.port(), 0);
  EXPECT_TRUE(OpenAndClose(server, LayerNorm({2, 4})).ok());
  EXPECT_EQ(FieldOf(OpenAndClose(server, LayerNorm({3, 3}))), "open.row_shape");
  EXPECT_TRUE(Normalize(server, Batch({3, 8})).ok());
  EXPECT_EQ(FieldOf(Normalize(server, Batch({1, 9}))), "input.shape");
  EXPECT_TRUE(CreateSession(server, "s", 8).ok());
  EXPECT_EQ(FieldOf(CreateSession(server, "t", 9)), "session.channel_count");
}

TEST(LimitsTest, Streams) {
  ServerProcess server(NORMD_SERVER_BINARY, {"--max_streams=2"});
  ASSERT_NE(server.port(), 0);
  auto first = std::make_unique<TestStream>(Connect(server.address()));
  first->Open(LayerNorm({2}));
  ASSERT_TRUE(first->Receive().has_opened());
  TestStream second(Connect(server.address()));
  second.Open(LayerNorm({2}));
  ASSERT_TRUE(second.Receive().has_opened());
  const grpc::Status refused = OpenAndClose(server, LayerNorm({2}));
  EXPECT_EQ(refused.error_code(), grpc::StatusCode::RESOURCE_EXHAUSTED);
  EXPECT_EQ(ErrorInfoOf(refused).reason(), "TOO_MANY_STREAMS");
  EXPECT_THAT(refused.error_message(), ::testing::HasSubstr("--max_streams"));
  EXPECT_TRUE(Holds<google::rpc::RetryInfo>(refused));
  EXPECT_TRUE(Holds<google::rpc::QuotaFailure>(refused));
  first->HalfClose();
  EXPECT_TRUE(first->Receive().has_closed());
  EXPECT_TRUE(first->Finish().ok());
  // The server counts it for a moment longer than its client.
  bool opened = false;
  for (int i = 0; i < 1000 && !opened; ++i) opened = OpenAndClose(server, LayerNorm({2})).ok();
  EXPECT_TRUE(opened);
}

// By HTTP/2 a client is held to the server's setting only after it has acknowledged it; this one
// never does.
TEST(LimitsTest, StreamsOfAConnectionThatAcknowledgesNothing) {
  ServerProcess server(NORMD_SERVER_BINARY, {"--max_streams_per_connection=2"});
  ASSERT_NE(server.port(), 0);
  v1::NormalizeStreamRequest request;
  *request.mutable_open() = LayerNorm({2});
  const RawHttp2 connection(server.port());
  for (const uint32_t stream : {1, 3}) {
    connection.SendHeaders(stream, kNormalizeStream);
    connection.SendMessage(stream, request.SerializeAsString());
    const auto headers = connection.ReceiveOf(stream);
    ASSERT_TRUE(headers.has_value());
    EXPECT_EQ(headers->type, RawHttp2::kHeaders);
    const auto opened = connection.ReceiveOf(stream);
    ASSERT_TRUE(opened.has_value());
    EXPECT_EQ(opened->type, RawHttp2::kData);
  }
  connection.SendHeaders(5, kNormalizeStream);
  connection.SendMessage(5, request.SerializeAsString());
  const auto refused = connection.ReceiveOf(5);
  ASSERT_TRUE(refused.has_value());
  EXPECT_EQ(refused->type, RawHttp2::kHeaders);
  EXPECT_TRUE(RawHttp2::HasStatus(*refused, grpc::StatusCode::RESOURCE_EXHAUSTED));
  // gRPC's clients try again by themselves, then.
  EXPECT_NE(refused->payload.find("grpc-retry-pushback-ms\x04"
                                  "1000"),
            std::string::npos);
  EXPECT_THAT(refused->payload, ::testing::HasSubstr("--max_streams_per_connection"));
  EXPECT_TRUE(OpenAndClose(server, LayerNorm({2})).ok());  // by another connection
}

TEST(LimitsTest, SessionsAndTheirBytes) {
  ServerProcess server(NORMD_SERVER_BINARY, {"--max_sessions=2", "--max_session_bytes=100000"});
  ASSERT_NE(server.port(), 0);
  const grpc::Status large = CreateSession(server, "large", 10'000);
  EXPECT_EQ(large.error_code(), grpc::StatusCode::RESOURCE_EXHAUSTED);
  EXPECT_EQ(ErrorInfoOf(large).reason(), "TOO_MANY_SESSION_BYTES");
  EXPECT_TRUE(CreateSession(server, "a", 4).ok());
  EXPECT_TRUE(CreateSession(server, "b", 4).ok());
  const grpc::Status third = CreateSession(server, "c", 4);
  EXPECT_EQ(third.error_code(), grpc::StatusCode::RESOURCE_EXHAUSTED);
  EXPECT_EQ(ErrorInfoOf(third).reason(), "TOO_MANY_SESSIONS");
}

TEST(LimitsTest, Metadata) {
  ServerProcess server(NORMD_SERVER_BINARY, {"--max_metadata_bytes=2048"});
  ASSERT_NE(server.port(), 0);
  const auto call = [&server](size_t bytes) {
    grpc::ClientContext context;
    context.AddMetadata("x-padding", std::string(bytes, 'x'));
    v1::ListSessionsResponse response;
    return v1::SessionService::NewStub(Connect(server.address()))
        ->ListSessions(&context, {}, &response)
        .error_code();
  };
  EXPECT_EQ(call(1000), grpc::StatusCode::OK);
  EXPECT_EQ(call(3000), grpc::StatusCode::RESOURCE_EXHAUSTED);
}

// A small message may decompress to hundreds of MiB before any limit is seen.
TEST(LimitsTest, CompressionIsRefusedUnlessAccepted) {
  const auto call = [](const ServerProcess& server) {
    grpc::ClientContext context;
    context.set_compression_algorithm(GRPC_COMPRESS_GZIP);
    v1::NormalizeResponse response;
    return v1::NormalizationService::NewStub(Connect(server.address()))
        ->Normalize(&context, Batch({100, 100}), &response)
        .error_code();
  };
  ServerProcess server(NORMD_SERVER_BINARY, {});
  ASSERT_NE(server.port(), 0);
  EXPECT_EQ(call(server), grpc::StatusCode::UNIMPLEMENTED);
  ServerProcess accepting(NORMD_SERVER_BINARY, {"--accept_compression"});
  ASSERT_NE(accepting.port(), 0);
  EXPECT_EQ(call(accepting), grpc::StatusCode::OK);
}

// Of zeros, as gzip.
std::string Compressed(size_t zeros) {
  z_stream stream = {};
  deflateInit2(&stream, Z_BEST_COMPRESSION, Z_DEFLATED, MAX_WBITS + 16, 9, Z_DEFAULT_STRATEGY);
  std::string input(zeros, '\0');
  std::string output(deflateBound(&stream, zeros), '\0');
  stream.next_in = reinterpret_cast<Bytef*>(input.data());
  stream.avail_in = static_cast<uInt>(input.size());
  stream.next_out = reinterpret_cast<Bytef*>(output.data());
  stream.avail_out = static_cast<uInt>(output.size());
  deflate(&stream, Z_FINISH);
  output.resize(stream.total_out);
  deflateEnd(&stream);
  return output;
}

// The most memory that a server has held, after a message of 16 KiB that decompresses to 15 MiB
// came over each of some connections.
int64_t PeakAfterBombs(const std::vector<std::string>& flags) {
  static const std::string bomb = Compressed(15 << 20);
  EXPECT_LT(bomb.size(), 16'000);
  ServerProcess server(NORMD_SERVER_BINARY, flags);
  EXPECT_NE(server.port(), 0);
  const int64_t before = server.PeakBytes();
  for (int i = 0; i < 8; ++i) {
    const RawHttp2 connection(server.port());
    connection.SendHeaders(1, kNormalizeStream, {{"grpc-encoding", "gzip"}});
    connection.SendMessage(1, bomb, true);
    const auto answer = connection.ReceiveOf(1);
    EXPECT_TRUE(answer.has_value());
  }
  return server.PeakBytes() - before;
}

TEST(LimitsTest, ABombIsNotDecompressed) {
  constexpr int64_t kDecompressed = 15 << 20;
#if !defined(__SANITIZE_ADDRESS__) && !defined(__SANITIZE_THREAD__)
  EXPECT_GT(PeakAfterBombs({"--accept_compression"}), kDecompressed / 2);  // it is one
#endif
  EXPECT_LT(PeakAfterBombs({}), kDecompressed / 2);
}

TEST(LimitsTest, AConnectionWithoutACallIsClosed) {
  ServerProcess server(NORMD_SERVER_BINARY, {"--connection_idle_timeout=100ms"});
  ASSERT_NE(server.port(), 0);
  const RawHttp2 idle(server.port());
  bool told = false;
  while (const auto frame = idle.Receive()) told = told || frame->type == RawHttp2::kGoAway;
  EXPECT_TRUE(told);
  EXPECT_TRUE(OpenAndClose(server, LayerNorm({2})).ok());
}

TEST(LimitsTest, ReflectionIsThereUnlessSwitchedOff) {
  for (const bool on : {true, false}) {
    ServerProcess server(NORMD_SERVER_BINARY, {on ? "--reflection" : "--noreflection"});
    ASSERT_NE(server.port(), 0);
    const RawHttp2 connection(server.port());
    connection.SendHeaders(1, "/grpc.reflection.v1alpha.ServerReflection/ServerReflectionInfo");
    connection.SendMessage(1, std::string("\x3A\0", 2));  // list_services
    const auto answer = connection.ReceiveOf(1);
    ASSERT_TRUE(answer.has_value());
    EXPECT_EQ(RawHttp2::HasStatus(*answer, grpc::StatusCode::UNIMPLEMENTED), !on);
  }
}

TEST(LimitsTest, AConnectionThatSaysNothingIsClosed) {
  ServerProcess server(NORMD_SERVER_BINARY, {"--handshake_timeout=100ms"});
  ASSERT_NE(server.port(), 0);
  const testing::LoopbackSocket silent(server.port());
  while (!silent.Receive(1).empty()) {  // the server's settings
  }
  EXPECT_TRUE(silent.closed());
  EXPECT_TRUE(OpenAndClose(server, LayerNorm({2})).ok());
}

}  // namespace
}  // namespace normd
