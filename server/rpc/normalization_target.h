// What a request is normalized by: a method, or a session, bound to rows of one shape.
#ifndef NORMD_SERVER_RPC_NORMALIZATION_TARGET_H_
#define NORMD_SERVER_RPC_NORMALIZATION_TARGET_H_

#include <cstdint>
#include <memory>
#include <optional>
#include <string>

#include "absl/functional/function_ref.h"
#include "absl/status/status.h"
#include "absl/status/statusor.h"
#include "absl/strings/string_view.h"
#include "absl/types/span.h"
#include "core/kernels/executor.h"
#include "core/method/normalizer.h"
#include "core/session/session.h"
#include "core/session/session_store.h"
#include "core/tensor/element_type.h"
#include "normd/v1/normalization.pb.h"
#include "server/observability/normalization_metrics.h"
#include "server/rpc/inline_limit.h"
#include "server/rpc/message_limits.h"
#include "server/rpc/row_batches.h"

namespace normd::server {

class NormalizationTarget {
 public:
  // Counts what it normalizes. `metrics` must outlive it.
  explicit NormalizationTarget(const NormalizationMetrics& metrics) : metrics_(metrics) {}

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
  // Empty where the session is nobody else's, or there is none.
  absl::string_view session_name() const {
    return session_ == nullptr ? absl::string_view() : session_->name();
  }
  // Where updates are made one at a time, and of those that found the session busy: the session;
  // null otherwise.
  const Session* turn(bool busy) const {
    if (session_ == nullptr) return nullptr;
    return busy || session_->UpdatesByValue(policy_) ? session_.get() : nullptr;
  }
  // Adds what messages of such rows cost.
  void AddCost(InlineLimit& limit) const { limit.Add(*normalizer_, input_type_); }
  // UNSPECIFIED for methods that keep no statistics.
  v1::BatchNormMode mode() const;

  // Normalizes a batch into what `allocate` gives for the output's bytes. Returns the version of
  // the statistics afterwards; 0 without a session. Errors are those of RowBatches::PaddingOf and
  // Session::Apply, and INVALID_ARGUMENT (field "data") for an output above a message's limit.
  absl::StatusOr<uint64_t> Normalize(const ReceivedBatch& batch, Patience patience,
                                     Executor& executor,
                                     absl::FunctionRef<char*(int64_t bytes)> allocate) const;

 private:
  template <typename Request>
  absl::Status BindTo(const Request& request, v1::ElementType input,
                      absl::Span<const int64_t> row_shape, SessionStore& store,
                      const MessageLimits& limits);
  template <typename Request>
  absl::Status BindPolicy(const Request& request, bool has_statistics);

  absl::StatusOr<uint64_t> NormalizeRows(ConstElements x, const Rows& rows, Patience patience,
                                         Executor& executor, Elements y) const;
  // NormalizeRows of x + residual.
  absl::StatusOr<uint64_t> NormalizeSum(ConstElements x, ConstElements residual, const Rows& rows,
                                        Patience patience, Executor& executor, Elements y) const;
  void CountRows(bool normalized, ConstElements x, const Rows& rows) const;

  const NormalizationMetrics& metrics_;
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
