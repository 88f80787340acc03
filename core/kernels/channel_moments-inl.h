// Mean and centered sum of squares, and extremes, of each channel. Included once per SIMD target.
#if defined(NORMD_CORE_KERNELS_CHANNEL_MOMENTS_INL_H_) == defined(HWY_TARGET_TOGGLE)
#ifdef NORMD_CORE_KERNELS_CHANNEL_MOMENTS_INL_H_
#undef NORMD_CORE_KERNELS_CHANNEL_MOMENTS_INL_H_
#else
#define NORMD_CORE_KERNELS_CHANNEL_MOMENTS_INL_H_
#endif

#include <algorithm>

#include "core/kernels/lane_sums-inl.h"
#include "core/kernels/output_size.h"
#include "core/kernels/span_statistics.h"
#include "core/tensor/channel_layout.h"

#if !NORMD_TARGET_IS_PORTABLE
HWY_BEFORE_NAMESPACE();
namespace normd::kernels {
namespace HWY_NAMESPACE {

// As many neighboring channels of channels-last data as are taken at once: few enough for their
// sums to stay in the first cache, enough for memory to be read in long pieces; and as many rows as
// are added to a sum while it is in a register. The results depend on neither.
inline constexpr int64_t kNeighbors = 1024;
inline constexpr int64_t kRowsAtOnce = 8;

// A sum for each of them.
template <typename T>
struct NeighborSums {
  HWY_ALIGN double sum[kNeighbors] = {};
  HWY_ALIGN double error[kIsCompensated<T> ? kNeighbors : kLanes] = {};

  HWY_INLINE LaneSum<T> Load(int64_t c) const {
    LaneSum<T> lanes;
    lanes.sum.Load(sum + c);
    if constexpr (kIsCompensated<T>) lanes.error.Load(error + c);
    return lanes;
  }
  HWY_INLINE void Store(const LaneSum<T>& lanes, int64_t c) {
    lanes.sum.Store(sum + c);
    if constexpr (kIsCompensated<T>) lanes.error.Store(error + c);
  }
  HWY_INLINE double Total(int64_t c) const {
    return kIsCompensated<T> ? WithError(sum[c], error[c]) : sum[c];
  }
};

// body(row, end, c, size) for each block of rows [row, end) and of channels [c, c + size).
template <class Body>
HWY_INLINE void ForEachBlock(int64_t rows, int64_t channels, const Body& body) {
  for (int64_t row = 0; row < rows; row += kRowsAtOnce) {
    const int64_t end = std::min(rows, row + kRowsAtOnce);
    for (int64_t c = 0; c < channels; c += kLanes) {
      body(row, end, c, std::min(kLanes, channels - c));
    }
  }
}

// What follows is of up to kNeighbors channels; `stride` lies between the values of a channel.

// RawMoments to mean and m2; NaN for an m2 that does not fit.
struct FinishRawMoments {
  const double* values;
  const double* squares;
  double count;
  double* mean;
  double* m2;
  bool all_fit = true;

  template <class D>
  HWY_INLINE void operator()(D d, int64_t c) {
    const auto sum = hn::LoadU(d, values + c);
    const auto sum_of_squares = hn::LoadU(d, squares + c);
    const auto average = hn::Div(sum, hn::Set(d, count));
    const auto spread = hn::Sub(sum_of_squares, hn::Mul(sum, average));
    const auto least = hn::Mul(sum_of_squares, hn::Set(d, RawMoments::kLeastForStatistics));
    const auto fits = hn::Ge(spread, least);
    all_fit = all_fit && hn::AllTrue(d, fits);
    hn::StoreU(average, d, mean + c);
    hn::StoreU(hn::IfThenElse(fits, spread, hn::Set(d, kCanonicalNan)), d, m2 + c);
  }
};

// The first pass over narrow types. False where some channel needs a second one.
template <typename T>
HWY_NOINLINE bool ComputeRawMoments(const T* x, int64_t values, int64_t stride, int64_t channels,
                                    double* mean, double* m2) {
  // Of 16 bits, memory is waited for, as there is more to be done with each line.
  const bool is_large = sizeof(T) < sizeof(float) &&
                        values * stride * static_cast<int64_t>(sizeof(T)) >= kLeastOutputPastCaches;
  NeighborSums<float> sums;
  NeighborSums<float> squares;
  ForEachBlock(values, channels, [&](int64_t row, int64_t end, int64_t c, int64_t size) HWY_ATTR {
    RawLaneSums<true> block;
    block.values.Load(sums.sum + c);
    block.squares.Load(squares.sum + c);
    for (; row < end; ++row) {
      const T* const neighbors = x + row * stride + c;
      if (is_large) hwy::Prefetch(neighbors + kRowsAtOnce * stride);
      AddNeighbors(neighbors, size, block);
    }
    block.values.Store(sums.sum + c);
    block.squares.Store(squares.sum + c);
  });
  FinishRawMoments finish{sums.sum, squares.sum, static_cast<double>(values), mean, m2};
  ForEachElement(channels, finish);
  return finish.all_fit;
}

// That over float64, which leaves every m2 to the second.
template <typename T>
HWY_NOINLINE void ComputeMeans(const T* x, int64_t values, int64_t stride, int64_t channels,
                               double* mean, double* m2) {
  NeighborSums<T> sums;
  ForEachBlock(values, channels, [&](int64_t row, int64_t end, int64_t c, int64_t size) HWY_ATTR {
    ValueSum<T> block;
    block.sum = sums.Load(c);
    for (; row < end; ++row) AddNeighbors(x + row * stride + c, size, block);
    sums.Store(block.sum, c);
  });
  for (int64_t c = 0; c < channels; ++c) mean[c] = sums.Total(c) / static_cast<double>(values);
  std::fill_n(m2, channels, kCanonicalNan);
}

// The second pass, by the means of the first, for every m2 that is NaN.
template <typename T>
HWY_NOINLINE void ComputeDeviations(const T* x, int64_t values, int64_t stride, int64_t channels,
                                    double* mean, double* m2) {
  HWY_ALIGN double first_mean[kNeighbors] = {};
  std::copy_n(mean, channels, first_mean);
  NeighborSums<T> s1;
  NeighborSums<T> s2;
  ForEachBlock(values, channels, [&](int64_t row, int64_t end, int64_t c, int64_t size) HWY_ATTR {
    DeviationLaneSums<T> block;
    block.mean.Load(first_mean + c);
    block.s1 = s1.Load(c);
    block.s2 = s2.Load(c);
    for (; row < end; ++row) AddNeighbors(x + row * stride + c, size, block);
    s1.Store(block.s1, c);
    s2.Store(block.s2, c);
  });
  const auto count = static_cast<double>(values);
  for (int64_t c = 0; c < channels; ++c) {
    if (m2[c] == m2[c]) continue;
    const DeviationSums channel{s1.Total(c), s2.Total(c)};
    mean[c] = channel.CorrectedMean(first_mean[c], count);
    m2[c] = channel.CorrectedM2(count);
  }
}

inline void ComputeChannelMoments(ConstElements x, const ChannelLayout& layout, Part channels,
                                  double* mean, double* m2) {
  VisitElementType(x.type, [&]<typename T>(ElementTag<T>) HWY_ATTR {
    const T* values = x.As<T>();
    if (layout.inner > 1) {
      for (int64_t c = channels.begin; c < channels.end; ++c) {
        const int64_t i = c - channels.begin;
        ComputePlaneMoments<Sums>(values + c * layout.inner, layout, mean[i], m2[i]);
      }
      return;
    }
    values += channels.begin;
    for (int64_t c = 0; c < channels.size(); c += kNeighbors) {
      const int64_t size = std::min(kNeighbors, channels.size() - c);
      const auto compute = [&](auto pass) {
        return pass(values + c, layout.outer, layout.channels, size, mean + c, m2 + c);
      };
      if constexpr (kIsCompensated<T>) {
        compute(ComputeMeans<T>);
      } else if (compute(ComputeRawMoments<T>)) {
        continue;
      }
      compute(ComputeDeviations<T>);
    }
  });
}

// One position of channels-last data.
template <typename T>
struct FoldPosition {
  const T* x;
  double* minimum;
  double* maximum;

  template <class D>
  HWY_INLINE void operator()(D d, int64_t c) const {
    const auto value = hn::Add(Read(d, x + c), hn::Zero(d));
    const auto low = hn::LoadU(d, minimum + c);
    const auto high = hn::LoadU(d, maximum + c);
    hn::StoreU(hn::IfThenElse(hn::Lt(value, low), value, low), d, minimum + c);
    hn::StoreU(hn::IfThenElse(hn::Lt(high, value), value, high), d, maximum + c);
  }
};

inline void FoldExtremes(ConstElements x, const ChannelLayout& layout, double* minimum,
                         double* maximum) {
  VisitElementType(x.type, [&]<typename T>(ElementTag<T>) HWY_ATTR {
    const T* values = x.As<T>();
    for (int64_t o = 0; o < layout.outer; ++o) {
      if (layout.inner == 1) {
        ForEachElement(layout.channels,
                       FoldPosition<T>{values + o * layout.channels, minimum, maximum});
        continue;
      }
      for (int64_t c = 0; c < layout.channels; ++c) {
        const Extremes plane =
            Sums<T>::ExtremesOf(values + (o * layout.channels + c) * layout.inner, layout.inner);
        minimum[c] = std::min(minimum[c], plane.minimum);
        maximum[c] = std::max(maximum[c], plane.maximum);
      }
    }
  });
}

}  // namespace HWY_NAMESPACE
}  // namespace normd::kernels
HWY_AFTER_NAMESPACE();
#endif  // !NORMD_TARGET_IS_PORTABLE

#endif  // include guard
