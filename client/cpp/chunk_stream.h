// A call that streams chunks one way and answers the other: reads while it writes.
#ifndef NORMD_CLIENT_CPP_CHUNK_STREAM_H_
#define NORMD_CLIENT_CPP_CHUNK_STREAM_H_

#include <condition_variable>
#include <cstdint>
#include <deque>
#include <memory>
#include <mutex>
#include <thread>

#include "absl/status/statusor.h"
#include "absl/time/time.h"
#include "grpcpp/channel.h"
#include "grpcpp/client_context.h"
#include "grpcpp/support/sync_stream.h"
#include "normd/v1/normalization.pb.h"

namespace normd::client {

// One open stream of the kind `Call`, which names the messages (see NormalizeCall). A thread of its
// own takes answers off the wire, so that the server is never kept waiting while its client writes;
// what is unread waits in memory, up to `max_unread_bytes`, and beyond that stops the server and
// then Write: who writes much must read. One thread, the writer, may call Write, CloseWrites and
// Finish while another calls Read.
template <typename Call>
class ChunkStream {
 public:
  using Request = typename Call::Request;
  using Opened = typename Call::Opened;
  using Answer = typename Call::Answer;
  using Last = typename Call::Last;

  ChunkStream(const ChunkStream&) = delete;
  ChunkStream& operator=(const ChunkStream&) = delete;

  // The resolved spec and the server's limits.
  const Opened& opened() const { return opened_; }

  // Sends one chunk; its sequence number is filled in. Waits for flow control. The call's status
  // where it has ended; what was answered before can still be read.
  absl::Status Write(v1::Chunk chunk);

  // The next answer, in the order of writes. DEADLINE_EXCEEDED after `timeout`; OUT_OF_RANGE at the
  // end of the stream; the call's status where it failed.
  absl::StatusOr<Answer> Read(absl::Duration timeout = absl::InfiniteDuration());

  // No more writes. Answers can still be read. The writer's.
  void CloseWrites();

  // Closes writes, drops what is unread and what is still answered, and returns the server's last
  // message, or the call's status. The writer's.
  absl::StatusOr<Last> Finish();

  // The server's last message, which also an error may follow: where to go on after a drain. Empty
  // until it was received.
  Last closed() const;

  // Ends the call, and whatever waits in Write or Read, from any thread. Drops what is unread: Read
  // returns the call's status.
  void Cancel();

 protected:
  explicit ChunkStream(int64_t max_unread_bytes) : max_unread_bytes_(max_unread_bytes) {}

  // Cancels the call unless it has ended.
  ~ChunkStream();

  // Sends `open` and waits for the server's answer, `timeout` at most. The call's status where it
  // ended instead.
  absl::Status Start(const std::shared_ptr<grpc::Channel>& channel, const typename Call::Open& open,
                     absl::Duration timeout);

  // Whether the answer to a chunk that was written is still to be read. The writer's.
  bool HasUnread() const;

  grpc::ClientContext context_;  // metadata may be added before Start

 private:
  using Response = typename Call::Response;
  struct Unread {
    Answer answer;
    int64_t bytes;
  };

  void ReadAll();
  absl::Status StatusLocked() const;
  void DropUnreadLocked();
  // Whether `ready` came true within `timeout`.
  template <typename Ready>
  bool WaitLocked(std::unique_lock<std::mutex>& lock, absl::Duration timeout, Ready ready);

  const int64_t max_unread_bytes_;
  std::unique_ptr<typename Call::Stub> stub_;
  std::unique_ptr<grpc::ClientReaderWriter<Request, Response>> stream_;
  std::thread reader_;
  Opened opened_;               // written before the stream is handed out
  uint64_t last_written_ = 0;   // the writer's
  bool writes_closed_ = false;  // the writer's

  mutable std::mutex mutex_;  // guards what follows
  std::condition_variable changed_;
  std::deque<Unread> unread_;
  int64_t unread_bytes_ = 0;
  uint64_t last_read_ = 0;
  bool is_open_ = false;
  bool dropping_ = false;   // answers come and go unread
  bool is_broken_ = false;  // no more than a window's answers can come: they need no bound
  bool ended_ = false;
  absl::Status status_;
  Last closed_;
};

}  // namespace normd::client

#endif  // NORMD_CLIENT_CPP_CHUNK_STREAM_H_
