// normd: normalizes streamed tensors over gRPC.
#include <pthread.h>
#include <sys/resource.h>
#include <unistd.h>

#include <csignal>
#include <cstdio>
#include <fstream>
#include <string>
#include <thread>
#include <utility>

#include "absl/strings/str_cat.h"
#include "absl/synchronization/mutex.h"
#include "server/async/free_memory.h"
#include "server/flags.h"
#include "server/observability/healthcheck.h"
#include "server/observability/logging.h"
#include "server/server.h"

namespace {

// Each connection takes a descriptor, and shells allow few unless asked.
void AllowManyFiles() {
  rlimit files{};
  if (getrlimit(RLIMIT_NOFILE, &files) != 0) return;
  files.rlim_cur = files.rlim_max;
  setrlimit(RLIMIT_NOFILE, &files);
}

// Debian's Abseil looks for deadlocks at each of gRPC's locks: all loops share the graph that it
// keeps of them.
void TrustLocksOfGrpc() { absl::SetMutexDeadlockDetectionMode(absl::OnDeadlockCycle::kIgnore); }

// SIGTERM and SIGINT, blocked in every thread and taken by sigwait.
sigset_t BlockStopSignals() {
  sigset_t signals;
  sigemptyset(&signals);
  sigaddset(&signals, SIGTERM);
  sigaddset(&signals, SIGINT);
  pthread_sigmask(SIG_BLOCK, &signals, nullptr);
  return signals;
}

// Drains; a second signal hurries.
void DrainUnder(const sigset_t& signals, normd::server::Server& server) {
  std::thread hurrier([&signals, &server] {
    int signal = 0;
    sigwait(&signals, &signal);
    server.HurryDrain();
  });
  server.Drain();
  kill(getpid(), SIGTERM);  // wakes it
  hurrier.join();
}

// False where `file` is named and cannot be written.
bool WritePort(const std::string& file, int port) {
  if (file.empty()) return true;
  std::ofstream out(file);
  out << port << std::endl;
  return out.good();
}

int Fail(absl::string_view message) {
  normd::server::LogError(std::string(message));
  return 1;
}

}  // namespace

int main(int argc, char** argv) {
  auto command_line = normd::server::ParseFlags(argc, argv);
  if (command_line.ok() && command_line->healthcheck) {
    return normd::server::RunHealthcheck(command_line->options.admin_listen);
  }
  const sigset_t signals = BlockStopSignals();
  absl::Status status = command_line.status();
  if (status.ok()) status = normd::server::SetUpLogging(command_line->logging);
  if (!status.ok()) {
    std::fprintf(stderr, "normd: %s\n", std::string(status.message()).c_str());
    return 2;
  }
  AllowManyFiles();
  normd::server::KeepFreeMemory();
  TrustLocksOfGrpc();
  command_line->options.on_listener_dead = [] { kill(getpid(), SIGTERM); };
  const auto server = normd::server::Server::Start(command_line->options);
  if (!server.ok()) {
    Fail(server.status().message());
    return absl::IsInvalidArgument(server.status()) ? 2 : 1;
  }
  // --port_file last: who has seen it finds the other.
  for (const auto& [file, port] :
       {std::pair(command_line->admin_port_file, (*server)->admin_port()),
        std::pair(command_line->port_file, (*server)->port())}) {
    if (WritePort(file, port)) continue;
    (*server)->HurryDrain();
    return Fail(absl::StrCat("cannot write ", file));
  }

  int signal = 0;
  sigwait(&signals, &signal);
  const bool listener_alive = (*server)->listener_alive();
  DrainUnder(signals, **server);
  return listener_alive ? 0 : Fail("the listener died");
}
