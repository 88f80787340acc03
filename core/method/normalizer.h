// Normalizers: a resolved spec bound to the shape of a row, applied to rows.
//
// One for each access pattern: RowNormalizer where statistics lie within a row's trailing
// dimensions, GroupNormalizer (group_normalizer.h) where they lie within groups of a row's
// channels, ChannelNormalizer where they lie across rows. All are immutable and safe for concurrent
// use. `x` holds `rows` rows of row_size() elements, row-major; `y` is as large and may be `x`.
#ifndef NORMD_CORE_METHOD_NORMALIZER_H_
#define NORMD_CORE_METHOD_NORMALIZER_H_

#include <cstdint>
#include <memory>
#include <vector>

#include "absl/status/statusor.h"
#include "absl/types/span.h"
#include "core/method/spec.h"
#include "core/statistics/moments.h"
#include "core/statistics/running_statistics.h"
#include "core/tensor/channel_layout.h"

namespace normd {

class RowNormalizer {
 public:
  // `spec` must be resolved, of a method with SharedOver::kTrailingDimensions or kNothing.
  // INVALID_ARGUMENT where it does not fit the row: normalized_rank above the rank, gamma or beta
  // of another shape than the trailing dimensions, `partial` of them less than one element.
  static absl::StatusOr<RowNormalizer> Create(const NormalizationSpec& spec,
                                              absl::Span<const int64_t> row_shape);

  // The resolved spec; ScaleNorm's default gain, the root of the number of elements, is set.
  const NormalizationSpec& spec() const { return spec_; }
  int64_t row_size() const { return row_size_; }

  // INVALID_ARGUMENT (field "data") for NaN or infinity under REJECT; `y` is then unspecified.
  absl::Status Normalize(const float* x, int64_t rows, float* y) const;

 private:
  RowNormalizer() = default;

  NormalizationSpec spec_;
  int64_t row_size_ = 0;
  int64_t group_size_ = 0;  // elements of the trailing dimensions
  int64_t counted_ = 0;     // those of them that the statistic is over; 0: all
};

// Per-channel coefficients: y = (x - mean) * scale + beta.
struct ChannelCoefficients {
  std::vector<double> mean;
  std::vector<double> scale;
};

class ChannelNormalizer {
 public:
  // `spec` must be resolved, of a method with SharedOver::kChannel. INVALID_ARGUMENT where it does
  // not fit the row: the channel axis outside [N, row_shape...] or 0, gamma or beta not of shape
  // [C].
  static absl::StatusOr<ChannelNormalizer> Create(const NormalizationSpec& spec,
                                                  absl::Span<const int64_t> row_shape);

  int64_t row_size() const { return row_.size(); }
  int64_t channels() const { return row_.channels; }
  ChannelLayout Layout(int64_t rows) const {
    return {row_.outer * rows, row_.channels, row_.inner};
  }

  // INVALID_ARGUMENT (field "data") for NaN or infinity under REJECT, before any state is touched.
  absl::Status CheckFinite(const float* x, int64_t rows) const;

  // The rows that may enter statistics. All are finite: `x` itself. Under PROPAGATE rows with NaN
  // or infinity are left out: then `kept` owns a copy of the others.
  struct FiniteRows {
    const float* data = nullptr;
    int64_t rows = 0;
    std::vector<float> kept;
  };
  FiniteRows SelectFiniteRows(const float* x, int64_t rows) const;

  // The coefficients that moments, or running statistics, stand for.
  ChannelCoefficients CoefficientsOf(const Moments& moments) const;
  ChannelCoefficients CoefficientsOf(const RunningStatistics& statistics) const;

  // Applies coefficients. Under PROPAGATE every NaN comes out canonical.
  void Apply(const ChannelCoefficients& coefficients, const float* x, int64_t rows, float* y) const;

  // TRAINING without a session: normalizes by this batch's own statistics, which are kept nowhere.
  // INVALID_ARGUMENT with reason NEEDS_MORE_ROWS for fewer than two (finite) values per channel.
  absl::Status NormalizeByBatch(const float* x, int64_t rows, float* y) const;

  // The error of NormalizeByBatch, for everyone who has that rule. OK from two values on.
  absl::Status CheckEnoughRows(int64_t finite_rows) const;

  // STREAMING, PER_ROW: for each row in turn, folds it into `statistics` and normalizes it by them,
  // in the order given. The output does not depend on how rows are cut into calls, bit for bit.
  void NormalizeRowByRow(bool update_first, const float* x, int64_t rows,
                         RunningStatistics& statistics, float* y) const;

 private:
  ChannelNormalizer() = default;

  NormalizationSpec spec_;
  ChannelLayout row_;
};

}  // namespace normd

#endif  // NORMD_CORE_METHOD_NORMALIZER_H_
