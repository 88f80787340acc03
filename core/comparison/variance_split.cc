#include "core/comparison/variance_split.h"

#include <cmath>

#include "core/kernels/channel_kernels.h"

namespace normd {
namespace {

// Standard deviation over mean; 0 of what is 0.
double Variation(const Moments& values) {
  if (values.count == 0 || values.mean[0] == 0) return 0;
  return std::sqrt(values.m2[0] / values.count) / values.mean[0];
}

Moments MomentsOf(const std::vector<double>& values) {
  Moments result(1);
  result.Compute(values.data(), {static_cast<int64_t>(values.size()), 1, 1});
  return result;
}

}  // namespace

void TokenScales::Add(const Tokens& tokens) {
  if (tokens.count == 0) return;
  mean_.resize(tokens.count);
  spread_.resize(tokens.count);
  // A token's channels, taken for the values of one.
  kernels::ComputeChannelMoments(tokens.data, {1, tokens.count, tokens.channels}, mean_.data(),
                                 spread_.data());
  for (double& value : spread_) value = std::sqrt(value / static_cast<double>(tokens.channels));
  means_.Merge(MomentsOf(mean_));
  deviations_.Merge(MomentsOf(spread_));
}

VarianceSplit TokenScales::Result(const Moments& channels) const {
  VarianceSplit result;
  const Moments of_channels = MomentsOf(channels.mean);
  double within_channels = 0;
  std::vector<double> deviations;
  for (const double m2 : channels.m2) {
    within_channels += m2;
    deviations.push_back(std::sqrt(m2 / channels.count));
  }
  const double by_channel = channels.count * of_channels.m2[0];
  const double by_token = of_channels.count * means_.m2[0];
  const double total = within_channels + by_channel;
  if (total > 0) {
    result.token_share = by_token / total;
    result.channel_share = by_channel / total;
    result.residual_share = (within_channels - by_token) / total;
  }
  result.token_scale_variation = Variation(deviations_);
  result.channel_scale_variation = Variation(MomentsOf(deviations));
  return result;
}

}  // namespace normd
