#include "server/observability/call_record.h"

#include "absl/strings/str_cat.h"
#include "absl/strings/str_format.h"
#include "absl/time/clock.h"
#include "server/observability/line_limit.h"
#include "server/observability/logging.h"
#include "spdlog/spdlog.h"

namespace normd::server {
namespace {

spdlog::level::level_enum LevelOf(grpc::StatusCode code) {
  switch (code) {
    case grpc::StatusCode::OK:
      return spdlog::level::debug;
    case grpc::StatusCode::INTERNAL:
    case grpc::StatusCode::UNKNOWN:
      return spdlog::level::warn;
    default:
      return spdlog::level::info;
  }
}

}  // namespace

CallRecord::CallRecord(const RpcMetrics& rpc, const grpc::ServerContextBase& context)
    : rpc_(rpc), context_(context), trace_(TraceContextOf(context)), peer_(context.peer()) {
  rpc_.started->Increment();
}

void CallRecord::End(const grpc::Status& status, const std::string& reason) {
  const double seconds =
      std::chrono::duration<double>(std::chrono::steady_clock::now() - start_).count();
  rpc_.seconds->Observe(seconds);
  rpc_.handled[RpcMetrics::IndexOf(status.error_code())]->Increment();
  if (!reason.empty()) rpc_.refusals.Count(reason);

  const spdlog::level::level_enum level = LevelOf(status.error_code());
  if (!spdlog::should_log(level)) return;
  if (!status.ok()) {
    static LineLimit limit(1000, absl::Seconds(10));
    int64_t left_out = 0;
    const bool allowed = limit.Allows(absl::Now(), &left_out);
    if (left_out > 0) spdlog::warn("{} calls that failed were not logged", left_out);
    if (!allowed) return;
  }
  std::string line = absl::StrFormat("call %s code=%s duration=%.6f received=%u sent=%u", rpc_.path,
                                     CodeName(status.error_code()), seconds, received_, sent_);
  if (!session_.empty()) absl::StrAppend(&line, " session=", session_);
  absl::StrAppend(&line, " peer=", peer_);
  if (!reason.empty()) absl::StrAppend(&line, " reason=", reason);
  if (!status.ok()) absl::StrAppend(&line, " error=\"", EscapeForLog(status.error_message()), "\"");
  const LoggedTrace logged(trace_);
  spdlog::log(level, "{}", line);
}

void CallRecord::EndAbandoned() {
  const bool expired = context_.deadline() <= std::chrono::system_clock::now();
  End(expired ? grpc::Status(grpc::StatusCode::DEADLINE_EXCEEDED, "its deadline has passed")
              : grpc::Status(grpc::StatusCode::CANCELLED, "its client, or the transport, ended it"),
      "");
}

}  // namespace normd::server
