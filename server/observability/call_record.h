// What is known of one RPC from its start to its end: it becomes metrics and a line of the log.
#ifndef NORMD_SERVER_OBSERVABILITY_CALL_RECORD_H_
#define NORMD_SERVER_OBSERVABILITY_CALL_RECORD_H_

#include <chrono>
#include <cstdint>
#include <optional>
#include <string>

#include "absl/strings/string_view.h"
#include "grpcpp/server_context.h"
#include "grpcpp/support/status.h"
#include "server/observability/rpc_metrics.h"
#include "server/observability/trace_context.h"

namespace normd::server {

// Belongs to the call: one thread at a time.
class CallRecord {
 public:
  // Counts the RPC as started. `context` must outlive it.
  CallRecord(const RpcMetrics& rpc, const grpc::ServerContextBase& context);

  CallRecord(const CallRecord&) = delete;
  CallRecord& operator=(const CallRecord&) = delete;

  void CountReceived() {
    ++received_;
    rpc_.received->Increment();
  }
  void CountSent() {
    ++sent_;
    rpc_.sent->Increment();
  }

  // The session that the call is about; a name that was checked.
  void SetSession(absl::string_view name) { session_ = std::string(name); }

  // The caller's trace, if it sent one.
  const std::optional<TraceContext>& trace() const { return trace_; }

  // The connection, as gRPC names it: "ipv4:127.0.0.1:50051".
  const std::string& peer() const { return peer_; }

  // Counts the RPC as handled, and logs it: at debug where it is OK, at warn for INTERNAL and
  // UNKNOWN, at info otherwise. `reason` is why it was refused; empty where it was not. Once, and
  // last of all.
  void End(const grpc::Status& status, const std::string& reason);

  // The same for a call whose client is gone: CANCELLED, or DEADLINE_EXCEEDED.
  void EndAbandoned();

 private:
  const RpcMetrics& rpc_;
  const grpc::ServerContextBase& context_;
  const std::optional<TraceContext> trace_;
  const std::string peer_;  // unknown once the call is cancelled
  const std::chrono::steady_clock::time_point start_ = std::chrono::steady_clock::now();
  uint64_t received_ = 0;
  uint64_t sent_ = 0;
  std::string session_;
};

}  // namespace normd::server

#endif  // NORMD_SERVER_OBSERVABILITY_CALL_RECORD_H_
