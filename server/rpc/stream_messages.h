// Messages of a stream, from the wire and to it.
#ifndef NORMD_SERVER_RPC_STREAM_MESSAGES_H_
#define NORMD_SERVER_RPC_STREAM_MESSAGES_H_

#include <cstdint>
#include <memory>

#include "google/protobuf/io/coded_stream.h"
#include "google/protobuf/io/zero_copy_stream.h"
#include "grpcpp/impl/codegen/proto_utils.h"
#include "grpcpp/support/byte_buffer.h"
#include "grpcpp/support/proto_buffer_reader.h"
#include "normd/v1/normalization.pb.h"

namespace normd::server {

// What a message, bytes or a string begin with, of a field number below 16.
constexpr uint8_t LengthDelimitedTag(int field_number) {
  return static_cast<uint8_t>(field_number << 3 | 2);
}

// Whether what is to be read of a message begins with its chunk.
template <typename Request>
bool BeginsWithChunk(google::protobuf::io::ZeroCopyInputStream& message) {
  constexpr uint8_t kTag = LengthDelimitedTag(Request::kChunkFieldNumber);
  const void* bytes = nullptr;
  int size = 0;
  if (!message.Next(&bytes, &size)) return false;
  const bool begins = size > 0 && *static_cast<const uint8_t*>(bytes) == kTag;
  message.BackUp(size);
  return begins;
}

// Parses `message`, which is released, in place of what `request` holds; false where it is none.
//
// A chunk takes over the memory of the chunk before it. Protobuf alone frees what a oneof holds,
// and takes new: for each token, an allocation of its size.
template <typename Request>
bool ParseRequest(grpc::ByteBuffer& message, Request& request) {
  bool parsed = message.Valid();
  if (parsed) {
    grpc::ProtoBufferReader reader(&message);
    const bool is_next_chunk = request.has_chunk() && BeginsWithChunk<Request>(reader);
    std::unique_ptr<v1::Chunk> chunk(is_next_chunk ? request.release_chunk() : nullptr);
    request.Clear();
    if (chunk != nullptr) {
      chunk->Clear();
      request.set_allocated_chunk(chunk.release());
    }
    google::protobuf::io::CodedInputStream in(&reader);
    parsed = request.MergePartialFromCodedStream(&in) && in.ConsumedEntireMessage();
  }
  message.Clear();
  return parsed;
}

template <typename Response>
grpc::ByteBuffer Serialize(const Response& response) {
  grpc::ByteBuffer buffer;
  bool own_buffer = false;
  grpc::SerializationTraits<Response>::Serialize(response, &buffer, &own_buffer);
  return buffer;
}

}  // namespace normd::server

#endif  // NORMD_SERVER_RPC_STREAM_MESSAGES_H_
