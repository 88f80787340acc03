#include "core/comparison/plan.h"

#include <algorithm>
#include <set>

#include "absl/strings/str_cat.h"
#include "core/error/error.h"

namespace normd {
namespace {

template <typename T>
bool HasTwice(const std::vector<T>& values) {
  return std::set<T>(values.begin(), values.end()).size() < values.size();
}

// False for NaN too.
absl::Status CheckAboveZero(const char* name, double value) {
  if (value > 0) return absl::OkStatus();
  return InvalidFieldError(absl::StrCat("thresholds.", name), "must be above 0");
}

// Of a plan whose defaults are written out.
absl::Status CheckCells(const ComparisonPlan& plan, int64_t methods) {
  std::set<BatchOrder> measured(plan.orders.begin(), plan.orders.end());
  measured.insert(BatchOrder::kArrival);
  const auto sizes = static_cast<int64_t>(plan.batch_sizes.size());
  const auto orders = static_cast<int64_t>(measured.size());
  const int64_t cells = sizes * (orders + 1) * methods;
  if (cells <= ComparisonPlan::kMostCells) return absl::OkStatus();
  return InvalidFieldError(
      "batch_sizes",
      absl::StrCat("are too many: ", sizes, " sizes (the one in use among them) in ", orders,
                   " orders, that of arrival with padding too, of ", methods, " methods are ",
                   cells, " cells; at most ", ComparisonPlan::kMostCells, " are allowed"));
}

}  // namespace

absl::Status Complete(ComparisonPlan& plan, int64_t methods, int64_t channels) {
  if (plan.batch_sizes.empty()) {
    plan.batch_sizes = {0, 1, 2, 4, 8, 32, 128};
    if (channels <= ComparisonPlan::kMostChannelsOfLargeBatch) plan.batch_sizes.push_back(4096);
  }
  if (plan.orders.empty()) {
    plan.orders = {BatchOrder::kArrival, BatchOrder::kShuffled, BatchOrder::kBySequence,
                   BatchOrder::kByPosition};
  }
  if (plan.batch_sizes.size() > ComparisonPlan::kMostBatchSizes || HasTwice(plan.batch_sizes)) {
    return InvalidFieldError(
        "batch_sizes",
        absl::StrCat("must be ", ComparisonPlan::kMostBatchSizes, " at most, each of them once"));
  }
  for (const int64_t size : plan.batch_sizes) {
    if (size < 0 || size > ComparisonPlan::kLargestBatch) {
      return InvalidFieldError("batch_sizes",
                               absl::StrCat("holds ", size, "; must be from 1 to ",
                                            ComparisonPlan::kLargestBatch, ", or 0"));
    }
  }
  if (HasTwice(plan.orders)) return InvalidFieldError("orders", "must hold each of them once");
  if (plan.sample_bytes <= 0 || plan.sample_bytes > ComparisonPlan::kLargestSampleBytes) {
    return InvalidFieldError(
        "sample_bytes", absl::StrCat("must be from 1 to ", ComparisonPlan::kLargestSampleBytes));
  }
  const int64_t in_use = plan.batch_size_in_use.value_or(0);
  if (plan.batch_size_in_use && (in_use < 1 || in_use > ComparisonPlan::kLargestBatch)) {
    return InvalidFieldError("batch_size_in_use",
                             absl::StrCat("must be from 1 to ", ComparisonPlan::kLargestBatch));
  }
  if (std::find(plan.batch_sizes.begin(), plan.batch_sizes.end(), in_use) ==
      plan.batch_sizes.end()) {
    plan.batch_sizes.push_back(in_use);
  }
  NORMD_RETURN_IF_ERROR(CheckCells(plan, methods));
  NORMD_RETURN_IF_ERROR(CheckAboveZero("largest_gap", plan.thresholds.largest_gap));
  NORMD_RETURN_IF_ERROR(CheckAboveZero("largest_ratio", plan.thresholds.largest_ratio));
  NORMD_RETURN_IF_ERROR(CheckAboveZero("largest_drift", plan.thresholds.largest_drift));
  return CheckAboveZero("widest_interval", plan.thresholds.widest_interval);
}

}  // namespace normd
