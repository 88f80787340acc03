// A stream of activations on which methods are compared.
#ifndef NORMD_CLIENT_CPP_COMPARE_STREAM_H_
#define NORMD_CLIENT_CPP_COMPARE_STREAM_H_

#include <cstdint>
#include <memory>

#include "absl/status/statusor.h"
#include "absl/time/time.h"
#include "client/cpp/chunk_stream.h"
#include "grpcpp/channel.h"
#include "normd/v1/comparison.grpc.pb.h"

namespace normd::client {

// What a chunk was answered by.
struct CompareAnswer {
  uint64_t sequence_number = 0;
  absl::Status status;       // not OK: the chunk was refused, and the stream goes on
  v1::CompareResult result;  // empty where it was refused
};

// ComparisonService.Compare as ChunkStream takes it.
struct CompareCall {
  using Stub = v1::ComparisonService::Stub;
  using Request = v1::CompareRequest;
  using Response = v1::CompareResponse;
  using Open = v1::CompareOpen;
  using Opened = v1::CompareOpened;
  using Answer = CompareAnswer;
  using Last = v1::CompareSummary;

  static constexpr auto kMethod = &Stub::Compare;
  // The last message, or null where it is another.
  static const Last* LastOf(const Response& response);
  // Of a result or an error, whose data it takes away.
  static Answer ToAnswer(Response& response, const Opened& opened);
};

class CompareStream : public ChunkStream<CompareCall> {
 public:
  // Opens a stream and waits for the server's answer, `timeout` at most. Its end is the call's
  // status.
  static absl::StatusOr<std::unique_ptr<CompareStream>> Open(
      const std::shared_ptr<grpc::Channel>& channel, const v1::CompareOpen& open,
      absl::Duration timeout, int64_t max_unread_bytes);

 private:
  using ChunkStream::ChunkStream;
};

}  // namespace normd::client

#endif  // NORMD_CLIENT_CPP_COMPARE_STREAM_H_
