#include "client/cpp/normalize_stream.h"

#include <bit>
#include <cstring>
#include <utility>

#include "absl/strings/strip.h"
#include "client/cpp/status.h"

namespace normd::client {

static_assert(std::endian::native == std::endian::little, "tensors are little-endian on the wire");

namespace {

int64_t BytesOf(const Answer& answer) {
  return static_cast<int64_t>(sizeof(answer) + answer.values.size() * sizeof(float) +
                              answer.status.message().size());
}

}  // namespace

absl::StatusOr<std::unique_ptr<NormalizeStream>> NormalizeStream::Open(
    const std::shared_ptr<grpc::Channel>& channel, const v1::Open& open, absl::Duration timeout,
    int64_t max_unread_bytes) {
  std::unique_ptr<NormalizeStream> result(new NormalizeStream(max_unread_bytes));
  if (open.has_session()) {
    result->context_.AddMetadata("normd-session",
                                 std::string(absl::StripPrefix(open.session(), "sessions/")));
  }
  // Nothing is sent, and so nothing waits for a connection, before the first Write.
  result->context_.set_initial_metadata_corked(true);
  result->stub_ = v1::NormalizationService::NewStub(channel);
  result->stream_ = result->stub_->NormalizeStream(&result->context_);
  v1::NormalizeStreamRequest request;
  *request.mutable_open() = open;
  result->reader_ = std::thread([stream = result.get(), request = std::move(request)] {
    stream->stream_->Write(request);  // a failure comes out as the call's status
    stream->ReadAll();
  });
  std::unique_lock lock(result->mutex_);
  const auto done = [&] { return result->is_open_ || result->ended_; };
  if (timeout == absl::InfiniteDuration()) {
    result->changed_.wait(lock, done);
  } else if (!result->changed_.wait_for(lock, absl::ToChronoNanoseconds(timeout), done)) {
    return absl::DeadlineExceededError("the server did not open the stream in time");
  }
  if (!result->is_open_) return result->StatusLocked();
  return result;
}

NormalizeStream::~NormalizeStream() {
  Cancel();
  if (reader_.joinable()) reader_.join();
}

void NormalizeStream::Cancel() {
  context_.TryCancel();
  const std::lock_guard lock(mutex_);
  dropping_ = true;
  changed_.notify_all();
}

v1::Closed NormalizeStream::closed() const {
  const std::lock_guard lock(mutex_);
  return closed_;
}

void NormalizeStream::ReadAll() {
  v1::NormalizeStreamResponse response;
  while (stream_->Read(&response)) {
    std::unique_lock lock(mutex_);
    if (response.has_opened()) {
      opened_ = response.opened();
      is_open_ = true;
    } else if (response.has_closed()) {
      closed_ = response.closed();
    } else if (response.has_result() || response.has_error()) {
      Answer answer;
      if (response.has_result()) {
        const std::string& data = response.result().data();
        answer.sequence_number = response.result().sequence_number();
        answer.statistics_version = response.result().statistics_version();
        answer.values.resize(data.size() / sizeof(float));
        std::memcpy(answer.values.data(), data.data(), answer.values.size() * sizeof(float));
      } else {
        answer.sequence_number = response.error().sequence_number();
        answer.status = FromRpc(response.error().status());
      }
      changed_.wait(
          lock, [this] { return dropping_ || is_broken_ || unread_bytes_ < max_unread_bytes_; });
      if (!dropping_) {
        unread_bytes_ += BytesOf(answer);
        unread_.push_back(std::move(answer));
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

absl::Status NormalizeStream::StatusLocked() const {
  return status_.ok() ? absl::OutOfRangeError("the stream has ended") : status_;
}

absl::Status NormalizeStream::Write(absl::Span<const float> rows) {
  if (writes_closed_) return absl::FailedPreconditionError("the stream's writes are closed");
  v1::NormalizeStreamRequest request;
  v1::Chunk* chunk = request.mutable_chunk();
  chunk->set_sequence_number(last_written_ + 1);
  chunk->set_data(rows.data(), rows.size() * sizeof(float));
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

absl::StatusOr<Answer> NormalizeStream::Read(absl::Duration timeout) {
  std::unique_lock lock(mutex_);
  const auto ready = [this] { return !unread_.empty() || ended_; };
  if (timeout == absl::InfiniteDuration()) {
    changed_.wait(lock, ready);
  } else if (!changed_.wait_for(lock, absl::ToChronoNanoseconds(timeout), ready)) {
    return absl::DeadlineExceededError("no answer in time");
  }
  if (unread_.empty()) return StatusLocked();
  Answer answer = std::move(unread_.front());
  unread_.pop_front();
  unread_bytes_ -= BytesOf(answer);
  changed_.notify_all();
  return answer;
}

absl::StatusOr<std::vector<float>> NormalizeStream::Normalize(absl::Span<const float> rows) {
  if (absl::Status status = Write(rows); !status.ok()) return status;
  absl::StatusOr<Answer> answer = Read();
  if (!answer.ok()) return answer.status();
  if (!answer->status.ok()) return answer->status;
  return std::move(answer->values);
}

void NormalizeStream::CloseWrites() {
  if (std::exchange(writes_closed_, true)) return;
  stream_->WritesDone();
}

absl::StatusOr<v1::Closed> NormalizeStream::Finish() {
  CloseWrites();
  std::unique_lock lock(mutex_);
  dropping_ = true;
  changed_.notify_all();
  changed_.wait(lock, [this] { return ended_; });
  if (!status_.ok()) return status_;
  return closed_;
}

}  // namespace normd::client
