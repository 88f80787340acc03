// How long one message keeps its thread: parsed, answered and serialized, by method, type and size.
// The server's --inline_bytes and the weights beside it (server/rpc/inline_limit.h) come from here.
#include <algorithm>
#include <chrono>
#include <cstdint>
#include <cstdio>
#include <cstdlib>
#include <string>
#include <vector>

#include "absl/time/clock.h"
#include "server/async/byte_budget.h"
#include "server/observability/metrics.h"
#include "server/observability/normalization_metrics.h"
#include "server/rpc/comparison_stream.h"
#include "server/rpc/result_reply.h"
#include "server/rpc/stream_messages.h"
#include "server/rpc/stream_session.h"
#include "server/rpc/tensor_conversion.h"
#include "server/storage/in_memory_session_store.h"
#include "tests/testing/random_values.h"
#include "tests/testing/typed_values.h"

namespace normd::server {
namespace {

constexpr int64_t kSizes[] = {4 << 10, 16 << 10, 32 << 10, 64 << 10, 128 << 10, 1 << 20, 4 << 20};

bool HasResult(ResultReply& reply) { return reply.message().has_result(); }
bool HasResult(const v1::CompareResponse& reply) { return reply.has_result(); }

template <typename Stream, typename Open>
class Measured {
 public:
  // The stream is made of the rest.
  template <typename... Parts>
  explicit Measured(const Open& open, Parts&&... parts) : stream_(parts...) {
    *request_.mutable_open() = open;
    Check(stream_.Open(request_, &reply_));
  }

  // The median of several messages' microseconds.
  double MicrosecondsOf(const std::string& data) {
    request_.mutable_chunk()->set_data(data);
    std::vector<double> all;
    for (int i = 0; i < 15; ++i) {
      request_.mutable_chunk()->set_sequence_number(++sent_);
      const std::string message = request_.SerializeAsString();
      const auto start = std::chrono::steady_clock::now();
      if (!received_.ParseFromString(message)) std::abort();
      Check(stream_.Answer(received_, Patience::kWait, SerialExecutor(), &reply_));
      grpc::ByteBuffer answer = Serialize(reply_);
      all.push_back(
          std::chrono::duration<double, std::micro>(std::chrono::steady_clock::now() - start)
              .count());
      if (!HasResult(reply_)) std::abort();
    }
    std::sort(all.begin(), all.end());
    return all[all.size() / 2];
  }

 private:
  static void Check(const absl::Status& status) {
    if (status.ok()) return;
    std::fprintf(stderr, "compute_cost: %s\n", std::string(status.message()).c_str());
    std::exit(1);
  }

  Stream stream_;
  typename Stream::Request request_;
  typename Stream::Request received_;
  typename Stream::Reply reply_;
  uint64_t sent_ = 0;
};

void PrintLine(const std::string& name, ElementType type, int64_t row, auto&& measured) {
  std::printf("%-24s %-8s %6lld", name.c_str(), testing::NameOf(type).c_str(),
              static_cast<long long>(row));
  for (const int64_t bytes : kSizes) {
    const auto values = testing::RandomDoubles(bytes / SizeOf(type), -1, 1);
    std::printf(" %9.1f", measured.MicrosecondsOf(testing::TypedValues(type, values).bytes()));
    std::fflush(stdout);
  }
  std::printf("\n");
}

v1::NormalizationSpec LayerNorm() {
  v1::NormalizationSpec spec;
  spec.mutable_layer_norm();
  return spec;
}

class Bench {
 public:
  void Stream(const std::string& name, const v1::NormalizationSpec& spec, ElementType type,
              int64_t row) {
    v1::Open open;
    *open.mutable_spec() = spec;
    Line(name, open, type, row);
  }

  // A new session of each row's size.
  void Session(const std::string& name, v1::BatchNormMode mode, v1::UpdateGranularity granularity,
               ElementType type, int64_t row) {
    SessionConfig config;
    config.name = "sessions/s" + std::to_string(++sessions_);
    config.spec.method = Method::kBatchNorm;
    config.spec.estimator = Cumulative{};
    config.channels = row;
    const auto session = store_.Create(config);
    if (!session.ok()) std::abort();
    v1::Open open;
    open.set_session((*session)->name());
    open.set_mode(mode);
    open.set_update_granularity(granularity);
    Line(name, open, type, row);
  }

  void Compare(const std::string& name, const std::vector<v1::NormalizationSpec>& specs,
               ElementType type, int64_t row) {
    v1::CompareOpen open;
    for (const auto& spec : specs) *open.add_specs() = spec;
    open.set_element_type(ToProto(type));
    open.add_row_shape(row);
    PrintLine(name, type, row,
              Measured<ComparisonStream, v1::CompareOpen>(open, limits_, 0, memory_, metrics_));
  }

 private:
  void Line(const std::string& name, v1::Open open, ElementType type, int64_t row) {
    open.set_element_type(ToProto(type));
    open.add_row_shape(row);
    PrintLine(name, type, row,
              Measured<StreamSession, v1::Open>(open, store_, limits_, 0, metrics_));
  }

  MessageLimits limits_ = {.max_message_bytes = 16 << 20, .max_rows = 1 << 24};
  InMemorySessionStore store_{{}, [] { return absl::Now(); }};
  Metrics all_metrics_;
  NormalizationMetrics metrics_{all_metrics_};
  ByteBudget memory_{int64_t{1} << 40};
  int sessions_ = 0;
};

void PrintAll() {
  std::printf("us a message of            type        row");
  for (const int64_t bytes : kSizes) std::printf(" %5lld KiB", static_cast<long long>(bytes >> 10));
  std::printf("\n");
  Bench bench;
  v1::NormalizationSpec group_norm;
  group_norm.mutable_group_norm()->set_group_count(8);
  v1::NormalizationSpec propagating = LayerNorm();
  propagating.set_non_finite(v1::NON_FINITE_POLICY_PROPAGATE);
  v1::NormalizationSpec dynamic_tanh;
  dynamic_tanh.mutable_dynamic_tanh();
  v1::NormalizationSpec batch_norm;
  batch_norm.mutable_batch_norm();
  for (const ElementType type : testing::kElementTypes) {
    bench.Stream("layer_norm", LayerNorm(), type, 512);
  }
  bench.Stream("layer_norm propagate", propagating, ElementType::kFloat32, 512);
  bench.Stream("group_norm", group_norm, ElementType::kFloat32, 512);
  bench.Stream("group_norm", group_norm, ElementType::kBFloat16, 512);
  bench.Stream("dynamic_tanh", dynamic_tanh, ElementType::kFloat32, 512);
  bench.Stream("dynamic_tanh", dynamic_tanh, ElementType::kBFloat16, 512);
  bench.Stream("batch_norm training", batch_norm, ElementType::kFloat32, 512);
  for (const int64_t row : {1, 8, 64}) {
    bench.Stream("layer_norm", LayerNorm(), ElementType::kFloat32, row);
    bench.Stream("layer_norm", LayerNorm(), ElementType::kBFloat16, row);
  }
  constexpr auto kPerRow = v1::UPDATE_GRANULARITY_PER_ROW;
  constexpr auto kPerChunk = v1::UPDATE_GRANULARITY_PER_CHUNK;
  constexpr auto kStreaming = v1::BATCH_NORM_MODE_STREAMING;
  bench.Session("inference", v1::BATCH_NORM_MODE_INFERENCE, v1::UPDATE_GRANULARITY_UNSPECIFIED,
                ElementType::kFloat32, 512);
  bench.Session("streaming per chunk", kStreaming, kPerChunk, ElementType::kFloat32, 512);
  for (const ElementType type :
       {ElementType::kFloat32, ElementType::kFloat64, ElementType::kBFloat16}) {
    for (const int64_t row : {1, 64, 512}) {
      bench.Session("streaming per row", kStreaming, kPerRow, type, row);
    }
  }
  v1::NormalizationSpec channels;
  channels.mutable_batch_norm()->set_channel_axis(-1);
  channels.mutable_batch_norm()->mutable_estimator()->mutable_cumulative();
  for (const ElementType type : {ElementType::kFloat32, ElementType::kBFloat16}) {
    for (const int64_t row : {1, 64, 512}) {
      bench.Compare("compare layer_norm", {LayerNorm()}, type, row);
      bench.Compare("compare batch_norm", {channels}, type, row);
    }
  }
  bench.Compare("compare, the default", {}, ElementType::kFloat32, 512);
}

}  // namespace
}  // namespace normd::server

int main() { normd::server::PrintAll(); }
