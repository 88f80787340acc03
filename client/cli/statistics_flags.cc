#include "client/cli/statistics_flags.h"

#include <vector>

#include "client/cli/tensor_file.h"
#include "client/cpp/tensor.h"

namespace normd::cli {
namespace {

absl::Status ReadFloat64(const std::string& path, v1::Tensor* tensor) {
  const absl::StatusOr<v1::Tensor> read = ReadParameter(path);
  if (!read.ok()) return read.status();
  const std::vector<int64_t> shape(read->shape().begin(), read->shape().end());
  *tensor = client::ToTensor(shape, client::ToFloat64(read->element_type(), read->data()));
  return absl::OkStatus();
}

}  // namespace

void StatisticsFlags::AddTo(CLI::App& command) {
  command.add_option("--mean", mean_path, "Running means, a .npy file");
  command.add_option("--variance", variance_path, "Running variances, a .npy file");
  command.add_option("--minimum", minimum_path, "min_max: running minima, a .npy file");
  command.add_option("--maximum", maximum_path, "min_max: running maxima, a .npy file");
  command.add_option("--count", count, "Values per channel that they are of");
  command.add_option("--batches", batches, "Batches that they are of");
}

absl::StatusOr<std::optional<v1::RunningStatistics>> ToStatistics(const StatisticsFlags& flags) {
  const bool has_mean = !flags.mean_path.empty();
  const bool has_minimum = !flags.minimum_path.empty();
  if (has_mean == flags.variance_path.empty() || has_minimum == flags.maximum_path.empty() ||
      (has_mean && has_minimum) || (!has_mean && !has_minimum && (flags.count || flags.batches))) {
    return absl::InvalidArgumentError(
        "running statistics are --mean with --variance, or --minimum with --maximum");
  }
  if (!has_mean && !has_minimum) return std::nullopt;
  v1::RunningStatistics statistics;
  if (flags.count)
    *statistics.mutable_count() = client::ToTensor({1}, absl::MakeConstSpan(&*flags.count, 1));
  if (flags.batches) statistics.set_batches(*flags.batches);
  absl::Status status;
  if (has_mean) {
    v1::MeanVariance* kind = statistics.mutable_mean_variance();
    status.Update(ReadFloat64(flags.mean_path, kind->mutable_mean()));
    status.Update(ReadFloat64(flags.variance_path, kind->mutable_variance()));
  } else {
    v1::MinimumMaximum* kind = statistics.mutable_minimum_maximum();
    status.Update(ReadFloat64(flags.minimum_path, kind->mutable_minimum()));
    status.Update(ReadFloat64(flags.maximum_path, kind->mutable_maximum()));
  }
  if (!status.ok()) return status;
  return statistics;
}

}  // namespace normd::cli
