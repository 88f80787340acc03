// How far two outputs of the same rows are apart.
#ifndef NORMD_CORE_COMPARISON_OUTPUT_GAP_H_
#define NORMD_CORE_COMPARISON_OUTPUT_GAP_H_

#include <cstdint>
#include <optional>

#include "core/tensor/element_type.h"

namespace normd {

// Sums up rows. A value.
class OutputGap {
 public:
  // Adds a row of `size` elements. A row where either holds NaN or infinity (or float64 beyond
  // 2^480) is left out.
  void AddRow(ConstElements output, ConstElements reference, int64_t size);

  // Root mean square of the difference over that of the reference; 0 where nothing differs. Absent
  // where no row entered, and where the reference is 0 everywhere and the other is not.
  std::optional<double> relative() const;

  // The largest magnitude of a difference. Absent where no row entered.
  std::optional<double> largest() const;

 private:
  int64_t rows_ = 0;
  double difference_squares_ = 0;
  double reference_squares_ = 0;
  double largest_ = 0;
};

}  // namespace normd

#endif  // NORMD_CORE_COMPARISON_OUTPUT_GAP_H_
