// One stream of NormalizeStream without the wire: what each message is answered by.
#ifndef NORMD_SERVER_RPC_STREAM_SESSION_H_
#define NORMD_SERVER_RPC_STREAM_SESSION_H_

#include <cstdint>

#include "absl/functional/function_ref.h"
#include "absl/status/status.h"
#include "absl/strings/string_view.h"
#include "core/kernels/executor.h"
#include "core/session/session_store.h"
#include "normd/v1/normalization.pb.h"
#include "server/observability/normalization_metrics.h"
#include "server/rpc/chunk_sequence.h"
#include "server/rpc/inline_limit.h"
#include "server/rpc/message_limits.h"
#include "server/rpc/normalization_target.h"
#include "server/rpc/result_reply.h"

namespace normd::server {

// Not thread-safe: a stream is served by one thread at a time.
class StreamSession {
 public:
  using Request = v1::NormalizeStreamRequest;
  using Reply = ResultReply;

  // `store` and `metrics` must outlive it.
  StreamSession(SessionStore& store, const MessageLimits& limits, int64_t inline_bytes,
                const NormalizationMetrics& metrics)
      : store_(store),
        limits_(limits),
        metrics_(metrics),
        target_(metrics),
        inline_limit_(inline_bytes) {}

  // Answers the first message. An error ends the call.
  absl::Status Open(const Request& request, ResultReply* reply);

  // Answers any further message by a result or an error in its place. An error that is returned
  // ends the call; but for IsBusy, under Patience::kRefuse: then it can be answered later.
  absl::Status Answer(const Request& request, Patience patience, Executor& executor,
                      ResultReply* reply);

  // The last message. True: it takes no time.
  bool Close(absl::FunctionRef<bool()> is_abandoned, ResultReply* reply) const;
  static bool closes_slowly() { return false; }

  // Of the next message: a larger one takes too long for a loop's thread.
  int64_t inline_bytes() const { return inline_limit_.bytes(); }
  const void* turn(bool busy) const { return target_.turn(busy); }

  uint64_t last_sequence_number() const { return sequence_.last(); }
  absl::string_view session_name() const { return target_.session_name(); }

  void ReleaseBuffers() {}  // keeps none

 private:
  SessionStore& store_;
  const MessageLimits limits_;
  const NormalizationMetrics& metrics_;
  NormalizationTarget target_;
  InlineLimit inline_limit_;
  bool return_statistics_ = false;
  ChunkSequence sequence_;
};

}  // namespace normd::server

#endif  // NORMD_SERVER_RPC_STREAM_SESSION_H_
