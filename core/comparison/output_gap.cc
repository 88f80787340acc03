#include "core/comparison/output_gap.h"

#include <algorithm>
#include <cmath>

#include "core/kernels/element_conversion.h"
#include "core/kernels/row_kernels.h"

namespace normd {

void OutputGap::AddRow(ConstElements output, ConstElements reference, int64_t size) {
  if (!kernels::AllFinite(output, size) || !kernels::AllFinite(reference, size)) return;
  ++rows_;
  double difference_squares = 0;
  double reference_squares = 0;
  VisitElementTypes(output.type, reference.type, [&](auto a, auto b) {
    const auto* y = output.As<typename decltype(a)::Type>();
    const auto* z = reference.As<typename decltype(b)::Type>();
    for (int64_t i = 0; i < size; ++i) {
      const double value = kernels::LoadElement(z + i);
      const double difference = kernels::LoadElement(y + i) - value;
      difference_squares += difference * difference;
      reference_squares += value * value;
      largest_ = std::max(largest_, std::fabs(difference));
    }
  });
  difference_squares_ += difference_squares;
  reference_squares_ += reference_squares;
}

std::optional<double> OutputGap::relative() const {
  if (rows_ == 0) return std::nullopt;
  if (difference_squares_ == 0) return 0;
  if (reference_squares_ == 0) return std::nullopt;
  return std::sqrt(difference_squares_ / reference_squares_);
}

std::optional<double> OutputGap::largest() const {
  return rows_ > 0 ? std::optional<double>(largest_) : std::nullopt;
}

}  // namespace normd
