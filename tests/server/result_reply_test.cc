// A reply whose data is written in place goes out as the message that it means.
#include "server/rpc/result_reply.h"

#include <gtest/gtest.h>

#include <cstdint>
#include <limits>
#include <string>

#include "grpcpp/impl/codegen/proto_utils.h"

namespace normd::server {
namespace {

constexpr uint64_t kNumbers[] = {0, 1, 127, 128, std::numeric_limits<uint64_t>::max()};

v1::NormalizeStreamResponse Sent(ResultReply& reply) {
  grpc::ByteBuffer buffer = Serialize(reply);
  v1::NormalizeStreamResponse response;
  using Traits = grpc::SerializationTraits<v1::NormalizeStreamResponse>;
  EXPECT_TRUE(Traits::Deserialize(&buffer, &response).ok());
  return response;
}

std::string Bytes(int64_t count) {
  std::string result(count, '\0');
  for (int64_t i = 0; i < count; ++i) result[i] = static_cast<char>(i * 7 + 1);
  return result;
}

TEST(ResultReplyTest, ComesOutAsItWasWritten) {
  ResultReply reply;
  for (const int64_t size : {0, 1, 4, 63, 127, 128, 4096, 16383, 16384, 2 << 20}) {
    for (const uint64_t number : kNumbers) {
      for (const uint64_t version : kNumbers) {
        const std::string data = Bytes(size);
        char* const room = reply.AllocateData(size);
        EXPECT_EQ(reinterpret_cast<uintptr_t>(room) % 64, 0);
        data.copy(room, data.size());
        v1::Result& result = *reply.message().mutable_result();
        result.set_sequence_number(number);
        result.set_statistics_version(version);
        const v1::NormalizeStreamResponse sent = Sent(reply);
        EXPECT_EQ(sent.result().sequence_number(), number);
        EXPECT_EQ(sent.result().statistics_version(), version);
        EXPECT_TRUE(sent.result().data() == data) << size;
      }
    }
  }
}

TEST(ResultReplyTest, WhatIsNoResultGoesWithoutTheDataThatWasBegun) {
  ResultReply reply;
  reply.message().mutable_opened()->set_next_sequence_number(1);
  EXPECT_EQ(Sent(reply).opened().next_sequence_number(), 1);
  reply.AllocateData(100);
  reply.message().mutable_error()->set_sequence_number(2);
  const v1::NormalizeStreamResponse sent = Sent(reply);
  EXPECT_EQ(sent.error().sequence_number(), 2);
  EXPECT_LT(sent.ByteSizeLong(), 10);
}

TEST(ResultReplyTest, TheLastRoomCounts) {
  ResultReply reply;
  reply.AllocateData(100);
  Bytes(8).copy(reply.AllocateData(8), 8);
  reply.message().mutable_result()->set_sequence_number(1);
  EXPECT_EQ(Sent(reply).result().data(), Bytes(8));
}

}  // namespace
}  // namespace normd::server
