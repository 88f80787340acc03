#include "core/kernels/portable.h"

#include <algorithm>
#include <cmath>
#include <limits>

#include "core/kernels/hyperbolic_tangent.h"
#include "core/kernels/span_statistics.h"

namespace normd::kernels::portable {
namespace {

double SumByHalves(double* lanes) {
  for (int64_t half = kLanes / 2; half > 0; half /= 2) {
    for (int64_t i = 0; i < half; ++i) lanes[i] += lanes[i + half];
  }
  return lanes[0];
}

template <typename T>
struct LaneSum {
  RunningSum<T> lanes[kLanes];

  void Add(int64_t i, double value) { lanes[LaneOf<T>(i)].Add(value); }
  double Total() const {
    double sums[kLanes];
    double errors[kLanes];
    for (int64_t i = 0; i < kLanes; ++i) {
      sums[i] = lanes[i].sum;
      errors[i] = lanes[i].error;
    }
    const double sum = SumByHalves(sums);
    return kIsCompensated<T> ? WithError(sum, SumByHalves(errors)) : sum;
  }
};

// The sums over a span.
template <typename T>
struct Sums {
  static bool AllFinite(const T* x, int64_t size) {
    return portable::AllFinite({ElementTypeOf<T>(), x}, size);
  }

  static RawMoments Raw(const T* x, int64_t size) {
    RawMoments total;
    for (int64_t begin = 0; begin < size; begin += kChunk) {
      LaneSum<T> values;
      LaneSum<T> squares;
      for (int64_t i = begin; i < std::min(size, begin + kChunk); ++i) {
        const double value = LoadElement(x + i);
        values.Add(i, value);
        squares.Add(i, value * value);
      }
      total.Add({values.Total(), squares.Total()});
    }
    return total;
  }

  static double Values(const T* x, int64_t size) {
    LaneSum<T> sum;
    for (int64_t i = 0; i < size; ++i) sum.Add(i, LoadElement(x + i));
    return sum.Total();
  }

  static DeviationSums Deviations(const T* x, int64_t size, double mean) {
    LaneSum<T> s1;
    LaneSum<T> s2;
    for (int64_t i = 0; i < size; ++i) {
      const double d = LoadElement(x + i) - mean;
      s1.Add(i, d);
      s2.Add(i, d * d);
    }
    return {s1.Total(), s2.Total()};
  }

  static double Squares(const T* x, int64_t size) { return Deviations(x, size, 0).s2; }

  static double Magnitudes(const T* x, int64_t size) {
    LaneSum<T> sum;
    for (int64_t i = 0; i < size; ++i) sum.Add(i, std::fabs(LoadElement(x + i)));
    return sum.Total();
  }

  static double LargestMagnitude(const T* x, int64_t size) {
    double largest = 0;
    for (int64_t i = 0; i < size; ++i) {
      largest = LargerOrNan(largest, std::fabs(LoadElement(x + i)));
    }
    return largest;
  }

  static Extremes ExtremesOf(const T* x, int64_t size) {
    double smallest = -std::numeric_limits<double>::infinity();  // its negative
    double largest = smallest;
    for (int64_t i = 0; i < size; ++i) {
      const double value = LoadElement(x + i) + 0.0;
      smallest = LargerOrNan(smallest, -value);
      largest = LargerOrNan(largest, value);
    }
    return {0.0 - smallest, largest};
  }
};

// body(place, channel) for every element in memory order.
template <typename Body>
void ForEachValue(const ChannelLayout& layout, const Body& body) {
  int64_t place = 0;
  for (int64_t o = 0; o < layout.outer; ++o) {
    for (int64_t c = 0; c < layout.channels; ++c) {
      for (int64_t i = 0; i < layout.inner; ++i) body(place++, c);
    }
  }
}

// (x - center) * scale [+ shift]; `shift` may be null.
template <typename T>
void StoreNormalized(double x, double center, double scale, const double* shift, bool in_float64,
                     T* y) {
  if (in_float64 || !NarrowCoefficients::Fit(center, scale, shift != nullptr ? *shift : 0)) {
    const double value = (x - center) * scale;
    return StoreElement(shift != nullptr ? value + *shift : value, y);
  }
  const NarrowCoefficients narrow(center, scale);
  const float value = narrow.Apply(static_cast<float>(x));
  StoreElement(shift != nullptr ? value + static_cast<float>(*shift) : value, y);
}

template <typename In, typename Out>
bool NormalizeRow(const RowNorm& norm, const In* x, int64_t size, Out* y) {
  const RowCoefficients coefficients = CoefficientsOf<Sums>(norm, x, size);
  if (kIsNarrow<In, Out> && TakesFloats(norm) &&
      NarrowCoefficients::Fit(coefficients.mean, coefficients.scale)) {
    const NarrowCoefficients narrow(coefficients.mean, coefficients.scale);
    for (int64_t i = 0; i < size; ++i) {
      float value = narrow.Apply(static_cast<float>(LoadElement(x + i)));
      if (norm.gamma != nullptr) value = value * norm.narrow_gamma[i];
      const float shift =
          norm.beta != nullptr ? norm.narrow_beta[i] : static_cast<float>(norm.offset);
      StoreElement(value + shift, y + i);
    }
    return coefficients.all_finite;
  }
  for (int64_t i = 0; i < size; ++i) {
    double value = (LoadElement(x + i) - coefficients.mean) * coefficients.scale;
    if (norm.statistic == RowStatistic::kNone) value = HyperbolicTangent(value);
    if (norm.gamma != nullptr) value = value * norm.gamma[i];
    StoreElement(value + (norm.beta != nullptr ? norm.beta[i] : norm.offset), y + i);
  }
  return coefficients.all_finite;
}

}  // namespace

bool NormalizeRows(const RowNorm& norm, ConstElements x, Part rows, int64_t row_size, Elements y,
                   bool /*past_caches*/) {
  return VisitElementTypes(x.type, y.type,
                           [&]<typename In, typename Out>(ElementTag<In>, ElementTag<Out>) {
                             bool all_finite = true;
                             for (int64_t row = rows.begin; row < rows.end; ++row) {
                               const int64_t begin = row * row_size;
                               if (!NormalizeRow(OfRow(norm, row, row_size), x.As<In>() + begin,
                                                 row_size, y.As<Out>() + begin)) {
                                 all_finite = false;
                               }
                             }
                             return all_finite;
                           });
}

// In float64, which has more than twice the bits of the other types: there a sum that is rounded
// twice is that rounded once. So it is in float32 for types of 16 bits.
void Add(ConstElements x, ConstElements residual, int64_t size, Elements sum) {
  VisitElementType(x.type, [&]<typename T>(ElementTag<T>) {
    for (int64_t i = 0; i < size; ++i) {
      const double value = LoadElement(x.As<T>() + i) + LoadElement(residual.As<T>() + i);
      StoreElement(std::isnan(value) ? kCanonicalNan : value, sum.As<T>() + i);
    }
  });
}

bool AllFinite(ConstElements x, int64_t size) {
  return VisitElementType(x.type, [&]<typename T>(ElementTag<T>) {
    for (int64_t i = 0; i < size; ++i) {
      if (!(std::fabs(LoadElement(x.As<T>() + i)) < kLargestMagnitude)) return false;
    }
    return true;
  });
}

void CanonicalizeNans(Elements x, int64_t size) {
  VisitElementType(x.type, [&]<typename T>(ElementTag<T>) {
    for (int64_t i = 0; i < size; ++i) {
      const double value = LoadElement(x.As<T>() + i);
      if (std::isnan(value)) StoreElement(kCanonicalNan, x.As<T>() + i);
    }
  });
}

void Clip(Elements x, int64_t size, double limit) {
  VisitElementType(x.type, [&]<typename T>(ElementTag<T>) {
    const double most = LargestAtMost<T>(limit);
    for (int64_t i = 0; i < size; ++i) {
      const double value = LoadElement(x.As<T>() + i);
      if (std::fabs(value) > most) StoreElement(std::copysign(most, value), x.As<T>() + i);
    }
  });
}

void ComputeChannelMoments(ConstElements x, const ChannelLayout& layout, Part channels,
                           double* mean, double* m2) {
  VisitElementType(x.type, [&]<typename T>(ElementTag<T>) {
    for (int64_t c = channels.begin; c < channels.end; ++c) {
      const int64_t i = c - channels.begin;
      ComputePlaneMoments<Sums>(x.As<T>() + c * layout.inner, layout, mean[i], m2[i]);
    }
  });
}

void FoldExtremes(ConstElements x, const ChannelLayout& layout, double* minimum, double* maximum) {
  VisitElementType(x.type, [&]<typename T>(ElementTag<T>) {
    ForEachValue(layout, [&](int64_t place, int64_t c) {
      const double value = LoadElement(x.As<T>() + place) + 0.0;
      minimum[c] = value < minimum[c] ? value : minimum[c];
      maximum[c] = maximum[c] < value ? value : maximum[c];
    });
  });
}

void MergeChannelMoments(double count_a, double count_b, const double* mean_b, const double* m2_b,
                         int64_t channels, double* mean_a, double* m2_a) {
  const double weight = count_b / (count_a + count_b);
  for (int64_t c = 0; c < channels; ++c) {
    const double d = mean_b[c] - mean_a[c];
    mean_a[c] += d * weight;
    m2_a[c] += m2_b[c] + d * d * (count_a * weight);
  }
}

void FoldAverage(double weight, const double* value, int64_t size, double* average) {
  for (int64_t i = 0; i < size; ++i) average[i] += weight * (value[i] - average[i]);
}

void FoldTokens(ConstElements x, const ChannelLayout& layout, double alpha, double* mean,
                double* variance) {
  VisitElementType(x.type, [&]<typename T>(ElementTag<T>) {
    ForEachValue(layout, [&](int64_t place, int64_t c) {
      const double d = LoadElement(x.As<T>() + place) - mean[c];
      mean[c] += alpha * d;
      variance[c] = (1 - alpha) * (variance[c] + alpha * d * d);
    });
  });
}

void ComputeChannelScale(const double* spread, double divisor, const Epsilon& epsilon,
                         const double* gamma, int64_t channels, double* scale) {
  const double to_variance = 1 / divisor;
  for (int64_t c = 0; c < channels; ++c) {
    const double inverse = InverseDeviation(spread[c] * to_variance, epsilon);
    scale[c] = gamma == nullptr ? inverse : inverse * gamma[c];
  }
}

void FoldAndNormalizeToken(const TokenStep& step, ConstElements x, int64_t channels, double* mean,
                           double* spread, Elements y) {
  const double to_variance = 1 / step.divisor;
  VisitElementTypes(
      x.type, y.type, [&]<typename In, typename Out>(ElementTag<In>, ElementTag<Out>) {
        for (int64_t c = 0; c < channels; ++c) {
          const double value = LoadElement(x.As<In>() + c);
          const double d = value - mean[c];
          const double new_mean = mean[c] + d * step.weight;
          const double new_spread = step.merges
                                        ? spread[c] + d * d * (step.count * step.weight)
                                        : (1 - step.weight) * (spread[c] + d * step.weight * d);
          const double center = step.folds_first ? new_mean : mean[c];
          const double variance = (step.folds_first ? new_spread : spread[c]) * to_variance;
          mean[c] = new_mean;
          spread[c] = new_spread;
          const double inverse = InverseDeviation(variance, step.epsilon);
          const double scale = step.gamma == nullptr ? inverse : inverse * step.gamma[c];
          StoreNormalized(value, center, scale, step.beta != nullptr ? step.beta + c : nullptr,
                          /*in_float64=*/true, y.As<Out>() + c);
        }
      });
}

ChannelAffine Narrowed(const ChannelAffine& affine, int64_t channels, float* narrow) {
  const NarrowChannelArrays arrays(narrow, channels);
  bool fit = true;
  for (int64_t c = 0; c < channels; ++c) {
    const double shift = affine.shift != nullptr ? affine.shift[c] : 0;
    fit = fit && NarrowCoefficients::Fit(affine.center[c], affine.scale[c], shift);
    const NarrowCoefficients coefficients(affine.center[c], affine.scale[c]);
    arrays.high[c] = coefficients.high;
    arrays.low[c] = coefficients.low;
    arrays.scale[c] = coefficients.scale;
    arrays.shift[c] = static_cast<float>(shift);
  }
  ChannelAffine result = affine;
  result.narrow = fit ? narrow : nullptr;
  return result;
}

bool NormalizeChannels(const ChannelAffine& affine, ConstElements x, const ChannelLayout& layout,
                       Part spans, Part channels, Elements y, bool /*past_caches*/) {
  bool all_finite = true;
  VisitElementTypes(x.type, y.type,
                    [&]<typename In, typename Out>(ElementTag<In>, ElementTag<Out>) {
                      const int64_t end = spans.end * layout.span_size();
                      for (int64_t i = spans.begin * layout.span_size(); i < end; ++i) {
                        const int64_t channel = i / layout.inner % layout.channels;
                        if (channel < channels.begin || channel >= channels.end) continue;
                        const int64_t c = channel - channels.begin;
                        const double element = LoadElement(x.As<In>() + i);
                        if (!(std::fabs(element) < kLargestMagnitude)) all_finite = false;
                        StoreNormalized(element, affine.center[c], affine.scale[c],
                                        affine.shift != nullptr ? affine.shift + c : nullptr,
                                        affine.in_float64 || !kIsNarrow<In, Out>, y.As<Out>() + i);
                      }
                    });
  return all_finite;
}

}  // namespace normd::kernels::portable
