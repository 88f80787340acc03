#include "server/flags.h"

#include <algorithm>
#include <cstdint>
#include <cstdio>
#include <cstdlib>
#include <vector>

#include "absl/flags/flag.h"
#include "absl/flags/parse.h"
#include "absl/flags/usage_config.h"
#include "absl/strings/str_cat.h"
#include "absl/time/time.h"
#include "server/help.h"

using absl::Duration;

// Where to serve.
ABSL_FLAG(std::string, listen, "127.0.0.1:50051",
          "HOST:PORT to listen on for gRPC. Port 0 takes any free one.");
ABSL_FLAG(std::string, port_file, "",
          "Write the bound port's number into this file once the server is ready.");
ABSL_FLAG(int, threads, 0,
          "Threads that serve calls. 0: one per processor that the process may use, by its "
          "affinity and its control "
          "group's CPU quota.");
ABSL_FLAG(int, workers, 0,
          "Threads for long messages, so that they do not hold up the short ones of other streams. "
          "0: as many as processors, counted alike.");
ABSL_FLAG(
    int64_t, inline_bytes, 160 << 10,
    "Bytes of a message of long rows up to which it is no long one, and is answered without a "
    "detour; less for short rows, and for several methods. 0: all are long.");
ABSL_FLAG(bool, reflection, true, "Offer gRPC server reflection, so that grpcurl needs no protos.");

// Security.
ABSL_FLAG(std::string, tls_cert, "",
          "PEM file of the server's certificate chain, its own first: serve TLS. It, the key and "
          "the client CA are read again while the server runs; what does not fit together is "
          "refused, and the ones in force stay.");
ABSL_FLAG(std::string, tls_key, "", "PEM file of the certificate's key, unencrypted.");
ABSL_FLAG(std::string, tls_client_ca, "",
          "PEM file of the CA certificates that clients' certificates must come from (mutual TLS). "
          "Empty: clients need none.");
ABSL_FLAG(Duration, tls_reload_interval, absl::Seconds(10),
          "How often the files above are looked at.");
ABSL_FLAG(bool, allow_plaintext, false,
          "Serve without TLS on an address that other machines reach. For use behind a proxy or "
          "within a network that protects it.");

// Limits.
ABSL_FLAG(int64_t, max_message_bytes, 4 << 20,
          "Bytes of one message, sent or received. Bounds what one stream holds.");
ABSL_FLAG(int64_t, max_rows, 1 << 20,
          "Rows of one message. Bounds the time that tiny rows can take of a thread.");
ABSL_FLAG(int, max_rank, 8, "Dimensions of a batch, [N, row...]. 8 at most.");
ABSL_FLAG(int64_t, max_row_elements, 1 << 20,
          "Elements of one row, and channels of one session, which are also at most as many as an "
          "answer has room for. Bounds what a session holds.");
ABSL_FLAG(int, max_streams, 10'000,
          "Streams that may be open at one time. Further ones are refused.");
ABSL_FLAG(
    int, max_streams_per_connection, 1000,
    "Streams of one connection, so that one connection cannot take all. Counted by the server "
    "itself too, as a client need not obey HTTP/2's setting.");
ABSL_FLAG(int64_t, max_bytes_in_flight, 256 << 20,
          "Bytes of messages that are being answered, or whose answers are not sent yet, of all "
          "calls together. Above it further messages wait, and their streams are not read.");
ABSL_FLAG(
    int64_t, max_transport_bytes, int64_t{1} << 30,
    "Bytes of messages that are still arriving, or still leaving, within gRPC. Near it gRPC "
    "takes in less at a time; above it gRPC ends streams with RESOURCE_EXHAUSTED. Clients that "
    "begin messages and never end them hold no more than this.");
ABSL_FLAG(int64_t, max_comparison_bytes, 256 << 20,
          "Memory for the statistics of all Compare streams together. Above it further ones are "
          "refused.");
ABSL_FLAG(int64_t, max_sessions, 10'000, "Sessions that may exist at one time.");
ABSL_FLAG(int64_t, max_session_bytes, int64_t{1} << 30, "Memory of all sessions together.");
ABSL_FLAG(Duration, session_idle_timeout, absl::Hours(1),
          "Sessions unused for so long are deleted, unless they were created with a timeout of "
          "their own. 0: never.");
ABSL_FLAG(
    Duration, max_queue_delay, absl::InfiniteDuration(),
    "For many short streams with deadlines: how long one may wait for each message's turn while an "
    "event loop has no time left. As many are taken as do not wait longer, and 16 at least; others "
    "are refused with UNAVAILABLE, so that those that are open end in time. Clients that send at a "
    "pace of their own are taken for waiting ones then. inf or 0: never refuse.");
ABSL_FLAG(int, max_metadata_bytes, 16 << 10,
          "Bytes of a call's headers. Raise it only for proxies that add many.");
ABSL_FLAG(Duration, handshake_timeout, absl::Seconds(10),
          "How long a new connection may take until it can bring calls.");
ABSL_FLAG(bool, accept_compression, false,
          "Accept compressed requests. A message of some KiB can then grow to hundreds of MiB "
          "before its size is refused: for trusted clients only.");

// Clients that are gone.
ABSL_FLAG(Duration, keepalive_time, absl::Minutes(1),
          "How long a client may be silent before it is asked whether it lives.");
ABSL_FLAG(Duration, keepalive_timeout, absl::Seconds(20),
          "How long it may take to answer that before its calls are ended.");
ABSL_FLAG(Duration, connection_idle_timeout, absl::InfiniteDuration(),
          "How long a connection may be open without a call; inf: for as long as its client lives. "
          "Clients connect again by themselves. gRPC's watch over it costs 1 to 2% of a token.");
ABSL_FLAG(Duration, unread_timeout, absl::Seconds(30),
          "How long a client may leave an answer unread before its call is cancelled, as it holds "
          "bytes that others wait for. In whole seconds.");

// Operation.
ABSL_FLAG(std::string, admin_listen, "",
          "HOST:PORT of plain HTTP for the operator: /metrics for Prometheus, /healthz, /readyz, "
          "/channelz. Empty: none. Keep it from the public.");
ABSL_FLAG(std::string, admin_port_file, "",
          "As --port_file, for the admin port; it is there when that one is.");
ABSL_FLAG(Duration, drain_delay, absl::ZeroDuration(),
          "After SIGTERM: how long the server goes on as before while health checks already say "
          "NOT_SERVING, so that load balancers stop sending first.");
ABSL_FLAG(Duration, drain_timeout, absl::Seconds(10),
          "After the delay: how long calls may take to end before they are cancelled. A second "
          "SIGTERM cuts both short.");
ABSL_FLAG(Duration, listener_probe_interval, absl::Seconds(5),
          "How often the server connects to its own port. After three failures in a row it drains "
          "and exits 1, as a listener that ran out of file descriptors never recovers. 0: never.");
ABSL_FLAG(std::string, log_level, "info", "trace, debug, info, warn, error or off.");
ABSL_FLAG(std::string, log_format, "text", "text, or json: one object a line.");

namespace normd::server {
namespace {

ServerOptions OptionsFromFlags() {
  ServerOptions options;
  options.listen = absl::GetFlag(FLAGS_listen);
  options.threads = absl::GetFlag(FLAGS_threads);
  options.workers = absl::GetFlag(FLAGS_workers);
  options.inline_bytes = absl::GetFlag(FLAGS_inline_bytes);
  options.reflection = absl::GetFlag(FLAGS_reflection);
  options.tls = {absl::GetFlag(FLAGS_tls_cert), absl::GetFlag(FLAGS_tls_key),
                 absl::GetFlag(FLAGS_tls_client_ca)};
  options.tls_reload_interval = absl::GetFlag(FLAGS_tls_reload_interval);
  options.allow_plaintext = absl::GetFlag(FLAGS_allow_plaintext);
  options.message = {absl::GetFlag(FLAGS_max_message_bytes), absl::GetFlag(FLAGS_max_rows),
                     absl::GetFlag(FLAGS_max_rank), absl::GetFlag(FLAGS_max_row_elements)};
  options.max_streams = absl::GetFlag(FLAGS_max_streams);
  options.max_streams_per_connection = absl::GetFlag(FLAGS_max_streams_per_connection);
  options.max_bytes_in_flight = absl::GetFlag(FLAGS_max_bytes_in_flight);
  options.max_transport_bytes = absl::GetFlag(FLAGS_max_transport_bytes);
  options.max_comparison_bytes = absl::GetFlag(FLAGS_max_comparison_bytes);
  options.sessions = {absl::GetFlag(FLAGS_max_sessions), absl::GetFlag(FLAGS_max_session_bytes)};
  options.session_idle_timeout = absl::GetFlag(FLAGS_session_idle_timeout);
  if (options.session_idle_timeout <= absl::ZeroDuration()) {
    options.session_idle_timeout = absl::InfiniteDuration();
  }
  options.max_queue_delay = absl::GetFlag(FLAGS_max_queue_delay);
  if (options.max_queue_delay <= absl::ZeroDuration()) {
    options.max_queue_delay = absl::InfiniteDuration();
  }
  options.max_metadata_bytes = absl::GetFlag(FLAGS_max_metadata_bytes);
  options.handshake_timeout = absl::GetFlag(FLAGS_handshake_timeout);
  options.accept_compression = absl::GetFlag(FLAGS_accept_compression);
  options.keepalive_time = absl::GetFlag(FLAGS_keepalive_time);
  options.keepalive_timeout = absl::GetFlag(FLAGS_keepalive_timeout);
  options.connection_idle_timeout = absl::GetFlag(FLAGS_connection_idle_timeout);
  options.unread_timeout = absl::GetFlag(FLAGS_unread_timeout);
  options.admin_listen = absl::GetFlag(FLAGS_admin_listen);
  options.drain_delay = absl::GetFlag(FLAGS_drain_delay);
  options.drain_timeout = absl::GetFlag(FLAGS_drain_timeout);
  options.listener_probe_interval = absl::GetFlag(FLAGS_listener_probe_interval);
  return options;
}

bool IsHelp(absl::string_view argument) { return argument == "--help" || argument == "-h"; }

void SetUpUsage() {
  absl::FlagsUsageConfig usage;
  usage.version_string = [] { return std::string("normd " NORMD_VERSION "\n"); };
  absl::SetFlagsUsageConfig(usage);
}

}  // namespace

absl::StatusOr<CommandLine> ParseFlags(int argc, char** argv) {
  SetUpUsage();
  if (std::any_of(argv + 1, argv + argc, IsHelp)) {
    std::fputs(HelpText().c_str(), stdout);
    std::exit(0);
  }
  const std::vector<char*> words = absl::ParseCommandLine(argc, argv);
  CommandLine result;
  result.healthcheck = words.size() == 2 && absl::string_view(words[1]) == "healthcheck";
  if (words.size() > 1 && !result.healthcheck) {
    return absl::InvalidArgumentError(
        absl::StrCat("no such command: ", words[1], "; see normd --help"));
  }
  result.options = OptionsFromFlags();
  result.logging = {absl::GetFlag(FLAGS_log_level), absl::GetFlag(FLAGS_log_format)};
  result.port_file = absl::GetFlag(FLAGS_port_file);
  result.admin_port_file = absl::GetFlag(FLAGS_admin_port_file);
  return result;
}

}  // namespace normd::server
