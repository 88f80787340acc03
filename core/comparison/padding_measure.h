// What padding does to batches that take it for tokens. See proto/normd/v1/report.proto, message
// PaddingEffect.
#ifndef NORMD_CORE_COMPARISON_PADDING_MEASURE_H_
#define NORMD_CORE_COMPARISON_PADDING_MEASURE_H_

#include <cstdint>
#include <optional>
#include <vector>

#include "absl/types/span.h"
#include "core/comparison/compared_method.h"
#include "core/comparison/tokens.h"

namespace normd {

struct PaddingEffect {
  double padded_share = 0;  // of all tokens; what is measured here does not tell
  double mean_without = 0;
  double mean_with = 0;
  double variance_without = 0;
  double variance_with = 0;
};

class PaddingMeasure {
 public:
  // `methods` must outlive it.
  explicit PaddingMeasure(absl::Span<const ComparedMethod> methods)
      : methods_(methods), gaps_(methods.size()) {}

  // A batch without its padding, and with it.
  void Add(const Tokens& valid, const Tokens& with_padding);

  // Absent where there was no padding. Channels without variance in `whole`, the moments of all
  // tokens without padding, are left out.
  std::optional<PaddingEffect> Effect(const Moments& whole) const;
  // Of a method's outputs; absent as well where it cannot tell them.
  std::optional<double> GapOf(size_t method) const;

 private:
  struct Gap {
    double difference_squares = 0;
    double squares = 0;
  };

  void AddGap(const ComparedMethod& method, const Tokens& valid, const Tokens& with_padding,
              Gap& gap);

  absl::Span<const ComparedMethod> methods_;
  std::vector<Gap> gaps_;
  struct Sums {
    std::vector<double> mean, variance;  // by channel

    void Add(const Moments& batch);
  };
  Sums without_padding_;
  Sums with_padding_;
  double batches_ = 0;
  bool has_padding_ = false;
  std::vector<double> without_, with_;  // scratch
};

}  // namespace normd

#endif  // NORMD_CORE_COMPARISON_PADDING_MEASURE_H_
