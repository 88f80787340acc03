#include "client/cpp/status.h"

#include "absl/strings/cord.h"
#include "absl/strings/str_cat.h"
#include "google/rpc/error_details.pb.h"

namespace normd::client {
namespace {

constexpr char kReasonPayload[] = "normd/reason";

}  // namespace

absl::Status FromRpc(const google::rpc::Status& status) {
  std::string message = status.message();
  google::rpc::BadRequest bad_request;
  google::rpc::ErrorInfo info;
  for (const auto& detail : status.details()) {
    if (detail.UnpackTo(&bad_request) && bad_request.field_violations_size() > 0) {
      message = absl::StrCat(bad_request.field_violations(0).field(), " ", message);
    } else {
      detail.UnpackTo(&info);
    }
  }
  absl::Status result(static_cast<absl::StatusCode>(status.code()), message);
  if (!info.reason().empty()) result.SetPayload(kReasonPayload, absl::Cord(info.reason()));
  return result;
}

absl::Status FromGrpc(const grpc::Status& status) {
  if (status.ok()) return absl::OkStatus();
  google::rpc::Status rich;
  if (status.error_details().empty() || !rich.ParseFromString(status.error_details())) {
    return absl::Status(static_cast<absl::StatusCode>(status.error_code()), status.error_message());
  }
  return FromRpc(rich);
}

std::string ReasonOf(const absl::Status& status) {
  const auto reason = status.GetPayload(kReasonPayload);
  return reason.has_value() ? std::string(*reason) : "";
}

bool IsMessageTooLarge(const absl::Status& status) {
  return absl::IsResourceExhausted(status) && ReasonOf(status).empty();
}

}  // namespace normd::client
