#include "client/load/chunk_codec.h"

#include <array>
#include <iterator>

#include "client/cpp/status.h"
#include "google/protobuf/io/coded_stream.h"
#include "google/protobuf/wire_format_lite.h"
#include "grpcpp/impl/codegen/proto_utils.h"
#include "grpcpp/support/proto_buffer_reader.h"

namespace normd::client {
namespace {

using google::protobuf::internal::WireFormatLite;
using google::protobuf::io::CodedInputStream;
using google::protobuf::io::CodedOutputStream;

constexpr uint32_t Tag(int field, WireFormatLite::WireType type) {
  return WireFormatLite::MakeTag(field, type);
}
constexpr uint32_t kChunk =
    Tag(v1::NormalizeStreamRequest::kChunkFieldNumber, WireFormatLite::WIRETYPE_LENGTH_DELIMITED);
constexpr uint32_t kNumber =
    Tag(v1::Chunk::kSequenceNumberFieldNumber, WireFormatLite::WIRETYPE_VARINT);
constexpr uint32_t kData =
    Tag(v1::Chunk::kDataFieldNumber, WireFormatLite::WIRETYPE_LENGTH_DELIMITED);

absl::Status NoAnswer() {
  return absl::InternalError("the server sent what is no NormalizeStreamResponse");
}

}  // namespace

grpc::ByteBuffer EncodeOpen(const v1::Open& open) {
  v1::NormalizeStreamRequest request;
  *request.mutable_open() = open;
  grpc::ByteBuffer buffer;
  bool own_buffer = false;
  grpc::SerializationTraits<v1::NormalizeStreamRequest>::Serialize(request, &buffer, &own_buffer);
  return buffer;
}

grpc::ByteBuffer EncodeChunk(uint64_t sequence_number, const grpc::Slice& data) {
  const auto data_size = static_cast<uint32_t>(data.size());
  const size_t chunk_size = CodedOutputStream::VarintSize32(kNumber) +
                            CodedOutputStream::VarintSize64(sequence_number) +
                            CodedOutputStream::VarintSize32(kData) +
                            CodedOutputStream::VarintSize32(data_size) + data_size;
  std::array<uint8_t, 64> head;
  uint8_t* end = head.data();
  end = CodedOutputStream::WriteVarint32ToArray(kChunk, end);
  end = CodedOutputStream::WriteVarint32ToArray(static_cast<uint32_t>(chunk_size), end);
  end = CodedOutputStream::WriteVarint32ToArray(kNumber, end);
  end = CodedOutputStream::WriteVarint64ToArray(sequence_number, end);
  end = CodedOutputStream::WriteVarint32ToArray(kData, end);
  end = CodedOutputStream::WriteVarint32ToArray(data_size, end);
  const grpc::Slice slices[] = {grpc::Slice(head.data(), end - head.data()), data};
  return grpc::ByteBuffer(slices, std::size(slices));
}

absl::StatusOr<AnswerHead> DecodeHead(grpc::ByteBuffer& answer) {
  AnswerHead head;
  {  // the reader must be gone before the answer is parsed as a whole
    grpc::ProtoBufferReader reader(&answer);
    CodedInputStream in(&reader);
    const uint32_t tag = in.ReadTag();
    if (tag == 0) return NoAnswer();
    const auto field = WireFormatLite::GetTagFieldNumber(tag);
    head.message = static_cast<v1::NormalizeStreamResponse::MessageCase>(field);
    if (head.message == v1::NormalizeStreamResponse::kResult) {
      uint32_t size = 0;
      constexpr uint32_t kResultNumber =
          Tag(v1::Result::kSequenceNumberFieldNumber, WireFormatLite::WIRETYPE_VARINT);
      if (!in.ReadVarint32(&size) || in.ReadTag() != kResultNumber ||
          !in.ReadVarint64(&head.sequence_number)) {
        return NoAnswer();
      }
    }
  }
  if (head.message != v1::NormalizeStreamResponse::kError) return head;
  v1::NormalizeStreamResponse response;
  if (!grpc::SerializationTraits<v1::NormalizeStreamResponse>::Deserialize(&answer, &response)
           .ok()) {
    return NoAnswer();
  }
  return FromRpc(response.error().status());
}

}  // namespace normd::client
