// The order of a stream's messages: `open`, then chunks numbered from 1 without gaps.
#ifndef NORMD_SERVER_RPC_CHUNK_SEQUENCE_H_
#define NORMD_SERVER_RPC_CHUNK_SEQUENCE_H_

#include <cstdint>

#include "absl/status/status.h"
#include "core/error/error.h"
#include "normd/v1/normalization.pb.h"

namespace normd::server {

// A value. `Request` is a message with the cases `open` and `chunk`.
class ChunkSequence {
 public:
  // INVALID_ARGUMENT (field "open") unless the message is `open`.
  template <typename Request>
  static absl::Status CheckFirst(const Request& request) {
    if (request.has_open()) return absl::OkStatus();
    return InvalidFieldError("open", "must be the first message of a stream");
  }

  // INVALID_ARGUMENT (field "chunk") unless the message is a chunk; FAILED_PRECONDITION, reason
  // SEQUENCE_NUMBER and what was `expected`, unless it is the next one.
  template <typename Request>
  absl::Status CheckNext(const Request& request) const {
    if (request.has_chunk()) return CheckNumber(request.chunk().sequence_number());
    return InvalidFieldError(
        "chunk", request.has_open() ? "the stream is open already" : "must be set after `open`");
  }

  // Counts a chunk that is answered, and returns its number.
  uint64_t Advance() { return ++last_; }

  // Counts a chunk that is answered by an error, whose field is one of the chunk.
  void Refuse(const absl::Status& status, v1::ChunkError* error);

  // The last chunk that was answered; 0: none.
  uint64_t last() const { return last_; }

 private:
  absl::Status CheckNumber(uint64_t number) const;

  uint64_t last_ = 0;
};

}  // namespace normd::server

#endif  // NORMD_SERVER_RPC_CHUNK_SEQUENCE_H_
