#include "server/observability/trace_context.h"

#include <algorithm>
#include <iterator>

#include "grpcpp/server_context.h"

namespace normd::server {
namespace {

thread_local const TraceContext* current = nullptr;

bool IsHex(absl::string_view text) {
  return std::all_of(text.begin(), text.end(),
                     [](char c) { return (c >= '0' && c <= '9') || (c >= 'a' && c <= 'f'); });
}

bool IsZero(absl::string_view text) {
  return text.find_first_not_of('0') == absl::string_view::npos;
}

}  // namespace

// 00-0af7651916cd43dd8448eb211c80319c-b7ad6b7169203331-01
std::optional<TraceContext> ParseTraceparent(absl::string_view header) {
  constexpr size_t kSize = 55;
  if (header.size() < kSize || header[2] != '-' || header[35] != '-' || header[52] != '-') {
    return std::nullopt;
  }
  const absl::string_view version = header.substr(0, 2);
  const absl::string_view trace_id = header.substr(3, 32);
  const absl::string_view span_id = header.substr(36, 16);
  const absl::string_view flags = header.substr(53, 2);
  if (!IsHex(version) || !IsHex(trace_id) || !IsHex(span_id) || !IsHex(flags)) return std::nullopt;
  if (version == "ff" || IsZero(trace_id) || IsZero(span_id)) return std::nullopt;
  const bool may_go_on = version != "00" && header.size() > kSize && header[kSize] == '-';
  if (header.size() > kSize && !may_go_on) return std::nullopt;
  return TraceContext{std::string(trace_id), std::string(span_id)};
}

std::optional<TraceContext> TraceContextOf(const grpc::ServerContextBase& context) {
  const auto& metadata = context.client_metadata();
  const auto [first, last] = metadata.equal_range("traceparent");
  if (first == last || std::next(first) != last) return std::nullopt;
  return ParseTraceparent({first->second.data(), first->second.size()});
}

LoggedTrace::LoggedTrace(const std::optional<TraceContext>& trace) : previous_(current) {
  current = trace.has_value() ? &*trace : nullptr;
}

LoggedTrace::~LoggedTrace() { current = previous_; }

const TraceContext* LoggedTrace::Current() { return current; }

}  // namespace normd::server
