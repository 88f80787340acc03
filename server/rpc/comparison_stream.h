// One stream of Compare without the wire: what each message is answered by.
#ifndef NORMD_SERVER_RPC_COMPARISON_STREAM_H_
#define NORMD_SERVER_RPC_COMPARISON_STREAM_H_

#include <cstdint>
#include <optional>
#include <string>
#include <vector>

#include "absl/status/status.h"
#include "core/comparison/method_comparison.h"
#include "normd/v1/comparison.pb.h"
#include "server/rpc/chunk_sequence.h"
#include "server/rpc/message_limits.h"
#include "server/rpc/row_batches.h"

namespace normd::server {

// Not thread-safe: a stream is served by one thread at a time.
//
// With return_outputs each method adds up to two outputs to an answer. Chunks whose outputs do not
// fit into a message of the server's limit are refused (field "data").
class ComparisonStream {
 public:
  static constexpr int kMaxMethods = 16;
  // Of the methods that keep statistics, together: it bounds what a stream holds, and its summary.
  static constexpr int64_t kMaxChannels = 1 << 17;

  explicit ComparisonStream(const MessageLimits& limits) : limits_(limits) {}

  // Answers the first message. An error ends the call.
  absl::Status Open(const v1::CompareRequest& request, v1::CompareResponse* response);

  // Answers any further message by a result or an error in its place. A chunk that one method
  // refuses enters none. An error that is returned ends the call.
  absl::Status Answer(const v1::CompareRequest& request, v1::CompareResponse* response);

  // The last message: the summary.
  void Close(v1::CompareResponse* response) const;

  uint64_t last_sequence_number() const { return sequence_.last(); }

 private:
  absl::Status Bind(const v1::CompareOpen& open);
  absl::Status BindMethod(const v1::NormalizationSpec& spec);

  absl::Status Measure(const v1::Chunk& chunk, v1::CompareResult* result);
  absl::Status CheckOutputsFit(int64_t elements) const;
  // The output of the rows without padding as that of the whole chunk of so many elements.
  std::string WithPadding(const std::vector<char>& output, const Padding& padding,
                          int64_t elements) const;

  const MessageLimits limits_;
  ChunkSequence sequence_;
  std::vector<MethodComparison> methods_;
  std::optional<RowBatches> batches_;
  ElementType output_type_ = ElementType::kFloat32;
  bool return_outputs_ = false;
  int64_t channels_ = 0;     // of all methods that keep statistics
  std::vector<char> valid_;  // what is valid of a chunk with padding
  ChunkOutputs outputs_;
};

}  // namespace normd::server

#endif  // NORMD_SERVER_RPC_COMPARISON_STREAM_H_
