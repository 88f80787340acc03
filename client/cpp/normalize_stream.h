// A stream of tensors, normalized.
#ifndef NORMD_CLIENT_CPP_NORMALIZE_STREAM_H_
#define NORMD_CLIENT_CPP_NORMALIZE_STREAM_H_

#include <cstdint>
#include <memory>
#include <string>
#include <vector>

#include "absl/status/statusor.h"
#include "absl/time/time.h"
#include "absl/types/span.h"
#include "client/cpp/chunk_stream.h"
#include "grpcpp/channel.h"
#include "normd/v1/normalization.grpc.pb.h"

namespace normd::client {

// What a chunk was answered by.
struct Answer {
  uint64_t sequence_number = 0;
  absl::Status status;  // not OK: the chunk was refused, and the stream goes on
  v1::ElementType element_type = v1::ELEMENT_TYPE_UNSPECIFIED;  // the stream's
  std::string data;  // of the chunk's shape, little-endian; empty where it was refused
  uint64_t statistics_version = 0;

  // The values of `data`; those of FLOAT64 are rounded.
  std::vector<float> Float32() const;
};

// NormalizationService.NormalizeStream as ChunkStream takes it.
struct NormalizeCall {
  using Stub = v1::NormalizationService::Stub;
  using Request = v1::NormalizeStreamRequest;
  using Response = v1::NormalizeStreamResponse;
  using Open = v1::Open;
  using Opened = v1::Opened;
  using Answer = client::Answer;
  using Last = v1::Closed;

  static constexpr auto kMethod = &Stub::NormalizeStream;
  // The last message, or null where it is another.
  static const Last* LastOf(const Response& response);
  // Of a result or an error, whose data it takes away.
  static Answer ToAnswer(Response& response, const Opened& opened);
};

class NormalizeStream : public ChunkStream<NormalizeCall> {
 public:
  // Opens a stream and waits for the server's answer, `timeout` at most. Its end is the call's
  // status.
  static absl::StatusOr<std::unique_ptr<NormalizeStream>> Open(
      const std::shared_ptr<grpc::Channel>& channel, const v1::Open& open, absl::Duration timeout,
      int64_t max_unread_bytes);

  // Sends one chunk of whole rows, row-major. FAILED_PRECONDITION, and nothing is sent, where the
  // stream was not opened for FLOAT32.
  using ChunkStream::Write;
  absl::Status Write(absl::Span<const float> rows);

  // Write, then Read within `timeout`, for one chunk at a time; a refused chunk's status is
  // returned. FAILED_PRECONDITION, and nothing is sent, where the answer to an earlier chunk is
  // unread, as after a DEADLINE_EXCEEDED: Read it first.
  absl::StatusOr<std::vector<float>> Normalize(absl::Span<const float> rows,
                                               absl::Duration timeout = absl::InfiniteDuration());

 private:
  using ChunkStream::ChunkStream;

  v1::ElementType element_type_ = v1::ELEMENT_TYPE_UNSPECIFIED;  // of what is written
};

}  // namespace normd::client

#endif  // NORMD_CLIENT_CPP_NORMALIZE_STREAM_H_
