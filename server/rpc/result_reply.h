// What a stream of NormalizeStream answers a message by.
#ifndef NORMD_SERVER_RPC_RESULT_REPLY_H_
#define NORMD_SERVER_RPC_RESULT_REPLY_H_

#include <cstdint>

#include "grpcpp/support/byte_buffer.h"
#include "grpcpp/support/slice.h"
#include "normd/v1/normalization.pb.h"

namespace normd::server {

// A result's data is written where gRPC sends it from: neither a copy nor memory of the stream's.
class ResultReply {
 public:
  // All of it but a result's data.
  v1::NormalizeStreamResponse& message() { return message_; }

  // Makes room for a result's data, all of which is to be written there, aligned for any kernel.
  // Memory that cannot be had ends the process, as it does wherever gRPC takes some.
  char* AllocateData(int64_t bytes);

  // As protobuf serializes it, but that `data` is the last field of a result, and there even if
  // it is empty. A result needs an AllocateData of its own: the data is gone afterwards.
  friend grpc::ByteBuffer Serialize(ResultReply& reply);

 private:
  v1::NormalizeStreamResponse message_;
  grpc::Slice slice_;
  int64_t data_begin_ = 0;  // within the slice
  int64_t data_bytes_ = 0;
};

grpc::ByteBuffer Serialize(ResultReply& reply);

}  // namespace normd::server

#endif  // NORMD_SERVER_RPC_RESULT_REPLY_H_
