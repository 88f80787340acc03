#include "client/load/load_worker.h"

#include <algorithm>
#include <utility>

#include "grpc/support/time.h"

namespace normd::client {
namespace {

// A server that takes streams must not take this for an attack.
constexpr int kOpeningAtOnce = 64;
constexpr int64_t kMillisecond = 1'000'000;
// gRPC waits by whole milliseconds: what is nearer is awaited without sleeping.
constexpr int64_t kSpin = 2 * kMillisecond;

gpr_timespec In(int64_t nanoseconds) {
  return gpr_time_add(gpr_now(GPR_CLOCK_MONOTONIC), gpr_time_from_nanos(nanoseconds, GPR_TIMESPAN));
}

}  // namespace

LoadWorker::~LoadWorker() {
  abandoned_ = true;
  if (thread_.joinable()) thread_.join();
  queue_.Shutdown();
  void* tag = nullptr;
  bool ok = false;
  while (queue_.Next(&tag, &ok)) {
  }
}

void LoadWorker::AddStream(std::shared_ptr<grpc::Channel> channel, v1::Open open, double place) {
  planned_.push_back({std::move(channel), std::move(open), place});
}

void LoadWorker::Start(const grpc::Slice& data) {
  shared_.queue = &queue_;
  shared_.data = data;
  thread_ = std::thread([this] { Run(); });
}

void LoadWorker::Drive(const Schedule& schedule, int64_t deadline) {
  schedule_ = schedule;
  deadline_ = deadline;
  has_schedule_ = true;
}

absl::Status LoadWorker::Join() {
  if (thread_.joinable()) thread_.join();
  return shared_.status;
}

void LoadWorker::Run() {
  OpenAll();
  failed_ = !shared_.status.ok();
  is_open_ = shared_.status.ok();
  while (goes_on() && !has_schedule_) WaitABit();
  if (goes_on()) FollowSchedule();
  EndAll();
}

void LoadWorker::OpenAll() {
  const auto opening = [&] {
    return static_cast<int>(streams_.size()) - shared_.open - shared_.ended;
  };
  for (const Planned& planned : planned_) {
    while (goes_on() && opening() >= kOpeningAtOnce) WaitABit();
    if (!goes_on()) return;
    streams_.emplace_back(shared_).Open(planned.channel, planned.open);
  }
  while (goes_on() && opening() > 0) WaitABit();
}

void LoadWorker::WaitABit() { HandleUntil(NanosecondsNow() + kMillisecond); }

void LoadWorker::FollowSchedule() {
  shared_.schedule = schedule_;
  const double interval = schedule_.interval;
  spins_ = interval != 0;
  for (size_t i = 0; i < streams_.size(); ++i) {
    streams_[i].Begin(planned_[i].place * interval);
  }
  size_t next = 0;  // streams are due in turn
  while (shared_.status.ok() && NanosecondsNow() < schedule_.end) {
    if (interval == 0) {
      HandleUntil(schedule_.end);
      continue;
    }
    const int64_t due = streams_[next].NextDue();
    if (due > NanosecondsNow()) {
      HandleUntil(std::min(due, schedule_.end));
      continue;
    }
    streams_[next].SendDue();
    next = (next + 1) % streams_.size();
  }
}

void LoadWorker::EndAll() {
  spins_ = false;
  failed_ = !shared_.status.ok();
  if (goes_on()) {
    for (LoadStream& stream : streams_) stream.End();
  } else {
    CancelAll();
  }
  const auto ended = [&] { return shared_.ended == static_cast<int>(streams_.size()); };
  while (goes_on() && !ended() && NanosecondsNow() < deadline_) {
    HandleOne(NanosecondsNow() + 100 * kMillisecond);
  }
  if (!ended()) {
    if (goes_on()) {
      shared_.status = absl::DeadlineExceededError("the server did not end the streams in time");
    }
    CancelAll();
    while (!ended()) HandleOne(NanosecondsNow() + 100 * kMillisecond);
  }
  failed_ = !shared_.status.ok();
}

void LoadWorker::CancelAll() {
  for (LoadStream& stream : streams_) stream.Cancel();
}

void LoadWorker::HandleUntil(int64_t deadline) {
  do {
    while (HandleOne(deadline) && shared_.status.ok() && NanosecondsNow() < deadline) {
    }
  } while (shared_.status.ok() && NanosecondsNow() < deadline);
}

bool LoadWorker::HandleOne(int64_t deadline) {
  const int64_t left = deadline - NanosecondsNow();
  void* tag = nullptr;
  bool ok = false;
  const gpr_timespec until = !spins_        ? In(left)
                             : left > kSpin ? In(left - kSpin)
                                            : gpr_inf_past(GPR_CLOCK_MONOTONIC);
  if (queue_.AsyncNext(&tag, &ok, until) != grpc::CompletionQueue::GOT_EVENT) return false;
  const auto* event = static_cast<LoadStream::Event*>(tag);
  (event->stream->*event->handle)(ok);
  return true;
}

}  // namespace normd::client
