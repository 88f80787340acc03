// What every RPC is counted by, under go-grpc-prometheus' names (grpc_server_*), and why what was
// asked for is refused.
#ifndef NORMD_SERVER_OBSERVABILITY_RPC_METRICS_H_
#define NORMD_SERVER_OBSERVABILITY_RPC_METRICS_H_

#include <array>
#include <string>

#include "absl/strings/string_view.h"
#include "grpcpp/support/status_code_enum.h"
#include "prometheus/counter.h"
#include "prometheus/histogram.h"
#include "server/observability/metrics.h"

namespace normd::server {

enum class RpcType { kUnary, kServerStream, kBidiStream };

// Go's name of a status code, as grpc_code has it: "OK", "InvalidArgument".
absl::string_view CodeName(grpc::StatusCode code);

// normd_refusals_total. A handle: cheap to copy.
class RefusalMetrics {
 public:
  explicit RefusalMetrics(Metrics& metrics) : metrics_(&metrics) {}

  // Takes a lock. `reason` must be one of the server's own.
  void Count(const std::string& reason) const;

 private:
  Metrics* metrics_;
};

// The metrics of one method. A handle: cheap to copy, and as good as any other of the same method.
struct RpcMetrics {
  static constexpr size_t kCodes = grpc::StatusCode::UNAUTHENTICATED + 1;

  // Codes that gRPC does not know are UNKNOWN.
  static constexpr size_t IndexOf(grpc::StatusCode code) {
    const auto index = static_cast<size_t>(code);
    return index < kCodes ? index : static_cast<size_t>(grpc::StatusCode::UNKNOWN);
  }

  // `metrics` must outlive it.
  RpcMetrics(Metrics& metrics, RpcType type, absl::string_view service, absl::string_view method);

  std::string path;  // "/normd.v1.NormalizationService/Normalize"
  prometheus::Counter* started;
  prometheus::Counter* received;
  prometheus::Counter* sent;
  prometheus::Histogram* seconds;
  std::array<prometheus::Counter*, kCodes> handled;  // by IndexOf
  RefusalMetrics refusals;
};

}  // namespace normd::server

#endif  // NORMD_SERVER_OBSERVABILITY_RPC_METRICS_H_
