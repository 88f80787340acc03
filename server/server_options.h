// What a server can be told, and whether it is possible.
#ifndef NORMD_SERVER_SERVER_OPTIONS_H_
#define NORMD_SERVER_SERVER_OPTIONS_H_

#include <cstdint>
#include <functional>
#include <string>

#include "absl/status/status.h"
#include "absl/time/clock.h"
#include "absl/time/time.h"
#include "core/session/session.h"
#include "server/rpc/message_limits.h"
#include "server/storage/in_memory_session_store.h"
#include "server/transport/certificates.h"

namespace normd::server {

// Each field is the flag of its name (server/flags.cc), which says what it is for.
struct ServerOptions {
  std::string listen = "127.0.0.1:50051";
  bool allow_plaintext = false;
  std::string admin_listen = {};  // empty: no admin port
  int threads = 0;                // event loops, a thread each; 0: one per processor
  int workers = 0;                // threads of the pool for long messages; 0: one per processor
  // Of float32. At it most methods take a loop's thread 30 to 80 us and the slowest 230, and tokens
  // of up to 32 KiB, or of 32 rows of 4 KiB, stay there; the way to the pool and back takes some
  // 30 us (tests/bench: compute_cost.cc).
  int64_t inline_bytes = 160 << 10;
  bool reflection = true;

  TlsFiles tls = {};
  absl::Duration tls_reload_interval = absl::Seconds(10);

  MessageLimits message = {};
  int max_streams = 10'000;
  int max_streams_per_connection = 1000;
  InMemorySessionStore::Options sessions = {};
  absl::Duration session_idle_timeout = absl::Hours(1);  // infinite: never
  int64_t max_bytes_in_flight = 256 << 20;
  int64_t max_transport_bytes = int64_t{1} << 30;
  int64_t max_comparison_bytes = 256 << 20;
  int max_metadata_bytes = 16 << 10;
  absl::Duration handshake_timeout = absl::Seconds(10);
  bool accept_compression = false;
  absl::Duration keepalive_time = absl::Minutes(1);
  absl::Duration keepalive_timeout = absl::Seconds(20);
  absl::Duration connection_idle_timeout = absl::InfiniteDuration();
  absl::Duration unread_timeout = absl::Seconds(30);
  absl::Duration max_queue_delay = absl::InfiniteDuration();  // none is refused

  absl::Duration drain_delay = absl::ZeroDuration();
  absl::Duration drain_timeout = absl::Seconds(10);
  absl::Duration listener_probe_interval = absl::Seconds(5);  // zero: no probe

  Clock clock = [] { return absl::Now(); };
  // No flag: streams of a method that a loop can take at one time. A client that opens 16 at once
  // on two loops costs 11% less processor time a token than with 1 (see ServeStreams). But Debian's
  // gRPC, built with its assertions, searches all that a loop waits for at each message: with 64,
  // 5% more instructions a token.
  int ready_streams = 16;
  // No flag: what to do when the server does not reach its own port any more.
  std::function<void()> on_listener_dead = {};
};

// INVALID_ARGUMENT with the field's name for a value out of its range, for options that contradict
// each other, and for plaintext on an address that others reach, unless that is allowed.
absl::Status Validate(const ServerOptions& options);

}  // namespace normd::server

#endif  // NORMD_SERVER_SERVER_OPTIONS_H_
