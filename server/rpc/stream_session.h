// One stream of NormalizeStream without the wire: what each message is answered by.
#ifndef NORMD_SERVER_RPC_STREAM_SESSION_H_
#define NORMD_SERVER_RPC_STREAM_SESSION_H_

#include <cstdint>

#include "absl/status/status.h"
#include "core/session/session_store.h"
#include "normd/v1/normalization.pb.h"
#include "server/rpc/chunk_sequence.h"
#include "server/rpc/message_limits.h"
#include "server/rpc/normalization_target.h"

namespace normd::server {

// Not thread-safe: a stream is served by one thread at a time.
class StreamSession {
 public:
  StreamSession(SessionStore& store, const MessageLimits& limits)
      : store_(store), limits_(limits) {}

  // Answers the first message. An error ends the call.
  absl::Status Open(const v1::NormalizeStreamRequest& request,
                    v1::NormalizeStreamResponse* response);

  // Answers any further message by a result or an error in its place. An error that is returned
  // ends the call.
  absl::Status Answer(const v1::NormalizeStreamRequest& request,
                      v1::NormalizeStreamResponse* response);

  // The last message.
  void Close(v1::NormalizeStreamResponse* response) const;

  uint64_t last_sequence_number() const { return sequence_.last(); }

 private:
  SessionStore& store_;
  const MessageLimits limits_;
  NormalizationTarget target_;
  bool return_statistics_ = false;
  ChunkSequence sequence_;
};

}  // namespace normd::server

#endif  // NORMD_SERVER_RPC_STREAM_SESSION_H_
