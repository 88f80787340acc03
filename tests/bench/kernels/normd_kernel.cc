#include <cstdio>
#include <cstdlib>
#include <memory>
#include <string>
#include <utility>
#include <variant>

#include "absl/status/statusor.h"
#include "absl/time/clock.h"
#include "core/kernels/executor.h"
#include "core/method/normalizer.h"
#include "core/session/session.h"
#include "server/async/worker_pool.h"
#include "tests/bench/kernels/kernel_case.h"

namespace normd::bench {
namespace {

void Check(const absl::Status& status) {
  if (status.ok()) return;
  std::fprintf(stderr, "normd: %s\n", std::string(status.message()).c_str());
  std::exit(1);
}

template <typename T>
T Valid(absl::StatusOr<T> result) {
  Check(result.status());
  return *std::move(result);
}

Method MethodOf(Op op) {
  switch (op) {
    case Op::kLayerNorm:
      return Method::kLayerNorm;
    case Op::kRmsNorm:
      return Method::kRmsNorm;
    case Op::kBatchNormTrain:
    case Op::kBatchNormInference:
      return Method::kBatchNorm;
    case Op::kGroupNorm:
      return Method::kGroupNorm;
  }
  std::abort();
}

AffineParameter ParameterOf(const Shape& shape, const std::vector<float>& values) {
  return {.shape = shape, .values = {values.begin(), values.end()}};
}

NormalizationSpec SpecOf(const Operands& operands) {
  const KernelCase& measured = operands.measured();
  NormalizationSpec spec;
  spec.method = MethodOf(measured.op);
  spec.epsilon = measured.epsilon;
  if (measured.is_within_rows()) spec.normalized_rank = static_cast<int>(measured.row_shape.size());
  if (measured.op == Op::kGroupNorm) spec.group_count = kGroups;
  if (measured.affine) {
    const Shape shape = measured.is_within_rows() ? measured.row_shape : Shape{measured.channels()};
    spec.gamma = ParameterOf(shape, operands.gamma());
    if (measured.op != Op::kRmsNorm) spec.beta = ParameterOf(shape, operands.beta());
  }
  return spec;
}

// The server's pool beside the thread that calls.
class Threads final : public Executor {
 public:
  explicit Threads(int width) : pool_(width - 1) {}

  int width() const override { return pool_.size() + 1; }
  void Run(int64_t count, absl::FunctionRef<void(int64_t)> task) override {
    pool_.RunTogether(count, task);
  }

 private:
  server::WorkerPool pool_;
};

Executor& OrSerial(const std::shared_ptr<Executor>& executor) {
  return executor != nullptr ? *executor : SerialExecutor();
}

// By the statistics of a session, as a stream in INFERENCE does it.
Contender BySession(const Operands& operands, const Normalizer& normalizer,
                    std::shared_ptr<Executor> threads) {
  SessionConfig config;
  config.spec = SpecOf(operands);
  config.channels = operands.measured().channels();
  config.initial_statistics =
      StatisticsSnapshot{.count = 1000,
                         .mean = {operands.mean().begin(), operands.mean().end()},
                         .variance = {operands.variance().begin(), operands.variance().end()},
                         .batches = 1,
                         .minimum = {},
                         .maximum = {}};
  const std::shared_ptr<Session> session =
      Valid(Session::Create(std::move(config), [] { return absl::Now(); }));
  return {.run = [session, &operands, by_channel = std::get<ChannelNormalizer>(normalizer),
                  threads] {
    Check(session
              ->Apply(by_channel, StreamingPolicy{.mode = BatchNormMode::kInference}, operands.x(),
                      {operands.measured().rows}, operands.y(), Patience::kWait, OrSerial(threads))
              .status());
  }};
}

}  // namespace

std::optional<Contender> NormdKernel(const Operands& operands, int threads) {
  const KernelCase& measured = operands.measured();
  // A single row has no statistics of its own.
  if (measured.op == Op::kBatchNormTrain && measured.rows < 2) return std::nullopt;
  const NormalizationSpec spec = Valid(Resolve(SpecOf(operands), measured.type));
  Normalizer normalizer = Valid(CreateNormalizer(spec, measured.row_shape));
  const auto executor = threads > 1 ? std::make_shared<Threads>(threads) : nullptr;
  if (measured.op == Op::kBatchNormInference) return BySession(operands, normalizer, executor);
  return Contender{.run = [normalizer = std::move(normalizer), &operands, executor] {
    Check(Normalize(normalizer, operands.x(), {operands.measured().rows}, operands.y(),
                    OrSerial(executor)));
  }};
}

}  // namespace normd::bench
