#include "client/load/load.h"

#include <time.h>

#include <algorithm>
#include <chrono>
#include <memory>
#include <thread>

#include "absl/strings/str_cat.h"
#include "absl/time/clock.h"
#include "client/load/load_worker.h"

namespace normd::client {
namespace {

double CpuSeconds(clockid_t clock) {
  timespec time = {};
  clock_gettime(clock, &time);
  return static_cast<double>(time.tv_sec) + 1e-9 * static_cast<double>(time.tv_nsec);
}

void SleepUntil(int64_t nanoseconds) {
  std::this_thread::sleep_for(std::chrono::nanoseconds(nanoseconds - NanosecondsNow()));
}

// A connection that no other channel shares.
std::shared_ptr<grpc::Channel> ConnectAlone(const ClientOptions& server) {
  grpc::ChannelArguments arguments;
  arguments.SetInt(GRPC_ARG_USE_LOCAL_SUBCHANNEL_POOL, 1);
  return CreateChannel(server, arguments);
}

// A stream's place in the schedule is its number's, whichever thread it is on.
std::vector<std::unique_ptr<LoadWorker>> Plan(const Load& load, const ClientOptions& server) {
  std::vector<std::shared_ptr<grpc::Channel>> channels;
  channels.reserve(load.connections);
  for (int i = 0; i < load.connections; ++i) channels.push_back(ConnectAlone(server));
  std::vector<std::unique_ptr<LoadWorker>> workers(
      std::min({load.threads, load.connections, load.streams}));
  for (auto& worker : workers) worker = std::make_unique<LoadWorker>();
  for (int i = 0; i < load.streams; ++i) {
    v1::Open open = load.open;
    if (!load.sessions.empty()) open.set_session(load.sessions[i % load.sessions.size()]);
    // A connection is served by the thread that reads it: all its streams are on one.
    const int connection = i % load.connections;
    workers[connection % workers.size()]->AddStream(channels[connection], std::move(open),
                                                    static_cast<double>(i) / load.streams);
  }
  return workers;
}

}  // namespace

absl::StatusOr<LoadResult> Run(const Load& load, const ClientOptions& server) {
  clockid_t server_clock = CLOCK_MONOTONIC;
  if (load.server_pid != 0 && clock_getcpuclockid(load.server_pid, &server_clock) != 0) {
    return absl::NotFoundError(absl::StrCat("there is no process ", load.server_pid));
  }
  const auto workers = Plan(load, server);
  const grpc::Slice data(load.data);
  for (const auto& worker : workers) worker->Start(data);
  const absl::Time deadline = absl::Now() + server.timeout;
  for (const auto& worker : workers) {
    while (!worker->is_open() && !worker->failed() && absl::Now() < deadline) {
      std::this_thread::sleep_for(std::chrono::milliseconds(1));
    }
    if (worker->failed()) return worker->Join();
    if (!worker->is_open()) {
      return absl::DeadlineExceededError("the server did not open the streams in time");
    }
  }
  Schedule schedule;
  schedule.start = NanosecondsNow() + 10'000'000;  // when all threads know it
  schedule.measured_from = schedule.start + absl::ToInt64Nanoseconds(load.warm_up);
  schedule.end = schedule.measured_from + absl::ToInt64Nanoseconds(load.duration);
  if (load.chunks_per_second > 0) schedule.interval = 1e9 * load.streams / load.chunks_per_second;
  const int64_t patience = absl::ToInt64Nanoseconds(server.timeout);
  for (const auto& worker : workers) worker->Drive(schedule, schedule.end + patience);

  LoadResult result;
  SleepUntil(schedule.measured_from);
  const double generator_cpu = CpuSeconds(CLOCK_PROCESS_CPUTIME_ID);
  const double server_cpu = CpuSeconds(server_clock);
  SleepUntil(schedule.end);
  result.generator_cpu_seconds = CpuSeconds(CLOCK_PROCESS_CPUTIME_ID) - generator_cpu;
  if (load.server_pid != 0) result.server_cpu_seconds = CpuSeconds(server_clock) - server_cpu;
  result.seconds = absl::ToDoubleSeconds(load.duration);
  for (const auto& worker : workers) {
    if (absl::Status status = worker->Join(); !status.ok()) return status;
    result.latencies.Merge(worker->result().latencies);
    result.answers += worker->result().answers;
    result.unsent += worker->result().unsent;
  }
  return result;
}

}  // namespace normd::client
