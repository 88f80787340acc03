#include "server/server_options.h"

#include <limits>

#include "absl/strings/str_cat.h"
#include "core/error/error.h"
#include "core/tensor/shape.h"
#include "server/transport/listen_address.h"

namespace normd::server {
namespace {

absl::Status OptionError(absl::string_view name, absl::string_view message) {
  return InvalidFieldError(name, absl::StrCat("--", name, " ", message));
}

absl::Status CheckRanges(const ServerOptions& options) {
  struct Range {
    const char* name;
    int64_t value, least, most;
  };
  constexpr int64_t kMaxInt = std::numeric_limits<int>::max();
  constexpr int64_t kMaxInt64 = std::numeric_limits<int64_t>::max();
  for (const Range& range :
       {Range{"threads", options.threads, 0, 1024}, Range{"workers", options.workers, 0, 1024},
        Range{"inline_bytes", options.inline_bytes, 0, kMaxInt},
        Range{"max_message_bytes", options.message.max_message_bytes, 1024, kMaxInt},
        Range{"max_rows", options.message.max_rows, 1, kMaxInt},
        Range{"max_rank", options.message.max_rank, 2, kMaxRank},
        Range{"max_row_elements", options.message.max_row_elements, 1, kMaxInt},
        Range{"max_streams", options.max_streams, 1, kMaxInt},
        Range{"max_streams_per_connection", options.max_streams_per_connection, 1, kMaxInt},
        Range{"max_sessions", options.sessions.max_sessions, 0, kMaxInt64},
        Range{"max_session_bytes", options.sessions.max_session_bytes, 0, kMaxInt64},
        // What one message may be must fit.
        Range{"max_bytes_in_flight", options.max_bytes_in_flight,
              2 * options.message.max_message_bytes, kMaxInt64},
        Range{"max_transport_bytes", options.max_transport_bytes,
              2 * options.message.max_message_bytes, kMaxInt64},
        Range{"max_comparison_bytes", options.max_comparison_bytes, 0, kMaxInt64},
        // gRPC's own headers need some room.
        Range{"max_metadata_bytes", options.max_metadata_bytes, 1024, 16 << 20}}) {
    if (range.value >= range.least && range.value <= range.most) continue;
    return OptionError(range.name, absl::StrCat("is ", range.value, "; ", range.least, " to ",
                                                range.most, " are allowed"));
  }
  return absl::OkStatus();
}

absl::Status CheckDurations(const ServerOptions& options) {
  struct Range {
    const char* name;
    absl::Duration value, least;
    bool may_be_infinite = false;
  };
  // gRPC counts milliseconds in an int.
  constexpr absl::Duration kMost = absl::Hours(24 * 20);
  for (const Range& range :
       {Range{"handshake_timeout", options.handshake_timeout, absl::Milliseconds(1)},
        Range{"keepalive_time", options.keepalive_time, absl::Milliseconds(1)},
        Range{"keepalive_timeout", options.keepalive_timeout, absl::Milliseconds(1)},
        Range{"connection_idle_timeout", options.connection_idle_timeout, absl::Milliseconds(1),
              true},
        Range{"unread_timeout", options.unread_timeout, absl::Seconds(1)},
        Range{"tls_reload_interval", options.tls_reload_interval, absl::Milliseconds(10)},
        Range{"listener_probe_interval", options.listener_probe_interval, absl::ZeroDuration()},
        Range{"drain_delay", options.drain_delay, absl::ZeroDuration()},
        Range{"drain_timeout", options.drain_timeout, absl::ZeroDuration()}}) {
    if (range.value >= range.least && range.value <= kMost) continue;
    if (range.may_be_infinite && range.value == absl::InfiniteDuration()) continue;
    return OptionError(range.name,
                       absl::StrCat("is ", absl::FormatDuration(range.value), "; ",
                                    absl::FormatDuration(range.least), " to 480h are allowed"));
  }
  return absl::OkStatus();
}

absl::Status CheckTransport(const ServerOptions& options) {
  if (options.tls.certificate.empty() != options.tls.key.empty()) {
    return OptionError(options.tls.key.empty() ? "tls_key" : "tls_cert",
                       "must be set too: a certificate and its key go together");
  }
  if (!options.tls.client_ca.empty() && !options.tls.enabled()) {
    return OptionError("tls_client_ca", "needs --tls_cert and --tls_key");
  }
  if (!HasValidPort(options.listen)) {
    return OptionError("listen", absl::StrCat("is ", options.listen,
                                              ", but must be HOST:PORT, "
                                              "with a port of at most 65535, or unix:PATH"));
  }
  if (options.tls.enabled() || options.allow_plaintext || IsLoopback(options.listen)) {
    return absl::OkStatus();
  }
  return OptionError(
      "listen", absl::StrCat("is ", options.listen,
                             ", which others reach, and without TLS anyone on "
                             "the way can read and change what is sent: give --tls_cert and "
                             "--tls_key, or --allow_plaintext where a proxy or a private network "
                             "protects it"));
}

}  // namespace

absl::Status Validate(const ServerOptions& options) {
  NORMD_RETURN_IF_ERROR(CheckRanges(options));
  NORMD_RETURN_IF_ERROR(CheckDurations(options));
  return CheckTransport(options);
}

}  // namespace normd::server
