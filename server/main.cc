// normd: normalizes streamed tensors over gRPC.
#include <pthread.h>

#include <csignal>
#include <cstdio>
#include <fstream>
#include <string>

#include "absl/flags/flag.h"
#include "absl/flags/parse.h"
#include "absl/flags/usage.h"
#include "absl/flags/usage_config.h"
#include "absl/strings/match.h"
#include "absl/strings/str_cat.h"
#include "absl/time/time.h"
#include "server/observability/logging.h"
#include "server/server.h"

ABSL_FLAG(std::string, listen, "127.0.0.1:50051",
          "HOST:PORT to listen on. Port 0 takes any free one.");
ABSL_FLAG(std::string, port_file, "",
          "Write the bound port's number into this file once the server is ready.");
ABSL_FLAG(int, threads, 0, "Threads that serve calls. 0: one per processor.");
ABSL_FLAG(int64_t, max_message_bytes, 4 << 20, "Bytes of one message that a client may send.");
ABSL_FLAG(int64_t, max_row_elements, 1 << 20, "Elements of one row of a stream.");
ABSL_FLAG(int, max_streams, 10'000, "Streams that may be open at one time.");
ABSL_FLAG(int64_t, max_sessions, 10'000, "Sessions that may exist at one time.");
ABSL_FLAG(int64_t, max_session_bytes, int64_t{1} << 30, "Memory of all sessions together.");
ABSL_FLAG(absl::Duration, session_idle_timeout, absl::Hours(1),
          "Sessions unused for so long are deleted, unless they were created with a timeout of "
          "their own. 0: never.");
ABSL_FLAG(absl::Duration, drain_timeout, absl::Seconds(10),
          "How long calls may take to end after SIGTERM before they are cancelled.");
ABSL_FLAG(absl::Duration, keepalive_time, absl::Minutes(1),
          "How long a client may be silent before it is asked whether it lives.");
ABSL_FLAG(absl::Duration, keepalive_timeout, absl::Seconds(20),
          "How long it may take to answer that before its calls are ended.");
ABSL_FLAG(bool, reflection, true, "Offer gRPC server reflection, so that grpcurl needs no protos.");
ABSL_FLAG(std::string, log_level, "info", "trace, debug, info, warn, error or off.");
ABSL_FLAG(std::string, log_format, "text", "text, or json: one object a line.");

namespace {

normd::server::ServerOptions OptionsFromFlags() {
  normd::server::ServerOptions options;
  options.listen = absl::GetFlag(FLAGS_listen);
  options.threads = absl::GetFlag(FLAGS_threads);
  options.max_message_bytes = absl::GetFlag(FLAGS_max_message_bytes);
  options.max_row_elements = absl::GetFlag(FLAGS_max_row_elements);
  options.max_streams = absl::GetFlag(FLAGS_max_streams);
  options.sessions.max_sessions = absl::GetFlag(FLAGS_max_sessions);
  options.sessions.max_session_bytes = absl::GetFlag(FLAGS_max_session_bytes);
  options.session_idle_timeout = absl::GetFlag(FLAGS_session_idle_timeout);
  if (options.session_idle_timeout <= absl::ZeroDuration()) {
    options.session_idle_timeout = absl::InfiniteDuration();
  }
  options.drain_timeout = absl::GetFlag(FLAGS_drain_timeout);
  options.keepalive_time = absl::GetFlag(FLAGS_keepalive_time);
  options.keepalive_timeout = absl::GetFlag(FLAGS_keepalive_timeout);
  options.reflection = absl::GetFlag(FLAGS_reflection);
  return options;
}

// SIGTERM and SIGINT, blocked in every thread and taken by sigwait.
sigset_t BlockStopSignals() {
  sigset_t signals;
  sigemptyset(&signals);
  sigaddset(&signals, SIGTERM);
  sigaddset(&signals, SIGINT);
  pthread_sigmask(SIG_BLOCK, &signals, nullptr);
  return signals;
}

int Fail(const std::string& message) {
  normd::server::LogError(message);
  return 1;
}

}  // namespace

int main(int argc, char** argv) {
  absl::SetProgramUsageMessage(
      "normd normalizes streamed tensors over gRPC and keeps running statistics per session.\n"
      "SIGTERM ends every stream after what is in flight and exits 0.");
  absl::FlagsUsageConfig usage;
  usage.contains_help_flags = [](absl::string_view file) {
    return absl::EndsWith(file, "server/main.cc");
  };
  usage.version_string = [] { return std::string("normd " NORMD_VERSION "\n"); };
  absl::SetFlagsUsageConfig(usage);
  if (absl::ParseCommandLine(argc, argv).size() > 1) {
    std::fputs("normd: takes flags only; see normd --help\n", stderr);
    return 2;
  }
  if (const absl::Status status = normd::server::SetUpLogging(
          {absl::GetFlag(FLAGS_log_level), absl::GetFlag(FLAGS_log_format)});
      !status.ok()) {
    std::fprintf(stderr, "normd: %s\n", std::string(status.message()).c_str());
    return 2;
  }
  const sigset_t signals = BlockStopSignals();

  auto server = normd::server::Server::Start(OptionsFromFlags());
  if (!server.ok()) {
    Fail(std::string(server.status().message()));
    return absl::IsInvalidArgument(server.status()) ? 2 : 1;
  }
  if (const std::string file = absl::GetFlag(FLAGS_port_file); !file.empty()) {
    std::ofstream out(file);
    out << (*server)->port() << std::endl;
    if (!out) return Fail(absl::StrCat("cannot write ", file));
  }

  int signal = 0;
  sigwait(&signals, &signal);
  (*server)->Drain();
  return 0;
}
