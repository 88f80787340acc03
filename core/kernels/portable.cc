#include "core/kernels/portable.h"

#include <bit>
#include <cmath>

#include "core/kernels/hyperbolic_tangent.h"
#include "core/kernels/span_statistics.h"

namespace normd::kernels::portable {
namespace {

constexpr int64_t kLanes = 16;
constexpr uint32_t kExponentBits = 0x7F800000;

double SumByHalves(double* lanes) {
  for (int64_t half = kLanes / 2; half > 0; half /= 2) {
    for (int64_t i = 0; i < half; ++i) lanes[i] += lanes[i + half];
  }
  return lanes[0];
}

// The sums over a span.
struct Sums {
  static double Values(const float* x, int64_t size) {
    double lanes[kLanes] = {};
    for (int64_t i = 0; i < size; ++i) lanes[i % kLanes] += LoadFloat(x + i);
    return SumByHalves(lanes);
  }

  static DeviationSums Deviations(const float* x, int64_t size, double mean) {
    double s1[kLanes] = {};
    double s2[kLanes] = {};
    for (int64_t i = 0; i < size; ++i) {
      const double d = LoadFloat(x + i) - mean;
      s1[i % kLanes] += d;
      s2[i % kLanes] += d * d;
    }
    return {SumByHalves(s1), SumByHalves(s2)};
  }

  static double Squares(const float* x, int64_t size) { return Deviations(x, size, 0).s2; }

  static double Magnitudes(const float* x, int64_t size) {
    double lanes[kLanes] = {};
    for (int64_t i = 0; i < size; ++i) lanes[i % kLanes] += std::fabs(LoadFloat(x + i));
    return SumByHalves(lanes);
  }

  static double LargestMagnitude(const float* x, int64_t size) {
    double largest = 0;
    for (int64_t i = 0; i < size; ++i) {
      largest = LargerOrNan(largest, std::fabs(LoadFloat(x + i)));
    }
    return largest;
  }
};

struct Affine {
  const double* gamma;
  const double* beta;

  float operator()(double y, int64_t i) const {
    if (gamma != nullptr) y = y * gamma[i];
    if (beta != nullptr) y = y + beta[i];
    return static_cast<float>(y);
  }
};

void NormalizeRow(const RowNorm& norm, const float* x, int64_t size, float* y) {
  const RowCoefficients coefficients = CoefficientsOf<Sums>(norm, x, size);
  const Affine affine{norm.gamma, norm.beta};
  for (int64_t i = 0; i < size; ++i) {
    const double value = (LoadFloat(x + i) - coefficients.mean) * coefficients.scale;
    const bool bounded = norm.statistic == RowStatistic::kNone;
    StoreFloat(affine(bounded ? HyperbolicTangent(value) : value, i), y + i);
  }
}

}  // namespace

void NormalizeRows(const RowNorm& norm, const float* x, int64_t rows, int64_t row_size, float* y) {
  for (int64_t row = 0; row < rows; ++row) {
    NormalizeRow(norm, x + row * row_size, row_size, y + row * row_size);
  }
}

bool AllFinite(const float* x, int64_t size) {
  for (int64_t i = 0; i < size; ++i) {
    if ((std::bit_cast<uint32_t>(LoadFloat(x + i)) & kExponentBits) == kExponentBits) return false;
  }
  return true;
}

void CanonicalizeNans(float* x, int64_t size) {
  for (int64_t i = 0; i < size; ++i) {
    const uint32_t magnitude = std::bit_cast<uint32_t>(LoadFloat(x + i)) & 0x7FFFFFFF;
    if (magnitude > kExponentBits) StoreFloat(std::bit_cast<float>(0x7FC00000), x + i);
  }
}

void ComputeChannelMoments(const float* x, const ChannelLayout& layout, double* mean, double* m2) {
  ComputePlaneMoments<Sums>(x, layout, mean, m2);
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

void FoldTokens(const float* x, const ChannelLayout& layout, double alpha, double* mean,
                double* variance) {
  for (int64_t o = 0; o < layout.outer; ++o) {
    for (int64_t c = 0; c < layout.channels; ++c) {
      for (int64_t i = 0; i < layout.inner; ++i, ++x) {
        const double d = LoadFloat(x) - mean[c];
        mean[c] += alpha * d;
        variance[c] = (1 - alpha) * (variance[c] + alpha * d * d);
      }
    }
  }
}

void ComputeChannelScale(const double* spread, double divisor, const Epsilon& epsilon,
                         const double* gamma, int64_t channels, double* scale) {
  for (int64_t c = 0; c < channels; ++c) {
    const double inverse = InverseDeviation(spread[c] / divisor, epsilon);
    scale[c] = gamma == nullptr ? inverse : inverse * gamma[c];
  }
}

void NormalizeChannels(const float* x, const ChannelLayout& layout, const double* mean,
                       const double* scale, const double* beta, float* y) {
  const Affine affine{nullptr, beta};
  for (int64_t o = 0; o < layout.outer; ++o) {
    for (int64_t c = 0; c < layout.channels; ++c) {
      for (int64_t i = 0; i < layout.inner; ++i, ++x, ++y) {
        StoreFloat(affine((LoadFloat(x) - mean[c]) * scale[c], c), y);
      }
    }
  }
}

}  // namespace normd::kernels::portable
