// One stream of NormalizeStream without the wire: what each message is answered by.
#ifndef NORMD_SERVER_RPC_STREAM_SESSION_H_
#define NORMD_SERVER_RPC_STREAM_SESSION_H_

#include <cstdint>
#include <memory>
#include <variant>

#include "absl/status/status.h"
#include "core/method/group_normalizer.h"
#include "core/method/normalizer.h"
#include "core/session/session.h"
#include "core/session/session_store.h"
#include "normd/v1/normalization.pb.h"

namespace normd::server {

// What the server takes from one stream.
struct StreamLimits {
  int64_t max_message_bytes = 4 << 20;
  int64_t max_row_elements = 1 << 20;
};

// Not thread-safe: a stream is served by one thread at a time.
class StreamSession {
 public:
  StreamSession(SessionStore& store, const StreamLimits& limits) : store_(store), limits_(limits) {}

  // Answers the first message. An error ends the call.
  absl::Status Open(const v1::NormalizeStreamRequest& request,
                    v1::NormalizeStreamResponse* response);

  // Answers any further message by a result or an error in its place. An error that is returned
  // ends the call.
  absl::Status Normalize(const v1::NormalizeStreamRequest& request,
                         v1::NormalizeStreamResponse* response);

  // The last message.
  void Close(v1::NormalizeStreamResponse* response) const;

  uint64_t last_sequence_number() const { return last_sequence_number_; }

 private:
  absl::Status Bind(NormalizationSpec& spec, const v1::Open& open);
  template <typename Normalizer>
  absl::Status BindStateless(NormalizationSpec& spec, absl::Span<const int64_t> row_shape);
  // The version of the statistics afterwards; 0 without a session.
  absl::StatusOr<uint64_t> NormalizeRows(const float* x, int64_t rows, float* y) const;

  SessionStore& store_;
  const StreamLimits limits_;
  std::variant<std::monostate, RowNormalizer, GroupNormalizer, ChannelNormalizer> normalizer_;
  int64_t row_size_ = 0;  // elements, once the stream is open
  StreamingPolicy policy_;
  std::shared_ptr<Session> session_;  // null: stateless
  Session::StreamLease lease_;
  bool return_statistics_ = false;
  uint64_t last_sequence_number_ = 0;
};

}  // namespace normd::server

#endif  // NORMD_SERVER_RPC_STREAM_SESSION_H_
