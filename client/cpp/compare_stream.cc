#include "client/cpp/compare_stream.h"

#include <utility>

#include "client/cpp/status.h"

namespace normd::client {

const v1::CompareSummary* CompareCall::LastOf(const Response& response) {
  return response.has_summary() ? &response.summary() : nullptr;
}

CompareAnswer CompareCall::ToAnswer(Response& response, const Opened& /*opened*/) {
  CompareAnswer answer;
  if (response.has_result()) {
    answer.sequence_number = response.result().sequence_number();
    answer.result = std::move(*response.mutable_result());
  } else {
    answer.sequence_number = response.error().sequence_number();
    answer.status = FromRpc(response.error().status());
  }
  return answer;
}

absl::StatusOr<std::unique_ptr<CompareStream>> CompareStream::Open(
    const std::shared_ptr<grpc::Channel>& channel, const v1::CompareOpen& open,
    absl::Duration timeout, int64_t max_unread_bytes) {
  std::unique_ptr<CompareStream> stream(new CompareStream(max_unread_bytes));
  if (absl::Status status = stream->Start(channel, open, timeout); !status.ok()) return status;
  return stream;
}

}  // namespace normd::client
