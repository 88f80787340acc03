#include "client/cli/plan_flags.h"

#include <map>

#include "client/cli/number_check.h"

namespace normd::cli {
namespace {

const std::map<std::string, v1::BatchOrder>& Orders() {
  static const auto* const kOrders =
      new std::map<std::string, v1::BatchOrder>{{"arrival", v1::BATCH_ORDER_ARRIVAL},
                                                {"shuffled", v1::BATCH_ORDER_SHUFFLED},
                                                {"by-sequence", v1::BATCH_ORDER_BY_SEQUENCE},
                                                {"by-position", v1::BATCH_ORDER_BY_POSITION}};
  return *kOrders;
}

}  // namespace

void PlanFlags::AddTo(CLI::App& command) {
  command
      .add_option(
          "--batch-sizes", batch_sizes,
          "Tokens per batch to compare, 0: as they come (0,1,2,4,8,32,128 and, of up to 2048 "
          "features, 4096)")
      ->delimiter(',');
  command
      .add_option("--orders", orders,
                  "arrival, shuffled, by-sequence, by-position: how batches are made up (all)")
      ->delimiter(',')
      ->check(CLI::IsMember(Orders()));
  command.add_option("--seed", seed, "Of the sample and of what is shuffled (0)");
  command
      .add_option("--sample-kib", sample_kib,
                  "KiB of tokens that are kept for what needs them all (32768); of more, all are "
                  "sent twice")
      ->check(AtLeastOne());
  command
      .add_option("--batch-size-in-use", batch_size_in_use,
                  "Tokens per batch that the verdict is about (as they come)")
      ->check(AtLeastOne());
  command.add_option("--largest-gap", largest_gap, "Verdict: an output gap up to this is harmless");
  command.add_option("--largest-ratio", largest_ratio,
                     "Verdict: a discrepancy up to so many noise floors is chance");
  command.add_option("--largest-drift", largest_drift,
                     "Verdict: a drift up to so many deviations is none");
  command.add_option("--widest-interval", widest_interval,
                     "Verdict: intervals up to this part of what they are of are enough data");
}

v1::ComparisonPlan PlanFlags::ToPlan() const {
  v1::ComparisonPlan plan;
  plan.mutable_batch_sizes()->Assign(batch_sizes.begin(), batch_sizes.end());
  for (const std::string& order : orders) plan.add_orders(Orders().at(order));
  plan.set_seed(seed);
  plan.set_sample_bytes(sample_kib << 10);
  if (batch_size_in_use > 0) plan.set_batch_size_in_use(batch_size_in_use);
  v1::VerdictThresholds* thresholds = plan.mutable_thresholds();
  if (largest_gap) thresholds->set_largest_gap(*largest_gap);
  if (largest_ratio) thresholds->set_largest_ratio(*largest_ratio);
  if (largest_drift) thresholds->set_largest_drift(*largest_drift);
  if (widest_interval) thresholds->set_widest_interval(*widest_interval);
  return plan;
}

}  // namespace normd::cli
