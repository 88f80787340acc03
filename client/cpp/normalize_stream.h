// A stream of tensors: reads while it writes.
#ifndef NORMD_CLIENT_CPP_NORMALIZE_STREAM_H_
#define NORMD_CLIENT_CPP_NORMALIZE_STREAM_H_

#include <condition_variable>
#include <cstdint>
#include <deque>
#include <memory>
#include <mutex>
#include <string>
#include <thread>
#include <vector>

#include "absl/status/statusor.h"
#include "absl/time/time.h"
#include "absl/types/span.h"
#include "grpcpp/channel.h"
#include "grpcpp/client_context.h"
#include "normd/v1/normalization.grpc.pb.h"

namespace normd::client {

// What a chunk was answered by.
struct Answer {
  uint64_t sequence_number = 0;
  absl::Status status;        // not OK: the chunk was refused, and the stream goes on
  std::vector<float> values;  // of the chunk's shape; empty where it was refused
  uint64_t statistics_version = 0;
};

// One open stream. A thread of its own takes answers off the wire, so that the server is never kept
// waiting while its client writes; what is unread waits in memory, up to `max_unread_bytes`, and
// beyond that stops the server and then Write: who writes much must read. One thread may write
// while another reads.
class NormalizeStream {
 public:
  // Opens a stream and waits for the server's answer, `timeout` at most. Its end is the call's
  // status.
  static absl::StatusOr<std::unique_ptr<NormalizeStream>> Open(
      const std::shared_ptr<grpc::Channel>& channel, const v1::Open& open, absl::Duration timeout,
      int64_t max_unread_bytes);

  // Cancels the call unless it has ended.
  ~NormalizeStream();

  NormalizeStream(const NormalizeStream&) = delete;
  NormalizeStream& operator=(const NormalizeStream&) = delete;

  // The resolved spec and the server's limits.
  const v1::Opened& opened() const { return opened_; }

  // Sends one chunk of whole rows, row-major. Waits for flow control. The call's status where it
  // has ended; what was answered before can still be read.
  absl::Status Write(absl::Span<const float> rows);

  // The next answer, in the order of writes. DEADLINE_EXCEEDED after `timeout`; OUT_OF_RANGE at the
  // end of the stream; the call's status where it failed.
  absl::StatusOr<Answer> Read(absl::Duration timeout = absl::InfiniteDuration());

  // Write, then Read, for one chunk at a time; a refused chunk's status is returned.
  absl::StatusOr<std::vector<float>> Normalize(absl::Span<const float> rows);

  // No more writes. Answers can still be read.
  void CloseWrites();

  // Closes writes, drops what is unread, and returns the server's last message, or the call's
  // status.
  absl::StatusOr<v1::Closed> Finish();

  // The server's last message, which also an error may follow: where to go on after a drain. Empty
  // until it was received.
  v1::Closed closed() const;

  // Ends the call, and whatever waits in Write or Read, from any thread. Drops what is unread.
  void Cancel();

 private:
  explicit NormalizeStream(int64_t max_unread_bytes) : max_unread_bytes_(max_unread_bytes) {}

  void ReadAll();
  absl::Status StatusLocked() const;

  const int64_t max_unread_bytes_;
  grpc::ClientContext context_;
  std::unique_ptr<v1::NormalizationService::Stub> stub_;
  std::unique_ptr<grpc::ClientReaderWriter<v1::NormalizeStreamRequest, v1::NormalizeStreamResponse>>
      stream_;
  std::thread reader_;
  v1::Opened opened_;           // written before the stream is handed out
  uint64_t last_written_ = 0;   // the writer's
  bool writes_closed_ = false;  // the writer's

  mutable std::mutex mutex_;  // guards what follows
  std::condition_variable changed_;
  std::deque<Answer> unread_;
  int64_t unread_bytes_ = 0;
  bool is_open_ = false;
  bool dropping_ = false;   // answers come and go unread
  bool is_broken_ = false;  // no more than a window's answers can come: they need no bound
  bool ended_ = false;
  absl::Status status_;
  v1::Closed closed_;
};

}  // namespace normd::client

#endif  // NORMD_CLIENT_CPP_NORMALIZE_STREAM_H_
