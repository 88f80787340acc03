// A thread of the generator: a completion queue and the streams on it.
#ifndef NORMD_CLIENT_LOAD_LOAD_WORKER_H_
#define NORMD_CLIENT_LOAD_LOAD_WORKER_H_

#include <atomic>
#include <deque>
#include <memory>
#include <string>
#include <thread>
#include <vector>

#include "absl/status/status.h"
#include "client/load/load.h"
#include "client/load/load_stream.h"

namespace normd::client {

class LoadWorker {
 public:
  LoadWorker() = default;
  // Ends the streams at once where the load has not ended.
  ~LoadWorker();
  LoadWorker(const LoadWorker&) = delete;
  LoadWorker& operator=(const LoadWorker&) = delete;

  // Before Start. The stream's first chunk is due `place` of an interval after the schedule's
  // start.
  void AddStream(std::shared_ptr<grpc::Channel> channel, v1::Open open, double place);

  // Opens the streams, some at a time, on a thread of its own.
  void Start(const grpc::Slice& data);

  // From any thread.
  bool failed() const { return failed_; }
  bool is_open() const { return is_open_; }

  // Drives the streams by `schedule` once they are open. Those that have not ended by `deadline`
  // are cancelled.
  void Drive(const Schedule& schedule, int64_t deadline);

  // When all streams have ended: the first error, and what was measured.
  absl::Status Join();
  const LoadStream::Shared& result() const { return shared_; }

 private:
  struct Planned {
    std::shared_ptr<grpc::Channel> channel;
    v1::Open open;
    double place;
  };

  void Run();
  void OpenAll();
  void FollowSchedule();
  void EndAll();
  void CancelAll();
  // Handles completions until `deadline`.
  void HandleUntil(int64_t deadline);
  // Handles one, if there is one by then.
  bool HandleOne(int64_t deadline);
  // Handles those of a millisecond, while streams open.
  void WaitABit();
  bool goes_on() const { return shared_.status.ok() && !abandoned_; }

  grpc::CompletionQueue queue_;
  LoadStream::Shared shared_;
  std::vector<Planned> planned_;
  std::deque<LoadStream> streams_;
  Schedule schedule_;
  int64_t deadline_ = 0;
  bool spins_ = false;
  std::atomic<bool> is_open_ = false;
  std::atomic<bool> has_schedule_ = false;
  std::atomic<bool> failed_ = false;
  std::atomic<bool> abandoned_ = false;
  std::thread thread_;
};

}  // namespace normd::client

#endif  // NORMD_CLIENT_LOAD_LOAD_WORKER_H_
