#include "client/load/latency_histogram.h"

#include <algorithm>
#include <bit>
#include <cmath>

namespace normd::client {
namespace {

// A latency keeps its eight leading bits; a shift tells how many follow.
constexpr int kLeadingBits = 8;
constexpr int64_t kBucketsPerShift = int64_t{1} << (kLeadingBits - 1);

size_t BucketOf(int64_t latency) {
  const int bits = std::bit_width(static_cast<uint64_t>(latency));
  const int shift = std::max(0, bits - kLeadingBits);
  return static_cast<size_t>(shift * kBucketsPerShift + (latency >> shift));
}

// The greatest latency that falls into a bucket.
int64_t GreatestIn(size_t bucket) {
  const auto index = static_cast<int64_t>(bucket);
  const int64_t shift = std::max<int64_t>(0, index / kBucketsPerShift - 1);
  const auto leading = static_cast<uint64_t>(index - shift * kBucketsPerShift);
  return static_cast<int64_t>(((leading + 1) << shift) - 1);
}

}  // namespace

void LatencyHistogram::Record(int64_t latency) {
  latency = std::max<int64_t>(latency, 0);
  const size_t bucket = BucketOf(latency);
  if (bucket >= buckets_.size()) buckets_.resize(bucket + 1);
  ++buckets_[bucket];
  ++count_;
  max_ = std::max(max_, latency);
}

void LatencyHistogram::Merge(const LatencyHistogram& other) {
  buckets_.resize(std::max(buckets_.size(), other.buckets_.size()));
  for (size_t i = 0; i < other.buckets_.size(); ++i) buckets_[i] += other.buckets_[i];
  count_ += other.count_;
  max_ = std::max(max_, other.max_);
}

int64_t LatencyHistogram::Quantile(double quantile) const {
  const auto wanted = static_cast<int64_t>(std::ceil(quantile * static_cast<double>(count_)));
  int64_t seen = 0;
  for (size_t i = 0; i < buckets_.size(); ++i) {
    seen += buckets_[i];
    if (seen > 0 && seen >= wanted) return std::min(GreatestIn(i), max_);
  }
  return max_;
}

}  // namespace normd::client
