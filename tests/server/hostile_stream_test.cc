// What no honest client sends.
#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include <memory>
#include <string>
#include <vector>

#include "grpcpp/impl/codegen/rpc_method.h"
#include "grpcpp/support/byte_buffer.h"
#include "grpcpp/support/sync_stream.h"
#include "normd/v1/normalization.grpc.pb.h"
#include "normd/v1/session.grpc.pb.h"
#include "tests/testing/local_server.h"
#include "tests/testing/test_stream.h"

namespace normd {
namespace {

using testing::ErrorInfoOf;
using testing::TestStream;

class HostileStreamTest : public ::testing::Test {
 protected:
  void SetUp() override { ASSERT_NE(server_, nullptr); }

  // Sends these bytes as the messages of a stream, half-closes, and reads to the end.
  grpc::Status SendRaw(const std::vector<std::string>& messages,
                       std::vector<std::string>* answers) {
    const grpc::internal::RpcMethod method("/normd.v1.NormalizationService/NormalizeStream",
                                           grpc::internal::RpcMethod::BIDI_STREAMING, channel_);
    grpc::ClientContext context;
    const std::unique_ptr<grpc::ClientReaderWriter<grpc::ByteBuffer, grpc::ByteBuffer>> stream(
        grpc::internal::ClientReaderWriterFactory<grpc::ByteBuffer, grpc::ByteBuffer>::Create(
            channel_.get(), method, &context));
    for (const std::string& message : messages) {
      const grpc::Slice slice(message);
      stream->Write(grpc::ByteBuffer(&slice, 1));
    }
    stream->WritesDone();
    grpc::ByteBuffer buffer;
    while (stream->Read(&buffer)) {
      grpc::Slice slice;
      EXPECT_TRUE(buffer.DumpToSingleSlice(&slice).ok());
      answers->emplace_back(reinterpret_cast<const char*>(slice.begin()), slice.size());
    }
    return stream->Finish();
  }

  static std::string Open() {
    v1::NormalizeStreamRequest request;
    request.mutable_open()->mutable_spec()->mutable_layer_norm();
    request.mutable_open()->add_row_shape(2);
    return request.SerializeAsString();
  }

  static std::string Chunk(uint64_t sequence_number) {
    v1::NormalizeStreamRequest request;
    request.mutable_chunk()->set_sequence_number(sequence_number);
    request.mutable_chunk()->set_data(testing::Bytes({1, 3}));
    return request.SerializeAsString();
  }

  std::unique_ptr<server::Server> server_ = testing::StartServer();
  std::shared_ptr<grpc::Channel> channel_ = testing::Connect(*server_);
};

TEST_F(HostileStreamTest, AMessageThatCannotBeParsedIsNoHalfClose) {
  std::vector<std::string> answers;
  const grpc::Status status = SendRaw({Open(), Chunk(1), "\xFF\xFF\xFF", Chunk(2)}, &answers);
  EXPECT_EQ(status.error_code(), grpc::StatusCode::INVALID_ARGUMENT);
  EXPECT_EQ(ErrorInfoOf(status).reason(), "MALFORMED_MESSAGE");
  EXPECT_EQ(ErrorInfoOf(status).metadata().at("last_sequence_number"), "1");
  ASSERT_EQ(answers.size(), 3);  // opened, result, closed
  v1::NormalizeStreamResponse closed;
  ASSERT_TRUE(closed.ParseFromString(answers[2]));
  EXPECT_EQ(closed.closed().last_sequence_number(), 1);
}

TEST_F(HostileStreamTest, GarbageInPlaceOfOpenIsRefused) {
  std::vector<std::string> answers;
  EXPECT_EQ(SendRaw({"\xFF"}, &answers).error_code(), grpc::StatusCode::INVALID_ARGUMENT);
  EXPECT_TRUE(answers.empty());
}

TEST_F(HostileStreamTest, SessionNamesAreCheckedBeforeTheyAreRepeated) {
  for (const std::string& name : {std::string("no/such name"), std::string(20'000, 'x')}) {
    TestStream stream(channel_);
    v1::Open open;
    open.set_session(name);
    open.add_row_shape(1);
    stream.Open(open);
    stream.Receive();
    const grpc::Status status = stream.Finish();
    EXPECT_EQ(status.error_code(), grpc::StatusCode::INVALID_ARGUMENT);
    EXPECT_THAT(status.error_message(), ::testing::StartsWith("must be sessions/{id}"));
  }
}

// A small message could decompress to hundreds of MiB before any limit is seen.
TEST_F(HostileStreamTest, CompressionIsRefused) {
  grpc::ClientContext context;
  context.set_compression_algorithm(GRPC_COMPRESS_GZIP);
  v1::ListSessionsRequest request;
  request.set_page_token(std::string(10'000, 'A'));
  v1::ListSessionsResponse response;
  const auto stub = v1::SessionService::NewStub(channel_);
  EXPECT_EQ(stub->ListSessions(&context, request, &response).error_code(),
            grpc::StatusCode::UNIMPLEMENTED);

  grpc::ClientContext stream_context;
  stream_context.set_compression_algorithm(GRPC_COMPRESS_GZIP);
  const auto streams = v1::NormalizationService::NewStub(channel_);
  const auto stream = streams->NormalizeStream(&stream_context);
  v1::NormalizeStreamRequest open;
  *open.mutable_open() = testing::LayerNorm(10'000);
  stream->Write(open);
  stream->WritesDone();
  v1::NormalizeStreamResponse opened;
  EXPECT_FALSE(stream->Read(&opened));
  EXPECT_EQ(stream->Finish().error_code(), grpc::StatusCode::UNIMPLEMENTED);
}

}  // namespace
}  // namespace normd
