// W3C Trace Context: where a call belongs in its caller's trace.
#ifndef NORMD_SERVER_OBSERVABILITY_TRACE_CONTEXT_H_
#define NORMD_SERVER_OBSERVABILITY_TRACE_CONTEXT_H_

#include <optional>
#include <string>

#include "absl/strings/string_view.h"

namespace grpc {
class ServerContextBase;
}

namespace normd::server {

struct TraceContext {
  std::string trace_id;  // 32 lower-case hexadecimal digits
  std::string span_id;   // 16, the caller's span
};

// Parses a `traceparent` header as https://www.w3.org/TR/trace-context/ (level 1) has it, those of
// later versions by their first four fields. None where it is not one to the letter.
std::optional<TraceContext> ParseTraceparent(absl::string_view header);

// That of a call's metadata. None also where there are several.
std::optional<TraceContext> TraceContextOf(const grpc::ServerContextBase& context);

// Log lines of this thread carry `trace`'s ids while it lives. It must outlive this.
class LoggedTrace {
 public:
  explicit LoggedTrace(const std::optional<TraceContext>& trace);
  ~LoggedTrace();
  LoggedTrace(const LoggedTrace&) = delete;
  LoggedTrace& operator=(const LoggedTrace&) = delete;

  // What this thread's log lines carry now; null: nothing.
  static const TraceContext* Current();

 private:
  const TraceContext* const previous_;
};

}  // namespace normd::server

#endif  // NORMD_SERVER_OBSERVABILITY_TRACE_CONTEXT_H_
