// A message parsed into the one before it is what it would be by itself.
#include "server/rpc/stream_messages.h"

#include <gtest/gtest.h>

#include <string>
#include <vector>

#include "google/protobuf/util/message_differencer.h"
#include "normd/v1/comparison.pb.h"
#include "normd/v1/normalization.pb.h"

namespace normd::server {
namespace {

using Request = v1::NormalizeStreamRequest;

grpc::ByteBuffer Cut(const std::string& bytes, size_t size) {
  std::vector<grpc::Slice> slices;
  for (size_t i = 0; i < bytes.size(); i += size) slices.emplace_back(bytes.substr(i, size));
  return grpc::ByteBuffer(slices.data(), slices.size());
}

Request ChunkOf(uint64_t number, const std::string& data) {
  Request request;
  request.mutable_chunk()->set_sequence_number(number);
  request.mutable_chunk()->set_data(data);
  return request;
}

std::vector<std::string> Messages() {
  Request full = ChunkOf(3, "0123456789");
  full.mutable_chunk()->add_shape(5);
  full.mutable_chunk()->add_lengths(7);
  full.mutable_chunk()->set_row_mask("m");
  full.mutable_chunk()->set_residual("r");
  Request open;
  open.mutable_open()->add_row_shape(4);
  const std::string chunk = full.SerializeAsString();
  const std::string unknown = "\xA2\x06\x03xyz";  // field 100
  return {
      "",
      chunk,
      ChunkOf(4, "").SerializeAsString(),
      ChunkOf(5, std::string(1000, 'z')).SerializeAsString(),
      open.SerializeAsString(),
      std::string("\x12\0", 2),  // a chunk that holds nothing
      chunk + open.SerializeAsString(),
      open.SerializeAsString() + chunk,
      chunk + ChunkOf(6, "").SerializeAsString(),  // one field in two parts
      chunk + unknown,
      unknown + chunk,
      unknown,
      chunk.substr(0, chunk.size() - 1),
      "\x12",
      "\x12\xFF\xFF\xFF\xFF\x0F",
      "\x10\x05",  // the chunk's field as a number
      "garbage",
      chunk + "\xFF",
  };
}

TEST(ParseRequestTest, IsAsByItself) {
  for (const std::string& first : Messages()) {
    for (const std::string& second : Messages()) {
      for (const size_t cut : {1, 3, 4096}) {
        Request expected;
        const bool parses = expected.ParseFromString(second);
        Request request;
        grpc::ByteBuffer before = Cut(first, cut);
        ParseRequest(before, request);
        grpc::ByteBuffer message = Cut(second, cut);
        ASSERT_EQ(ParseRequest(message, request), parses)
            << ::testing::PrintToString(first) << " then " << ::testing::PrintToString(second);
        if (!parses) continue;
        EXPECT_TRUE(google::protobuf::util::MessageDifferencer::Equals(request, expected))
            << request.DebugString() << "in place of " << expected.DebugString();
      }
    }
  }
}

}  // namespace
}  // namespace normd::server
