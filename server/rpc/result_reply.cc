#include "server/rpc/result_reply.h"

#include <algorithm>
#include <utility>

#include "google/protobuf/io/coded_stream.h"
#include "server/rpc/stream_messages.h"

namespace normd::server {
namespace {

using google::protobuf::io::CodedOutputStream;

constexpr int64_t kAlignment = 64;
// Before the data: two tags and two lengths below 4 GiB, two numbers with their tags.
constexpr int64_t kMaxHeaderBytes = 2 + 2 * 5 + 2 * 11;

// Bytes that belong to the slice alone.
uint8_t* Writable(const grpc::Slice& slice) { return const_cast<uint8_t*>(slice.begin()); }

}  // namespace

char* ResultReply::AllocateData(int64_t bytes) {
  slice_ = grpc::Slice(kMaxHeaderBytes + kAlignment + bytes);
  uint8_t* const header = Writable(slice_);
  const auto misaligned = reinterpret_cast<uintptr_t>(header + kMaxHeaderBytes) % kAlignment;
  data_begin_ = kMaxHeaderBytes + (kAlignment - static_cast<int64_t>(misaligned)) % kAlignment;
  data_bytes_ = bytes;
  return reinterpret_cast<char*>(header + data_begin_);
}

grpc::ByteBuffer Serialize(ResultReply& reply) {
  const grpc::Slice slice = std::exchange(reply.slice_, {});
  if (!reply.message_.has_result()) return Serialize(reply.message_);
  const v1::Result& result = reply.message_.result();
  const auto data_bytes = static_cast<uint32_t>(reply.data_bytes_);
  const auto numbers_bytes = static_cast<uint32_t>(result.ByteSizeLong());
  const uint32_t result_bytes = numbers_bytes + 1 +
                                static_cast<uint32_t>(CodedOutputStream::VarintSize32(data_bytes)) +
                                data_bytes;
  uint8_t header[kMaxHeaderBytes];
  uint8_t* end = header;
  *end++ = LengthDelimitedTag(v1::NormalizeStreamResponse::kResultFieldNumber);
  end = CodedOutputStream::WriteVarint32ToArray(result_bytes, end);
  end = result.SerializeWithCachedSizesToArray(end);
  *end++ = LengthDelimitedTag(v1::Result::kDataFieldNumber);
  end = CodedOutputStream::WriteVarint32ToArray(data_bytes, end);
  const int64_t begin = reply.data_begin_ - (end - header);
  std::copy(header, end, Writable(slice) + begin);
  const grpc::Slice message = slice.sub(begin, reply.data_begin_ + reply.data_bytes_);
  return {&message, 1};
}

}  // namespace normd::server
