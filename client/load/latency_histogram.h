// Latencies counted in buckets that are as wide as 1/128 of what they hold, so that a histogram of
// any number of them has one size and one relative error. After HdrHistogram (Gil Tene).
#ifndef NORMD_CLIENT_LOAD_LATENCY_HISTOGRAM_H_
#define NORMD_CLIENT_LOAD_LATENCY_HISTOGRAM_H_

#include <cstdint>
#include <vector>

namespace normd::client {

class LatencyHistogram {
 public:
  // Nanoseconds; what is negative counts as 0.
  void Record(int64_t latency);

  void Merge(const LatencyHistogram& other);

  int64_t count() const { return count_; }
  int64_t max() const { return max_; }

  // The least latency, rounded up by less than 1/128, that a share of at least `quantile` of all,
  // from 0 to 1, does not exceed. 0 where there is none.
  int64_t Quantile(double quantile) const;

 private:
  std::vector<int64_t> buckets_;  // as many as were needed
  int64_t count_ = 0;
  int64_t max_ = 0;
};

}  // namespace normd::client

#endif  // NORMD_CLIENT_LOAD_LATENCY_HISTOGRAM_H_
