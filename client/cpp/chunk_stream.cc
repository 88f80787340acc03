#include "client/cpp/chunk_stream.h"

#include <utility>

#include "client/cpp/compare_stream.h"
#include "client/cpp/normalize_stream.h"
#include "client/cpp/status.h"

namespace normd::client {
namespace {

// Beyond this, a wait is one without an end: a clock's nanoseconds do not reach much further.
constexpr absl::Duration kForever = absl::Hours(24 * 365 * 100);

}  // namespace

template <typename Call>
absl::Status ChunkStream<Call>::Start(const std::shared_ptr<grpc::Channel>& channel,
                                      const typename Call::Open& open, absl::Duration timeout) {
  // Nothing is sent, and so nothing waits for a connection, before the first Write.
  context_.set_initial_metadata_corked(true);
  stub_ = std::make_unique<typename Call::Stub>(channel);
  stream_ = ((*stub_).*Call::kMethod)(&context_);
  Request request;
  *request.mutable_open() = open;
  reader_ = std::thread([this, request = std::move(request)] {
    stream_->Write(request);  // a failure comes out as the call's status
    ReadAll();
  });
  std::unique_lock lock(mutex_);
  if (!WaitLocked(lock, timeout, [this] { return is_open_ || ended_; })) {
    return absl::DeadlineExceededError("the server did not open the stream in time");
  }
  return is_open_ ? absl::OkStatus() : StatusLocked();
}

template <typename Call>
ChunkStream<Call>::~ChunkStream() {
  Cancel();
  if (reader_.joinable()) reader_.join();
}

template <typename Call>
void ChunkStream<Call>::Cancel() {
  context_.TryCancel();
  const std::lock_guard lock(mutex_);
  DropUnreadLocked();
}

template <typename Call>
void ChunkStream<Call>::DropUnreadLocked() {
  dropping_ = true;
  unread_.clear();
  unread_bytes_ = 0;
  changed_.notify_all();
}

template <typename Call>
template <typename Ready>
bool ChunkStream<Call>::WaitLocked(std::unique_lock<std::mutex>& lock, absl::Duration timeout,
                                   Ready ready) {
  if (timeout < kForever) {
    return changed_.wait_for(lock, absl::ToChronoNanoseconds(timeout), ready);
  }
  changed_.wait(lock, ready);
  return true;
}

template <typename Call>
bool ChunkStream<Call>::HasUnread() const {
  const std::lock_guard lock(mutex_);
  return last_read_ != last_written_ && !(ended_ && unread_.empty());
}

template <typename Call>
typename Call::Last ChunkStream<Call>::closed() const {
  const std::lock_guard lock(mutex_);
  return closed_;
}

template <typename Call>
void ChunkStream<Call>::ReadAll() {
  Response response;
  while (stream_->Read(&response)) {
    std::unique_lock lock(mutex_);
    if (response.has_opened()) {
      opened_ = response.opened();
      is_open_ = true;
    } else if (const Last* last = Call::LastOf(response)) {
      closed_ = *last;
    } else if (response.has_result() || response.has_error()) {
      const auto bytes = static_cast<int64_t>(sizeof(Unread) + response.ByteSizeLong());
      changed_.wait(
          lock, [this] { return dropping_ || is_broken_ || unread_bytes_ < max_unread_bytes_; });
      if (!dropping_) {
        unread_bytes_ += bytes;
        unread_.push_back({Call::ToAnswer(response, opened_), bytes});
      }
    }
    changed_.notify_all();
  }
  const grpc::Status status = stream_->Finish();
  const std::lock_guard lock(mutex_);
  status_ = FromGrpc(status);
  ended_ = true;
  changed_.notify_all();
}

template <typename Call>
absl::Status ChunkStream<Call>::StatusLocked() const {
  return status_.ok() ? absl::OutOfRangeError("the stream has ended") : status_;
}

template <typename Call>
absl::Status ChunkStream<Call>::Write(v1::Chunk chunk) {
  if (writes_closed_) return absl::FailedPreconditionError("the stream's writes are closed");
  chunk.set_sequence_number(last_written_ + 1);
  Request request;
  *request.mutable_chunk() = std::move(chunk);
  if (stream_->Write(request)) {
    ++last_written_;
    return absl::OkStatus();
  }
  std::unique_lock lock(mutex_);
  is_broken_ = true;
  changed_.notify_all();
  changed_.wait(lock, [this] { return ended_; });
  return StatusLocked();
}

template <typename Call>
absl::StatusOr<typename Call::Answer> ChunkStream<Call>::Read(absl::Duration timeout) {
  std::unique_lock lock(mutex_);
  if (!WaitLocked(lock, timeout, [this] { return !unread_.empty() || ended_; })) {
    return absl::DeadlineExceededError("no answer in time");
  }
  if (unread_.empty()) return StatusLocked();
  Unread next = std::move(unread_.front());
  unread_.pop_front();
  unread_bytes_ -= next.bytes;
  last_read_ = next.answer.sequence_number;
  changed_.notify_all();
  return std::move(next.answer);
}

template <typename Call>
void ChunkStream<Call>::CloseWrites() {
  if (std::exchange(writes_closed_, true)) return;
  stream_->WritesDone();
}

template <typename Call>
absl::StatusOr<typename Call::Last> ChunkStream<Call>::Finish() {
  CloseWrites();
  std::unique_lock lock(mutex_);
  DropUnreadLocked();
  changed_.wait(lock, [this] { return ended_; });
  if (!status_.ok()) return status_;
  return closed_;
}

// The calls that there are.
template class ChunkStream<NormalizeCall>;
template class ChunkStream<CompareCall>;

}  // namespace normd::client
