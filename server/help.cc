#include "server/help.h"

#include <initializer_list>

#include "absl/flags/reflection.h"
#include "absl/strings/match.h"
#include "absl/strings/str_cat.h"
#include "absl/strings/str_split.h"

namespace normd::server {
namespace {

constexpr char kUsage[] =
    R"(normd normalizes streamed tensors over gRPC and keeps running statistics per session.

  normd [FLAGS]              serve until SIGTERM, then drain and exit 0
  normd healthcheck [FLAGS]  exit 0 if the server at --admin_listen is ready

Flags are --name=value; --name and --noname for what is true or false. --flagfile=FILE reads them
from a file, one a line; what follows it on the command line wins. Durations are as 250ms, 10s, 1h.
Exit codes: 0 drained, 1 could not serve, stopped serving, or cannot read the flags, 2 a flag's value
is not possible.
)";

struct Topic {
  absl::string_view title;
  std::initializer_list<absl::string_view> flags;
};

const Topic kTopics[] = {
    {"Where to serve", {"listen", "threads", "workers", "inline_bytes", "reflection", "port_file"}},
    {"Security",
     {"tls_cert", "tls_key", "tls_client_ca", "tls_reload_interval", "allow_plaintext"}},
    {"Limits of a message",
     {"max_message_bytes", "max_rows", "max_rank", "max_row_elements", "max_metadata_bytes",
      "accept_compression"}},
    {"Limits of the server",
     {"max_streams", "max_streams_per_connection", "max_queue_delay", "max_bytes_in_flight",
      "max_transport_bytes", "max_comparison_bytes", "max_sessions", "max_session_bytes",
      "session_idle_timeout"}},
    {"Clients that are slow or gone",
     {"handshake_timeout", "keepalive_time", "keepalive_timeout", "connection_idle_timeout",
      "unread_timeout"}},
    {"Operation",
     {"admin_listen", "admin_port_file", "drain_delay", "drain_timeout", "listener_probe_interval",
      "log_level", "log_format"}},
};

// `text` in lines of up to 96 characters, each after `indent`.
std::string Wrapped(absl::string_view text, absl::string_view indent) {
  constexpr size_t kWidth = 96;
  std::string result;
  std::string line;
  for (const absl::string_view word : absl::StrSplit(text, ' ')) {
    if (!line.empty() && indent.size() + line.size() + 1 + word.size() > kWidth) {
      absl::StrAppend(&result, indent, line, "\n");
      line.clear();
    }
    absl::StrAppend(&line, line.empty() ? "" : " ", word);
  }
  absl::StrAppend(&result, indent, line, "\n");
  return result;
}

std::string Entry(const absl::CommandLineFlag& flag) {
  return absl::StrCat("  --", flag.Name(), "=", flag.DefaultValue(), "\n",
                      Wrapped(flag.Help(), "      "));
}

}  // namespace

std::string HelpText() {
  auto flags = absl::GetAllFlags();
  std::string result = kUsage;
  for (const Topic& topic : kTopics) {
    absl::StrAppend(&result, "\n", topic.title, "\n");
    for (const absl::string_view name : topic.flags) {
      absl::StrAppend(&result, Entry(*flags.at(name)));
      flags.erase(name);
    }
  }
  // A flag that was forgotten above.
  for (const auto& [name, flag] : flags) {
    if (absl::EndsWith(flag->Filename(), "server/flags.cc")) {
      absl::StrAppend(&result, "\nOther\n", Entry(*flag));
    }
  }
  return result;
}

}  // namespace normd::server
