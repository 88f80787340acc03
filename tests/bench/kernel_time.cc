// The time of the arithmetic of one chunk alone: no message, no stream. Prints microseconds.
#include <algorithm>
#include <chrono>
#include <cstdio>
#include <memory>
#include <vector>

#include "absl/flags/flag.h"
#include "absl/flags/parse.h"
#include "absl/time/clock.h"
#include "core/method/normalizer.h"
#include "core/session/session.h"
#include "tests/testing/random_values.h"

ABSL_FLAG(std::string, method, "layer_norm",
          "layer_norm, or batch_norm of a session, streaming row by row.");
ABSL_FLAG(int64_t, features, 1024, "Elements of a row, float32.");
ABSL_FLAG(int64_t, rows, 1, "Rows of a chunk.");
ABSL_FLAG(std::string, residual, "",
          "Of layer_norm: one is added, some rows `at_once`, as the server does it, or `before`.");

namespace {

using normd::ElementType;

template <typename T>
T Valid(absl::StatusOr<T> result) {
  if (result.ok()) return *std::move(result);
  std::fprintf(stderr, "kernel_time: %s\n", std::string(result.status().message()).c_str());
  std::exit(1);
}

}  // namespace

int main(int argc, char** argv) {
  absl::ParseCommandLine(argc, argv);
  const int64_t features = absl::GetFlag(FLAGS_features);
  const int64_t rows = absl::GetFlag(FLAGS_rows);
  const bool has_session = absl::GetFlag(FLAGS_method) == "batch_norm";
  normd::SessionConfig config;
  config.spec.method = has_session ? normd::Method::kBatchNorm : normd::Method::kLayerNorm;
  config.spec.estimator = normd::Cumulative{};
  config.channels = features;
  if (!has_session) config.spec.estimator.reset();
  const normd::NormalizationSpec spec = Valid(normd::Resolve(config.spec));
  const normd::Normalizer normalizer = Valid(normd::CreateNormalizer(spec, {features}));
  std::shared_ptr<normd::Session> session;
  if (has_session) session = Valid(normd::Session::Create(config, [] { return absl::Now(); }));
  normd::StreamingPolicy policy;
  policy.mode = normd::BatchNormMode::kStreaming;

  const std::vector<double> values = normd::testing::RandomDoubles(features * rows, -2, 2);
  const std::vector<float> x(values.begin(), values.end());
  std::vector<float> y(x.size());
  const std::string residual = absl::GetFlag(FLAGS_residual);
  const std::vector<float> residuals(residual.empty() ? 0 : x.size(), 0.5F);
  const auto chunk = [&] {
    const normd::ConstElements in{ElementType::kFloat32, x.data()};
    const normd::Elements out{ElementType::kFloat32, y.data()};
    if (residual == "at_once") {
      return std::get<normd::RowNormalizer>(normalizer)
          .NormalizeSum(in, residuals.data(), {rows}, out)
          .ok();
    }
    if (residual == "before") {
      normd::kernels::Add(in, residuals.data(), features * rows, out);
      return normd::Normalize(normalizer, out, {rows}, out).ok();
    }
    if (session == nullptr) return normd::Normalize(normalizer, in, {rows}, out).ok();
    return session->Apply(std::get<normd::ChannelNormalizer>(normalizer), policy, in, {rows}, out)
        .ok();
  };
  std::vector<double> rounds;
  const int chunks = static_cast<int>(std::max<int64_t>(1, 2'000'000 / (features * rows)));
  for (int round = 0; round < 21; ++round) {
    const auto start = std::chrono::steady_clock::now();
    for (int i = 0; i < chunks; ++i) {
      if (!chunk()) return 1;
    }
    rounds.push_back(
        std::chrono::duration<double, std::micro>(std::chrono::steady_clock::now() - start)
            .count() /
        chunks);
  }
  std::nth_element(rounds.begin(), rounds.begin() + 10, rounds.end());
  std::printf("%.4f\n", rounds[10]);
  return 0;
}
