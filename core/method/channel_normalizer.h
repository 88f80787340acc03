// Normalizers whose statistics lie across rows, one set for each channel.
#ifndef NORMD_CORE_METHOD_CHANNEL_NORMALIZER_H_
#define NORMD_CORE_METHOD_CHANNEL_NORMALIZER_H_

#include <cstdint>
#include <memory>
#include <variant>
#include <vector>

#include "absl/status/statusor.h"
#include "absl/types/span.h"
#include "core/kernels/executor.h"
#include "core/method/binding.h"
#include "core/method/spec.h"
#include "core/statistics/running_statistics.h"
#include "core/tensor/channel_layout.h"
#include "core/tensor/element_type.h"
#include "core/tensor/rows.h"

namespace normd {

// Per-channel coefficients: y = (x - center) * scale + shift.
struct ChannelCoefficients {
  std::vector<double> center;
  std::vector<double> scale;
  std::shared_ptr<const std::vector<double>> shift;  // null: none
  std::vector<float> narrow;                         // see kernels::ChannelAffine; empty: none
  bool in_float64 = false;
};

// Which way: to normalized values, or back.
enum class Direction { kForward, kInverse };

// BatchNorm, standardization and min-max. See normalizer.h for what all normalizers have in common.
class ChannelNormalizer {
 public:
  // `spec` must be resolved, of a method with SharedOver::kChannel. INVALID_ARGUMENT where it does
  // not fit the row: the channel axis outside [N, row_shape...] or 0, gamma or beta not of shape
  // [C].
  static absl::StatusOr<ChannelNormalizer> Create(const NormalizationSpec& spec,
                                                  absl::Span<const int64_t> row_shape);

  const NormalizationSpec& spec() const { return spec_; }
  const StepLayout& steps() const { return row_.steps; }
  int64_t row_size() const { return row_.steps.row_size(); }
  int64_t channels() const { return row_.step.channels; }
  // How the elements of one step fall into channels.
  const ChannelLayout& StepChannels() const { return row_.step; }
  ChannelLayout Layout(const Rows& rows) const {
    return row_.LayoutOf(row_.steps.TotalSteps(rows));
  }

  // INVALID_ARGUMENT (field "data") for NaN or infinity under REJECT, before any state is touched.
  absl::Status CheckFinite(ConstElements x, const Rows& rows) const;

  // INVALID_ARGUMENT (field "affine.gamma") where a gamma of 0, or below 2^-126, leaves
  // nothing to go back from.
  absl::Status CheckInvertible() const;

  // INVALID_ARGUMENT with reason NEEDS_MORE_ROWS for fewer than two values per channel.
  static absl::Status CheckEnoughValues(double count);

  // The rows that may enter statistics. All are finite: `x` itself. Under PROPAGATE rows with NaN
  // or infinity are left out: then `kept` owns a copy of the others.
  struct FiniteRows {
    ConstElements data;
    Rows rows;
    std::vector<char> kept;
    std::vector<int64_t> steps;
  };
  FiniteRows SelectFiniteRows(ConstElements x, const Rows& rows) const;

  // Those rows, and their statistics. INVALID_ARGUMENT as CheckFinite has it.
  struct FiniteBatch {
    FiniteRows rows;
    BatchStatistics statistics;
  };
  absl::StatusOr<FiniteBatch> ComputeFinite(ConstElements x, const Rows& rows,
                                            Executor& executor = SerialExecutor()) const;

  // The coefficients that batch or running statistics stand for.
  ChannelCoefficients CoefficientsOf(BatchStatistics batch) const;
  ChannelCoefficients CoefficientsOf(const RunningStatistics& statistics) const;

  // Applies coefficients. Every NaN comes out canonical. Forward, spec.clip has the last word.
  // Returns whether all of `x` was finite. `in_float64`: outputs too, as NormalizeRowByRow has
  // them.
  bool Apply(const ChannelCoefficients& coefficients, Direction direction, ConstElements x,
             const Rows& rows, Elements y, Executor& executor = SerialExecutor(),
             bool in_float64 = false) const;

  // TRAINING without a session: normalizes by this batch's own statistics, which are kept nowhere.
  // INVALID_ARGUMENT as CheckFinite and CheckEnoughValues have it.
  absl::Status NormalizeByBatch(ConstElements x, const Rows& rows, Elements y,
                                Executor& executor = SerialExecutor()) const;

  // STREAMING, PER_ROW: for each row in turn, folds it into `statistics` and normalizes it by them,
  // in the order given. The output does not depend on how rows are cut into calls, bit for bit.
  void NormalizeRowByRow(bool update_first, ConstElements x, const Rows& rows,
                         RunningStatistics& statistics, Elements y) const;

 private:
  ChannelNormalizer() = default;

  ScaleRule Rule() const;
  ChannelCoefficients Complete(ScaledChannels channels) const;
  // Values scaled to a range reach its ends exactly: only float64 has the bits for that.
  bool in_float64() const { return std::holds_alternative<RunningExtremes>(*spec_.estimator); }
  // Whether kernels::NormalizeByOwnMoments does all. Not in place: what it has written may turn out
  // to have been by values that must not enter.
  bool TakesBlocks(ConstElements x, const ChannelLayout& layout, Elements y) const;
  // Standardization may leave out one or the other.
  void DropCoefficients(std::vector<double>& center, std::vector<double>& scale) const;

  NormalizationSpec spec_;
  ChannelBinding row_;
  std::shared_ptr<const std::vector<double>> shift_;  // beta, or the low end of the range, or null
};

}  // namespace normd

#endif  // NORMD_CORE_METHOD_CHANNEL_NORMALIZER_H_
