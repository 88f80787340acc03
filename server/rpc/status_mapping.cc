#include "server/rpc/status_mapping.h"

#include <cstdint>
#include <exception>
#include <string>

#include "absl/random/random.h"
#include "absl/strings/str_cat.h"
#include "absl/strings/str_format.h"
#include "core/error/error.h"
#include "google/rpc/error_details.pb.h"
#include "spdlog/spdlog.h"

namespace normd::server {
namespace {

constexpr char kDomain[] = "normd";
constexpr int kRetryAfterSeconds = 1;

std::string ReasonOf(const absl::Status& status, const ErrorDetails& details) {
  if (!details.reason.empty()) return details.reason;
  return details.field.empty() ? absl::StatusCodeToString(status.code()) : "INVALID_FIELD";
}

bool ClearsByItself(const absl::Status& status, absl::string_view reason) {
  return status.code() == absl::StatusCode::kUnavailable || reason == kTooManyStreams;
}

}  // namespace

std::string ReasonOf(const absl::Status& status) {
  return status.ok() ? "" : ReasonOf(status, DetailsOf(status));
}

google::rpc::Status ToRpcStatus(const absl::Status& status) {
  const ErrorDetails details = DetailsOf(status);
  const std::string message(status.message());
  google::rpc::Status result;
  result.set_code(static_cast<int>(status.code()));
  result.set_message(message);

  google::rpc::ErrorInfo info;
  info.set_reason(ReasonOf(status, details));
  info.set_domain(kDomain);
  info.mutable_metadata()->insert(details.metadata.begin(), details.metadata.end());
  result.add_details()->PackFrom(info);

  if (!details.field.empty()) {
    google::rpc::BadRequest bad_request;
    auto* violation = bad_request.add_field_violations();
    violation->set_field(details.field);
    violation->set_description(message);
    result.add_details()->PackFrom(bad_request);
  }
  if (!details.resource.empty()) {
    google::rpc::ResourceInfo resource;
    resource.set_resource_type("normd.v1.Session");
    resource.set_resource_name(details.resource);
    resource.set_description(message);
    result.add_details()->PackFrom(resource);
  }
  if (status.code() == absl::StatusCode::kResourceExhausted) {
    google::rpc::QuotaFailure quota;
    auto* violation = quota.add_violations();
    violation->set_subject(info.reason());
    violation->set_description(message);
    result.add_details()->PackFrom(quota);
  }
  if (ClearsByItself(status, details.reason)) {
    google::rpc::RetryInfo retry;
    retry.mutable_retry_delay()->set_seconds(kRetryAfterSeconds);
    result.add_details()->PackFrom(retry);
  }
  return result;
}

grpc::Status ToGrpcStatus(const absl::Status& status) {
  if (status.ok()) return grpc::Status::OK;
  return grpc::Status(static_cast<grpc::StatusCode>(status.code()), std::string(status.message()),
                      ToRpcStatus(status).SerializeAsString());
}

void AddRetryPushback(const absl::Status& status, grpc::ServerContext& context) {
  if (!ClearsByItself(status, DetailsOf(status).reason)) return;
  context.AddTrailingMetadata("grpc-retry-pushback-ms", absl::StrCat(1000 * kRetryAfterSeconds));
}

absl::Status CatchInternal(const std::optional<TraceContext>& trace,
                           absl::FunctionRef<absl::Status()> handler) {
  try {
    return handler();
  } catch (const std::exception& exception) {
    absl::BitGen random;
    const std::string id = absl::StrFormat("%016x", absl::Uniform<uint64_t>(random));
    const LoggedTrace logged(trace);
    spdlog::error("internal error {}: {}", id, exception.what());
    return WithMetadata(
        absl::InternalError(absl::StrCat("internal error ", id, "; the server's log tells more")),
        "error_id", id);
  }
}

}  // namespace normd::server
