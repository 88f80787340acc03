// What a request is normalized by: a method, or a session, bound to rows of one shape.
#ifndef NORMD_SERVER_RPC_NORMALIZATION_TARGET_H_
#define NORMD_SERVER_RPC_NORMALIZATION_TARGET_H_

#include <cstdint>
#include <memory>
#include <optional>
#include <string>

#include "absl/status/status.h"
#include "absl/status/statusor.h"
#include "absl/types/span.h"
#include "core/method/normalizer.h"
#include "core/session/session.h"
#include "core/session/session_store.h"
#include "core/tensor/element_type.h"
#include "normd/v1/normalization.pb.h"
#include "server/rpc/message_limits.h"
#include "server/rpc/row_batches.h"

namespace normd::server {

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

  // Normalizes a batch into `output`, which it sizes. Returns the version of the statistics
  // afterwards; 0 without a session. Errors are those of RowBatches::PaddingOf and Session::Apply,
  // and INVALID_ARGUMENT (field "data") for an output above a message's limit.
  absl::StatusOr<uint64_t> Normalize(const ReceivedBatch& batch, std::string* output) const;

 private:
  template <typename Request>
  absl::Status BindTo(const Request& request, v1::ElementType input,
                      absl::Span<const int64_t> row_shape, SessionStore& store,
                      const MessageLimits& limits);
  template <typename Request>
  absl::Status BindPolicy(const Request& request, bool has_statistics);

  absl::StatusOr<uint64_t> NormalizeRows(ConstElements x, const Rows& rows, Elements y) const;

  std::optional<Normalizer> normalizer_;
  std::optional<RowBatches> batches_;
  int64_t max_output_bytes_ = 0;
  ElementType input_type_ = ElementType::kFloat32;
  ElementType output_type_ = ElementType::kFloat32;
  StreamingPolicy policy_;
  std::shared_ptr<Session> session_;
  Session::StreamLease lease_;
};

}  // namespace normd::server

#endif  // NORMD_SERVER_RPC_NORMALIZATION_TARGET_H_
