#include "core/comparison/channel_shapes.h"

#include <algorithm>
#include <cmath>
#include <utility>

#include "core/comparison/median.h"
#include "core/kernels/element_conversion.h"

namespace normd {
namespace {

// What makes a channel an outlier: in deviation, of the median's, and in magnitude, of its own.
constexpr double kOutlyingDeviation = 6;
constexpr double kOutlyingMagnitude = 20;

constexpr size_t kMostNamed = 16;

}  // namespace

ChannelShapeSums::ChannelShapeSums(const Moments& moments)
    : moments_(&moments), fourth_powers_(moments.mean.size()), largest_(moments.mean.size()) {
  for (const double m2 : moments.m2) deviations_.push_back(std::sqrt(m2 / moments.count));
}

void ChannelShapeSums::Add(const Tokens& tokens) {
  VisitElementType(tokens.data.type, [&]<typename T>(ElementTag<T>) {
    const T* x = tokens.data.As<T>();
    const size_t channels = fourth_powers_.size();
    for (int64_t token = 0; token < tokens.count; ++token, x += channels) {
      for (size_t c = 0; c < channels; ++c) {
        const double value = kernels::LoadElement(x + c);
        largest_[c] = std::max(largest_[c], std::abs(value));
        if (deviations_[c] <= 0) continue;
        const double distance = (value - moments_->mean[c]) / deviations_[c];
        fourth_powers_[c] += distance * distance * distance * distance;
      }
    }
  });
}

ChannelShapes ChannelShapeSums::Result() const {
  std::vector<ChannelShape> all;
  std::vector<double> deviations;
  std::vector<double> kurtoses;
  ChannelShapes result;
  result.count = static_cast<int64_t>(largest_.size());
  for (size_t c = 0; c < largest_.size(); ++c) {
    if (deviations_[c] <= 0) {
      ++result.without_variance;
      continue;
    }
    all.push_back({static_cast<int64_t>(c), moments_->mean[c], deviations_[c],
                   fourth_powers_[c] / moments_->count, largest_[c]});
    deviations.push_back(all.back().deviation);
    kurtoses.push_back(all.back().kurtosis);
  }
  if (all.empty()) return result;
  result.median_kurtosis = Median(kurtoses);
  const double median_deviation = Median(deviations);
  for (const ChannelShape& channel : all) {
    const bool is_outlier = channel.deviation > kOutlyingDeviation * median_deviation ||
                            channel.largest_magnitude > kOutlyingMagnitude * channel.deviation;
    if (is_outlier) ++result.outliers;
  }
  const double median_kurtosis = result.median_kurtosis;
  const auto outstands = [=](const ChannelShape& channel) {
    return std::max({channel.deviation / median_deviation,
                     std::abs(channel.mean) / median_deviation,
                     channel.kurtosis / median_kurtosis});
  };
  std::stable_sort(all.begin(), all.end(), [&](const ChannelShape& a, const ChannelShape& b) {
    return outstands(a) > outstands(b);
  });
  all.resize(std::min(all.size(), kMostNamed));
  result.outstanding = std::move(all);
  return result;
}

}  // namespace normd
