// A call's deadline: nobody waits for what is done after it.
#ifndef NORMD_SERVER_RPC_DEADLINE_H_
#define NORMD_SERVER_RPC_DEADLINE_H_

#include <chrono>

#include "absl/status/status.h"
#include "grpcpp/server_context.h"

namespace normd::server {

class Deadline {
 public:
  explicit Deadline(const grpc::ServerContext& context) : time_(context.deadline()) {}

  // DEADLINE_EXCEEDED where it has passed. Most calls have none, and no clock is read for them.
  absl::Status Check() const {
    if (time_ == Clock::time_point::max() || Clock::now() < time_) return absl::OkStatus();
    return absl::DeadlineExceededError("the call's deadline has passed: nothing more is computed");
  }

 private:
  using Clock = std::chrono::system_clock;

  const Clock::time_point time_;
};

}  // namespace normd::server

#endif  // NORMD_SERVER_RPC_DEADLINE_H_
