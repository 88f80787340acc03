// Messages of a stream, from the wire and to it.
#ifndef NORMD_SERVER_RPC_STREAM_MESSAGES_H_
#define NORMD_SERVER_RPC_STREAM_MESSAGES_H_

#include <cstdint>

#include "google/protobuf/io/coded_stream.h"
#include "google/protobuf/message.h"
#include "google/protobuf/unknown_field_set.h"
#include "grpcpp/impl/codegen/proto_utils.h"
#include "grpcpp/support/byte_buffer.h"
#include "grpcpp/support/proto_buffer_reader.h"

namespace normd::server {

// What a message, bytes or a string begin with, of a field number below 16.
constexpr uint8_t LengthDelimitedTag(int field_number) {
  return static_cast<uint8_t>(field_number << 3 | 2);
}

// Whether a message begins with its chunk.
template <typename Request>
bool BeginsWithChunk(grpc::ByteBuffer& message) {
  constexpr uint8_t kTag = LengthDelimitedTag(Request::kChunkFieldNumber);
  grpc::ProtoBufferReader reader(&message);
  const void* bytes = nullptr;
  int size = 0;
  return reader.Next(&bytes, &size) && size > 0 && *static_cast<const uint8_t*>(bytes) == kTag;
}

// Parses `message`, which is released, in place of what `request` holds; false where it is none.
//
// A chunk takes over the memory of the chunk before it. Protobuf alone frees what a oneof holds,
// and takes new: for each token, an allocation of its size.
template <typename Request>
bool ParseRequest(grpc::ByteBuffer& message, Request& request) {
  if (!request.has_chunk() || !BeginsWithChunk<Request>(message)) {
    return grpc::SerializationTraits<Request>::Deserialize(&message, &request).ok();
  }
  request.mutable_chunk()->Clear();
  // Or else those of all messages would be kept.
  const google::protobuf::Reflection& reflection = *request.GetReflection();
  if (!reflection.GetUnknownFields(request).empty()) {
    reflection.MutableUnknownFields(&request)->Clear();
  }
  bool parsed = false;
  {
    grpc::ProtoBufferReader reader(&message);
    google::protobuf::io::CodedInputStream in(&reader);
    parsed = request.MergePartialFromCodedStream(&in) && in.ConsumedEntireMessage() &&
             reader.status().ok();
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
