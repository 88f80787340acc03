#include "client/load/chunk_codec.h"

#include <gtest/gtest.h>

#include <limits>
#include <string>

#include "grpcpp/impl/codegen/proto_utils.h"

namespace normd::client {
namespace {

template <typename Message>
Message Parse(grpc::ByteBuffer buffer) {
  Message message;
  EXPECT_TRUE(grpc::SerializationTraits<Message>::Deserialize(&buffer, &message).ok());
  return message;
}

// In slices of `size` bytes, as they may come off the wire.
grpc::ByteBuffer Cut(const v1::NormalizeStreamResponse& message, size_t size) {
  const std::string bytes = message.SerializeAsString();
  std::vector<grpc::Slice> slices;
  for (size_t i = 0; i < bytes.size(); i += size) slices.emplace_back(bytes.substr(i, size));
  return grpc::ByteBuffer(slices.data(), slices.size());
}

TEST(ChunkCodecTest, ChunksAreWhatProtobufReads) {
  for (const size_t size : {0, 1, 127, 128, 4096, 3 << 20}) {
    const std::string data(size, 'x');
    for (const uint64_t number :
         {uint64_t{1}, uint64_t{300}, std::numeric_limits<uint64_t>::max()}) {
      const auto request =
          Parse<v1::NormalizeStreamRequest>(EncodeChunk(number, grpc::Slice(data)));
      EXPECT_EQ(request.chunk().sequence_number(), number);
      EXPECT_EQ(request.chunk().data(), data);
    }
  }
}

TEST(ChunkCodecTest, HeadsTellCaseAndNumber) {
  v1::NormalizeStreamResponse response;
  response.mutable_result()->set_sequence_number(300);
  response.mutable_result()->set_data(std::string(1000, 'y'));
  for (const size_t cut : {1, 2, 5, 5000}) {
    grpc::ByteBuffer answer = Cut(response, cut);
    const absl::StatusOr<AnswerHead> head = DecodeHead(answer);
    ASSERT_TRUE(head.ok()) << head.status();
    EXPECT_EQ(head->message, v1::NormalizeStreamResponse::kResult);
    EXPECT_EQ(head->sequence_number, 300);
  }
  response.mutable_closed()->set_last_sequence_number(7);
  grpc::ByteBuffer closed = Cut(response, 100);
  EXPECT_EQ(DecodeHead(closed)->message, v1::NormalizeStreamResponse::kClosed);
}

TEST(ChunkCodecTest, AnErrorIsItsStatus) {
  v1::NormalizeStreamResponse response;
  auto* status = response.mutable_error()->mutable_status();
  status->set_code(3);
  status->set_message("NaN");
  grpc::ByteBuffer answer = Cut(response, 3);
  EXPECT_EQ(DecodeHead(answer).status().code(), absl::StatusCode::kInvalidArgument);
  const grpc::Slice garbage("\x12\x05\xff");
  grpc::ByteBuffer no_answer(&garbage, 1);
  EXPECT_EQ(DecodeHead(no_answer).status().code(), absl::StatusCode::kInternal);
}

}  // namespace
}  // namespace normd::client
