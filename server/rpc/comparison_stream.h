// One stream of Compare without the wire: what each message is answered by.
#ifndef NORMD_SERVER_RPC_COMPARISON_STREAM_H_
#define NORMD_SERVER_RPC_COMPARISON_STREAM_H_

#include <cstdint>
#include <memory>
#include <optional>
#include <string>
#include <vector>

#include "absl/functional/function_ref.h"
#include "absl/status/status.h"
#include "absl/strings/string_view.h"
#include "core/comparison/method_comparison.h"
#include "core/comparison/row_tokens.h"
#include "core/comparison/stream_comparison.h"
#include "core/kernels/executor.h"
#include "core/session/session.h"
#include "normd/v1/comparison.pb.h"
#include "server/async/byte_budget.h"
#include "server/observability/normalization_metrics.h"
#include "server/rpc/chunk_sequence.h"
#include "server/rpc/inline_limit.h"
#include "server/rpc/message_limits.h"
#include "server/rpc/row_batches.h"

namespace normd::server {

// Not thread-safe: a stream is served by one thread at a time.
//
// With return_outputs each method adds up to two outputs to an answer. Chunks whose outputs do not
// fit into a message of the server's limit are refused (field "data").
class ComparisonStream {
 public:
  using Request = v1::CompareRequest;
  using Reply = v1::CompareResponse;

  static constexpr int kMaxMethods = 16;
  // Of the methods that keep statistics, together: it bounds what a stream holds, and its summary.
  static constexpr int64_t kMaxChannels = 1 << 17;

  // What its statistics take is charged to `memory`. It and `metrics` must outlive the stream.
  ComparisonStream(const MessageLimits& limits, int64_t inline_bytes, ByteBudget& memory,
                   const NormalizationMetrics& metrics)
      : limits_(limits), inline_limit_(inline_bytes), memory_(memory), metrics_(metrics) {}

  // Answers the first message. An error ends the call: RESOURCE_EXHAUSTED (reason
  // TOO_MANY_COMPARISON_BYTES) where `memory` has no room.
  absl::Status Open(const v1::CompareRequest& request, v1::CompareResponse* response);

  // Answers any further message by a result or an error in its place. A chunk that one method
  // refuses enters none. An error that is returned ends the call.
  absl::Status Answer(const v1::CompareRequest& request, Patience patience, Executor& executor,
                      v1::CompareResponse* response);

  // The last message: the summary. With a plan, this is where its sample is gone through; false as
  // soon as `is_abandoned`.
  bool Close(absl::FunctionRef<bool()> is_abandoned, v1::CompareResponse* response);

  bool closes_slowly() const { return report_ != nullptr; }

  // Of the next message: a larger one takes too long for a loop's thread.
  int64_t inline_bytes() const { return report_ != nullptr ? 0 : inline_limit_.bytes(); }
  static const void* turn(bool /*busy*/) { return nullptr; }  // nothing is shared

  uint64_t last_sequence_number() const { return sequence_.last(); }
  static absl::string_view session_name() { return ""; }

  void ReleaseBuffers() {
    valid_ = {};
    outputs_ = {};
  }

 private:
  absl::Status Bind(const v1::CompareOpen& open);
  absl::Status Charge(int64_t bytes);
  absl::Status BindMethod(const v1::NormalizationSpec& spec);
  absl::Status BindPlan(const v1::ComparisonPlan& proto);
  // What a plan takes beside its methods' own statistics.
  int64_t BytesOf(const ComparisonPlan& plan) const;

  absl::Status Measure(const v1::Chunk& chunk, v1::CompareResult* result);
  // Whether the next chunk comes again (ComparisonPlan.first_pass_chunks).
  bool IsSecondPass() const;
  // Adds a chunk, without padding and, where there is any, with it, to what the plan measures.
  void AddToReport(ConstElements valid, const Rows& rows, const v1::Chunk& chunk,
                   const Padding& padding);
  absl::Status CheckOutputsFit(int64_t elements) const;
  // The output of the rows without padding as that of the whole chunk of so many elements.
  std::string WithPadding(const std::vector<char>& output, const Padding& padding,
                          int64_t elements) const;

  void CountRejectedValues(const MethodComparison& method, ConstElements x, const Rows& rows) const;

  const MessageLimits limits_;
  InlineLimit inline_limit_;
  ByteBudget& memory_;
  const NormalizationMetrics& metrics_;
  ChunkSequence sequence_;
  std::vector<MethodComparison> methods_;
  std::vector<Normalizer> normalizers_;       // theirs
  std::unique_ptr<StreamComparison> report_;  // with a plan
  std::optional<RowTokens> valid_tokens_;
  std::optional<RowTokens> all_tokens_;
  int64_t rows_ = 0;  // that came
  std::optional<RowBatches> batches_;
  ElementType output_type_ = ElementType::kFloat32;
  bool return_outputs_ = false;
  std::optional<ByteBudget::Charge> charge_;
  int64_t channels_ = 0;     // of all methods that keep statistics
  std::vector<char> valid_;  // what is valid of a chunk with padding
  ChunkOutputs outputs_;
};

}  // namespace normd::server

#endif  // NORMD_SERVER_RPC_COMPARISON_STREAM_H_
