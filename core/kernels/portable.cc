#include "core/kernels/portable.h"

#include <cmath>
#include <limits>

#include "core/kernels/hyperbolic_tangent.h"
#include "core/kernels/span_statistics.h"

namespace normd::kernels::portable {
namespace {

constexpr int64_t kLanes = 16;

double SumByHalves(double* lanes) {
  for (int64_t half = kLanes / 2; half > 0; half /= 2) {
    for (int64_t i = 0; i < half; ++i) lanes[i] += lanes[i + half];
  }
  return lanes[0];
}

template <typename T>
struct LaneSum {
  RunningSum<T> lanes[kLanes];

  void Add(int64_t i, double value) { lanes[i % kLanes].Add(value); }
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

template <typename In, typename Out>
void NormalizeRow(const RowNorm& norm, const In* x, int64_t size, Out* y) {
  const RowCoefficients coefficients = CoefficientsOf<Sums>(norm, x, size);
  for (int64_t i = 0; i < size; ++i) {
    double value = (LoadElement(x + i) - coefficients.mean) * coefficients.scale;
    if (norm.statistic == RowStatistic::kNone) value = HyperbolicTangent(value);
    if (norm.gamma != nullptr) value = value * norm.gamma[i];
    StoreElement(value + (norm.beta != nullptr ? norm.beta[i] : norm.offset), y + i);
  }
}

}  // namespace

void NormalizeRows(const RowNorm& norm, ConstElements x, int64_t rows, int64_t row_size,
                   Elements y) {
  VisitElementTypes(
      x.type, y.type, [&]<typename In, typename Out>(ElementTag<In>, ElementTag<Out>) {
        for (int64_t row = 0; row < rows; ++row) {
          NormalizeRow(norm, x.As<In>() + row * row_size, row_size, y.As<Out>() + row * row_size);
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

void ComputeChannelMoments(ConstElements x, const ChannelLayout& layout, double* mean, double* m2) {
  VisitElementType(x.type, [&]<typename T>(ElementTag<T>) {
    ComputePlaneMoments<Sums>(x.As<T>(), layout, mean, m2);
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
          const double result = (value - center) * scale;
          StoreElement(step.beta != nullptr ? result + step.beta[c] : result, y.As<Out>() + c);
        }
      });
}

void NormalizeChannels(ConstElements x, const ChannelLayout& layout, const double* mean,
                       const double* scale, const double* beta, Elements y) {
  VisitElementTypes(
      x.type, y.type, [&]<typename In, typename Out>(ElementTag<In>, ElementTag<Out>) {
        ForEachValue(layout, [&](int64_t place, int64_t c) {
          const double value = (LoadElement(x.As<In>() + place) - mean[c]) * scale[c];
          StoreElement(beta != nullptr ? value + beta[c] : value, y.As<Out>() + place);
        });
      });
}

}  // namespace normd::kernels::portable
