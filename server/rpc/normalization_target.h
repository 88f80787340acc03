// What a request is normalized by: a method, or a session, bound to rows of one shape.
#ifndef NORMD_SERVER_RPC_NORMALIZATION_TARGET_H_
#define NORMD_SERVER_RPC_NORMALIZATION_TARGET_H_

#include <cstdint>
#include <memory>
#include <optional>
#include <string>

#include "absl/status/status.h"
#include "absl/status/statusor.h"
#include "absl/strings/string_view.h"
#include "absl/types/span.h"
#include "core/method/normalizer.h"
#include "core/session/session.h"
#include "core/session/session_store.h"
#include "core/tensor/element_type.h"
#include "core/tensor/padding.h"
#include "normd/v1/normalization.pb.h"

namespace normd::server {

// What the server takes in one message.
struct MessageLimits {
  int64_t max_message_bytes = 4 << 20;
  int64_t max_row_elements = 1 << 20;
};

class NormalizationTarget {
 public:
  NormalizationTarget() = default;

  // As `open` says. INVALID_ARGUMENT with the field's path within it, NOT_FOUND for a session that
  // there is not, FAILED_PRECONDITION where its channels are not those of the rows.
  absl::Status Bind(const v1::Open& open, SessionStore& store, const MessageLimits& limits);

  // As `request` says. The statistics of a spec are a session's that nobody else sees, begun with
  // those of the request.
  absl::Status Bind(const v1::NormalizeRequest& request, SessionStore& store,
                    const MessageLimits& limits);

  const NormalizationSpec& spec() const { return SpecOf(*normalizer_); }
  ElementType output_type() const { return output_type_; }
  // Null where nothing is kept: for methods without statistics, and streams without a session.
  const Session* session() const { return session_.get(); }
  // UNSPECIFIED for methods that keep no statistics.
  v1::BatchNormMode mode() const;

  // A batch, as it was sent.
  struct Batch {
    absl::string_view data;
    absl::Span<const int64_t> shape;    // [N, row...]; empty where the row's shape tells
    absl::Span<const int64_t> lengths;  // as in Chunk
    absl::string_view row_mask;         // as in Chunk
  };

  // Normalizes a batch into `output`, which it sizes. Returns the version of the statistics
  // afterwards; 0 without a session. INVALID_ARGUMENT with the batch's field ("data", "shape",
  // "lengths", "row_mask") where it does not fit, before anything is allocated; other errors are
  // those of Session::Apply.
  absl::StatusOr<uint64_t> Normalize(const Batch& batch, std::string* output) const;

 private:
  template <typename Request>
  absl::Status BindTo(const Request& request, v1::ElementType input,
                      absl::Span<const int64_t> row_shape, SessionStore& store,
                      const MessageLimits& limits);
  absl::Status BindRows(const NormalizationSpec& spec, absl::Span<const int64_t> row_shape,
                        const MessageLimits& limits);
  template <typename Request>
  absl::Status BindPolicy(const Request& request, bool has_statistics);

  absl::StatusOr<Padding> PaddingOf(const Batch& batch) const;
  absl::StatusOr<uint64_t> NormalizeRows(ConstElements x, const Rows& rows, Elements y) const;

  std::optional<Normalizer> normalizer_;
  Shape row_shape_;
  int64_t max_row_elements_ = 0;
  ElementType input_type_ = ElementType::kFloat32;
  ElementType output_type_ = ElementType::kFloat32;
  StreamingPolicy policy_;
  std::shared_ptr<Session> session_;
  Session::StreamLease lease_;
};

}  // namespace normd::server

#endif  // NORMD_SERVER_RPC_NORMALIZATION_TARGET_H_
