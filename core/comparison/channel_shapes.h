// The channels' distributions. See proto/normd/v1/report.proto, message Channels.
#ifndef NORMD_CORE_COMPARISON_CHANNEL_SHAPES_H_
#define NORMD_CORE_COMPARISON_CHANNEL_SHAPES_H_

#include <cstdint>
#include <vector>

#include "core/comparison/tokens.h"
#include "core/statistics/moments.h"

namespace normd {

struct ChannelShape {
  int64_t index = 0;
  double mean = 0;
  double deviation = 0;
  double kurtosis = 0;
  double largest_magnitude = 0;
};

struct ChannelShapes {
  int64_t count = 0;
  int64_t without_variance = 0;
  int64_t outliers = 0;
  double median_kurtosis = 0;
  std::vector<ChannelShape> outstanding;
};

// By a second pass over tokens whose moments are known.
class ChannelShapeSums {
 public:
  // `moments`, those of all tokens that will be added, must outlive it.
  explicit ChannelShapeSums(const Moments& moments);

  void Add(const Tokens& tokens);
  ChannelShapes Result() const;

 private:
  const Moments* moments_;
  std::vector<double> deviations_;
  std::vector<double> fourth_powers_;  // sum of ((x - mean) / deviation)^4: of any unit
  std::vector<double> largest_;        // |x|
};

}  // namespace normd

#endif  // NORMD_CORE_COMPARISON_CHANNEL_SHAPES_H_
