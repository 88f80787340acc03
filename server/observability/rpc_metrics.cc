#include "server/observability/rpc_metrics.h"

#include "absl/strings/str_cat.h"

namespace normd::server {
namespace {

constexpr absl::string_view kCodeNames[RpcMetrics::kCodes] = {
    "OK",       "Canceled",       "Unknown",          "InvalidArgument",   "DeadlineExceeded",
    "NotFound", "AlreadyExists",  "PermissionDenied", "ResourceExhausted", "FailedPrecondition",
    "Aborted",  "OutOfRange",     "Unimplemented",    "Internal",          "Unavailable",
    "DataLoss", "Unauthenticated"};

const char* NameOf(RpcType type) {
  switch (type) {
    case RpcType::kUnary:
      return "unary";
    case RpcType::kServerStream:
      return "server_stream";
    case RpcType::kBidiStream:
      break;
  }
  return "bidi_stream";
}

}  // namespace

absl::string_view CodeName(grpc::StatusCode code) { return kCodeNames[RpcMetrics::IndexOf(code)]; }

void RefusalMetrics::Count(const std::string& reason) const {
  metrics_
      ->Counter("normd_refusals_total",
                "Chunks answered by an error, and calls that ended with one, by reason.",
                {{"reason", reason}})
      .Increment();
}

RpcMetrics::RpcMetrics(Metrics& metrics, RpcType type, absl::string_view service,
                       absl::string_view method)
    : path(absl::StrCat("/", service, "/", method)), refusals(metrics) {
  const Metrics::Labels labels = {{"grpc_type", NameOf(type)},
                                  {"grpc_service", std::string(service)},
                                  {"grpc_method", std::string(method)}};
  started = &metrics.Counter("grpc_server_started_total", "RPCs that began.", labels);
  received = &metrics.Counter("grpc_server_msg_received_total", "Messages received.", labels);
  sent = &metrics.Counter("grpc_server_msg_sent_total", "Messages sent.", labels);
  // From a unary call to a stream of a day.
  seconds =
      &metrics.Histogram("grpc_server_handling_seconds", "How long RPCs took to their end.", labels,
                         {.0001, .001, .005, .01, .05, .1, .5, 1, 10, 60, 600, 3600, 86400});
  for (size_t code = 0; code < kCodes; ++code) {
    Metrics::Labels with_code = labels;
    with_code["grpc_code"] = std::string(kCodeNames[code]);
    handled[code] =
        &metrics.Counter("grpc_server_handled_total", "RPCs that ended, by code.", with_code);
  }
}

}  // namespace normd::server
