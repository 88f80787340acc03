#include "client/load/load_stream.h"

#include <chrono>
#include <utility>

#include "absl/strings/str_cat.h"
#include "client/cpp/session_metadata.h"
#include "client/cpp/status.h"
#include "normd/v1/normalization.grpc.pb.h"

namespace normd::client {

int64_t NanosecondsNow() {
  return std::chrono::duration_cast<std::chrono::nanoseconds>(
             std::chrono::steady_clock::now().time_since_epoch())
      .count();
}

void LoadStream::Open(const std::shared_ptr<grpc::Channel>& channel, const v1::Open& open) {
  static const std::string kMethod =
      absl::StrCat("/", v1::NormalizationService::service_full_name(), "/NormalizeStream");
  AddSessionName(open.session(), context_);
  open_ = EncodeOpen(open);
  stub_ = std::make_unique<grpc::GenericStub>(channel);
  call_ = stub_->PrepareCall(&context_, kMethod, shared_.queue);
  call_->StartCall(&started_);
}

void LoadStream::OnStarted(bool ok) {
  if (ok) Write(std::exchange(open_, grpc::ByteBuffer()));
  Read();  // without a call this is false
}

void LoadStream::Begin(double offset) {
  offset_ = offset;
  if (shared_.schedule.interval == 0) SendDue();
}

void LoadStream::SendDue() {
  ++allowed_;
  Advance();
}

void LoadStream::End() {
  ending_ = true;
  const Schedule& schedule = shared_.schedule;
  for (uint64_t number = sent_ + 1; schedule.interval != 0; ++number) {
    const int64_t due = schedule.DueTime(offset_, number);
    if (due >= schedule.end) break;
    if (schedule.Measures(due)) shared_.latencies.Record(schedule.end - due);
    ++shared_.unsent;
  }
  allowed_ = sent_;
  Advance();
}

void LoadStream::Advance() {
  if (writing_) return;
  if (sent_ < allowed_) {
    sent_at_ = NanosecondsNow();
    Write(EncodeChunk(++sent_, shared_.data));
  } else if (ending_ && !writes_closed_) {
    writes_closed_ = true;
    writing_ = true;
    call_->WritesDone(&closed_writes_);
  }
}

void LoadStream::Write(const grpc::ByteBuffer& message) {
  writing_ = true;
  call_->Write(message, &written_);
}

void LoadStream::Read() { call_->Read(&answer_, &read_); }

void LoadStream::OnWritten(bool ok) {
  writing_ = false;
  if (ok) Advance();
}

void LoadStream::OnClosedWrites(bool /*ok*/) { writing_ = false; }

void LoadStream::OnRead(bool ok) {
  if (!ok) {
    call_->Finish(&call_status_, &finished_);
    return;
  }
  const absl::StatusOr<AnswerHead> head = DecodeHead(answer_);
  if (!head.ok()) {
    Fail(head.status());
  } else if (head->message == v1::NormalizeStreamResponse::kOpened) {
    ++shared_.open;
  } else if (head->message == v1::NormalizeStreamResponse::kResult) {
    CountAnswer(head->sequence_number);
  }
  Read();
}

void LoadStream::CountAnswer(uint64_t number) {
  if (number != ++answered_) {
    Fail(absl::InternalError(
        absl::StrCat("chunk ", answered_, " was answered by the result of ", number)));
    return;
  }
  const int64_t now = NanosecondsNow();
  const Schedule& schedule = shared_.schedule;
  const int64_t due = schedule.interval == 0 ? sent_at_ : schedule.DueTime(offset_, number);
  if (schedule.Measures(due)) shared_.latencies.Record(now - due);
  if (schedule.Measures(now)) ++shared_.answers;
  if (schedule.interval == 0 && !ending_) SendDue();
}

void LoadStream::OnFinished(bool /*ok*/) {
  ++shared_.ended;
  if (!call_status_.ok()) {
    Fail(FromGrpc(call_status_));
  } else if (!writes_closed_) {
    Fail(absl::InternalError("the server ended a stream that its client had not"));
  } else if (answered_ != sent_) {
    Fail(absl::InternalError(absl::StrCat(sent_ - answered_, " chunks were not answered")));
  }
}

void LoadStream::Fail(absl::Status status) {
  if (shared_.status.ok()) shared_.status = std::move(status);
  context_.TryCancel();
}

}  // namespace normd::client
