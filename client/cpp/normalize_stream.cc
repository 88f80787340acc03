#include "client/cpp/normalize_stream.h"

#include <utility>

#include "absl/strings/str_cat.h"
#include "client/cpp/session_metadata.h"
#include "client/cpp/status.h"
#include "client/cpp/tensor.h"

namespace normd::client {

std::vector<float> Answer::Float32() const { return ToFloat32(element_type, data); }

const v1::Closed* NormalizeCall::LastOf(const Response& response) {
  return response.has_closed() ? &response.closed() : nullptr;
}

Answer NormalizeCall::ToAnswer(Response& response, const Opened& opened) {
  Answer answer;
  answer.element_type = opened.output_element_type();
  if (response.has_result()) {
    answer.sequence_number = response.result().sequence_number();
    answer.statistics_version = response.result().statistics_version();
    answer.data = std::move(*response.mutable_result()->mutable_data());
  } else {
    answer.sequence_number = response.error().sequence_number();
    answer.status = FromRpc(response.error().status());
  }
  return answer;
}

absl::StatusOr<std::unique_ptr<NormalizeStream>> NormalizeStream::Open(
    const std::shared_ptr<grpc::Channel>& channel, const v1::Open& open, absl::Duration timeout,
    int64_t max_unread_bytes) {
  std::unique_ptr<NormalizeStream> stream(new NormalizeStream(max_unread_bytes));
  stream->element_type_ = open.element_type();
  AddSessionName(open.session(), stream->context_);
  if (absl::Status status = stream->Start(channel, open, timeout); !status.ok()) return status;
  return stream;
}

absl::Status NormalizeStream::Write(absl::Span<const float> rows) {
  if (element_type_ != v1::ELEMENT_TYPE_UNSPECIFIED && element_type_ != v1::ELEMENT_TYPE_FLOAT32) {
    return absl::FailedPreconditionError(
        absl::StrCat("the stream was opened for ", v1::ElementType_Name(element_type_),
                     ", not for floats: write a Chunk of its elements' bytes"));
  }
  v1::Chunk chunk;
  chunk.set_data(rows.data(), rows.size() * sizeof(float));
  return Write(std::move(chunk));
}

absl::StatusOr<std::vector<float>> NormalizeStream::Normalize(absl::Span<const float> rows,
                                                              absl::Duration timeout) {
  if (HasUnread()) {
    return absl::FailedPreconditionError(
        "the answer to an earlier chunk is unread: Read it before the next Normalize");
  }
  if (absl::Status status = Write(rows); !status.ok()) return status;
  const absl::StatusOr<Answer> answer = Read(timeout);
  if (!answer.ok()) return answer.status();
  if (!answer->status.ok()) return answer->status;
  return answer->Float32();
}

}  // namespace normd::client
