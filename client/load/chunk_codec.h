// Messages of a stream as bytes: without copying their data, and without parsing it.
#ifndef NORMD_CLIENT_LOAD_CHUNK_CODEC_H_
#define NORMD_CLIENT_LOAD_CHUNK_CODEC_H_

#include <cstdint>

#include "absl/status/statusor.h"
#include "grpcpp/support/byte_buffer.h"
#include "grpcpp/support/slice.h"
#include "normd/v1/normalization.pb.h"

namespace normd::client {

grpc::ByteBuffer EncodeOpen(const v1::Open& open);

// A NormalizeStreamRequest with a chunk of this number and data, which is shared.
grpc::ByteBuffer EncodeChunk(uint64_t sequence_number, const grpc::Slice& data);

// What is known of an answer from its first bytes.
struct AnswerHead {
  v1::NormalizeStreamResponse::MessageCase message = v1::NormalizeStreamResponse::MESSAGE_NOT_SET;
  uint64_t sequence_number = 0;  // of a result
};

// The status of an answer that is an error; INTERNAL where it is no answer at all.
absl::StatusOr<AnswerHead> DecodeHead(grpc::ByteBuffer& answer);

}  // namespace normd::client

#endif  // NORMD_CLIENT_LOAD_CHUNK_CODEC_H_
