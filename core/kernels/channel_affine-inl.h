// Outputs by coefficients of channels. Included once per SIMD target.
#if defined(NORMD_CORE_KERNELS_CHANNEL_AFFINE_INL_H_) == defined(HWY_TARGET_TOGGLE)
#ifdef NORMD_CORE_KERNELS_CHANNEL_AFFINE_INL_H_
#undef NORMD_CORE_KERNELS_CHANNEL_AFFINE_INL_H_
#else
#define NORMD_CORE_KERNELS_CHANNEL_AFFINE_INL_H_
#endif

#include <algorithm>

#include "core/kernels/affine-inl.h"
#include "core/kernels/channel_kernels.h"
#include "core/kernels/finite-inl.h"
#include "core/kernels/narrow_coefficients.h"

#if !NORMD_TARGET_IS_PORTABLE
HWY_BEFORE_NAMESPACE();
namespace normd::kernels {
namespace HWY_NAMESPACE {

// NarrowCoefficients of a vector of channels.
template <class D>
struct NarrowVector {
  hn::Vec<hn::Rebind<float, D>> high, low, scale;

  HWY_INLINE void Set(D d, hn::Vec<D> center, hn::Vec<D> scales) {
    const hn::Rebind<float, D> floats;
    high = hn::DemoteTo(floats, center);
    low = hn::DemoteTo(floats, hn::Sub(center, hn::PromoteTo(d, high)));
    scale = hn::DemoteTo(floats, scales);
  }
};

template <class D>
HWY_INLINE hn::Mask<D> ExceedFloats(D d, hn::Vec<D> center, hn::Vec<D> scale, hn::Vec<D> shift) {
  const auto largest = hn::Set(d, NarrowCoefficients::kLargest);
  const auto magnitude = hn::Abs(scale);
  const auto is_small = hn::And(hn::Lt(magnitude, hn::Set(d, NarrowCoefficients::kSmallest)),
                                hn::Gt(magnitude, hn::Zero(d)));
  const auto is_large = hn::Or(hn::Gt(hn::Abs(center), largest), hn::Gt(magnitude, largest));
  return hn::Or(hn::Or(is_small, is_large), hn::Gt(hn::Abs(shift), largest));
}

// One element of each of a vector of channels, `value`, of the narrow type T, by coefficients of
// float64; with `shift` where it is not null.
template <typename T, class D>
HWY_INLINE void WriteByChannel(D d, hn::Vec<D> value, hn::Vec<D> center, hn::Vec<D> scale,
                               const double* shift, T* y) {
  const hn::Rebind<float, D> floats;
  const auto shifts = shift != nullptr ? hn::LoadU(d, shift) : hn::Zero(d);
  NarrowVector<D> narrow;
  narrow.Set(d, center, scale);
  auto result =
      hn::Mul(hn::Sub(hn::Sub(hn::DemoteTo(floats, value), narrow.high), narrow.low), narrow.scale);
  if (shift != nullptr) result = hn::Add(result, hn::DemoteTo(floats, shifts));
  const auto exceed = ExceedFloats(d, center, scale, shifts);
  if (HWY_LIKELY(hn::AllFalse(d, exceed))) return Write(floats, result, y);
  auto wide = hn::Mul(hn::Sub(value, center), scale);
  if (shift != nullptr) wide = hn::Add(wide, shifts);
  Write(d, hn::IfThenElse(exceed, wide, hn::PromoteTo(d, result)), y);
}

// Writes, and sees whether what it read was finite.
template <class Affine, class D>
struct Checked {
  Affine affine;
  FiniteCheck<D> check;

  template <class E>
  HWY_INLINE void operator()(E e, int64_t i) {
    const auto value = Read(e, affine.x + i);
    check.Add(e, value);
    affine.Normalize(e, i, value);
  }
  template <class E>
  requires kIsOfFloats<E> HWY_INLINE void Two(E e, int64_t i) {
    const auto first = Read(e, affine.x + i);
    const auto second = Read(e, affine.x + i + hn::MaxLanes(e));
    check.Add(e, first);
    check.Add(e, second);
    affine.NormalizeTwo(e, i, first, second);
  }
};

template <class D, class Affine>
HWY_INLINE bool WriteChecked(int64_t size, const Affine& affine) {
  Checked<Affine, D> checked{affine, {}};
  checked.check.Clear();
  ForEachElement<D>(size, checked);
  return checked.check.AllFinite();
}

// Channels-last data: a row's channels are neighbors, and coefficients are read as they are. Rows
// are `stride` apart.

// In float32, but for channels whose coefficients are beyond its range.
template <typename T>
struct MixedAffine {
  ChannelAffine affine;
  const T* x;
  T* y;

  template <class D>
  HWY_INLINE void Normalize(D d, int64_t c, hn::Vec<D> value) const {
    WriteByChannel(d, value, hn::LoadU(d, affine.center + c), hn::LoadU(d, affine.scale + c),
                   affine.shift != nullptr ? affine.shift + c : nullptr, y + c);
  }
};

// Adding it changes nothing, not even the sign of 0.
inline constexpr double kNoShift = -0.0;

// So many channels at once that their coefficients stay in the first cache; but what comes from
// memory is read in one go.
inline constexpr int64_t kTile = 1024;
// And so many rows, for which each coefficient is read once.
inline constexpr int64_t kRowsTogether = 2;

// A coefficient that is in a register.
template <class V>
struct Held {
  V value;

  template <class D>
  HWY_INLINE V At(D, int64_t) const {
    return value;
  }
};

// As many rows at once, `stride` apart, so that each coefficient is read once for all of them.
template <int64_t kRows, typename T, class Shift>
struct SomeRows {
  Each<float> high, low, scale;
  Shift shift;
  const T* x;
  T* y;
  int64_t stride;
  Stores stores;
  FiniteCheck<Floats> check;

  // What turns the values of some channels into results.
  template <class D>
  HWY_INLINE auto At(D d, int64_t i) const {
    using Coefficient = Held<hn::Vec<D>>;
    return AffineInFloats<T, Coefficient, Coefficient, None, Coefficient>{
        {high.At(d, i)}, {low.At(d, i)}, {scale.At(d, i)}, {}, {shift.At(d, i)}, x, y, stores};
  }
  template <class D>
  HWY_INLINE void operator()(D d, int64_t i) {
    const auto affine = At(d, i);
    for (int64_t row = 0; row < kRows; ++row, i += stride) {
      const auto value = Read(d, x + i);
      check.Add(d, value);
      affine.Normalize(d, i, value);
    }
  }
  HWY_INLINE void Two(Floats d, int64_t i) {
    constexpr int64_t kLanesOfOne = hn::MaxLanes(Floats());
    const auto affine = At(d, i);
    const auto next = At(d, i + kLanesOfOne);
    for (int64_t row = 0; row < kRows; ++row, i += stride) {
      if (sizeof(T) < sizeof(float) && stores == Stores::kPastCaches) PrefetchFrom(x + i);
      const auto first = Read(d, x + i);
      const auto second = Read(d, x + i + kLanesOfOne);
      check.Add(d, first);
      check.Add(d, second);
      WriteTwo(d, affine.Result(d, i, first), next.Result(d, i, second), y + i, stores);
    }
  }
};

template <typename T, class Shift>
HWY_NOINLINE bool NormalizeRowsInFloats(const ChannelAffine& affine, Shift shift, const T* x,
                                        Part rows, int64_t stride, int64_t channels, T* y,
                                        Stores stores) {
  const NarrowChannelArrays narrow(affine.narrow, channels);
  bool all_finite = true;
  const int64_t tile = stores == Stores::kPastCaches ? channels : kTile;
  for (int64_t c = 0; c < channels; c += tile) {
    const int64_t size = std::min(tile, channels - c);
    int64_t row = rows.begin;
    const auto write = [&]<int64_t kRows>(std::integral_constant<int64_t, kRows>) HWY_ATTR {
      const int64_t begin = row * stride + c;
      SomeRows<kRows, T, Shift> some{{narrow.high + c},
                                     {narrow.low + c},
                                     {narrow.scale + c},
                                     shift.From(c),
                                     x + begin,
                                     y + begin,
                                     stride,
                                     stores,
                                     {}};
      some.check.Clear();
      ForEachElement<Floats>(size, some);
      all_finite = some.check.AllFinite() && all_finite;
      row += kRows;
    };
    while (row + kRowsTogether <= rows.end) {
      write(std::integral_constant<int64_t, kRowsTogether>());
    }
    while (row < rows.end) write(std::integral_constant<int64_t, 1>());
  }
  if (stores == Stores::kPastCaches) hwy::FlushStream();
  return all_finite;
}

template <typename In, typename Out, class Shift>
HWY_NOINLINE bool NormalizeRowsInDoubles(const ChannelAffine& affine, Shift shift, const In* x,
                                         Part rows, int64_t stride, int64_t channels, Out* y) {
  using E = Each<double>;
  bool all_finite = true;
  for (int64_t begin = rows.begin * stride; begin < rows.end * stride; begin += stride) {
    if constexpr (kIsNarrow<In, Out>) {
      if (!affine.in_float64) {
        const MixedAffine<In> write{affine, x + begin, y + begin};
        all_finite = WriteChecked<Doubles>(channels, write) && all_finite;
        continue;
      }
    }
    const AffineInDoubles<Identity, In, Out, E, E, None, Shift> write{
        {affine.center}, {affine.scale}, {}, shift, x + begin, y + begin};
    all_finite = WriteChecked<Doubles>(channels, write) && all_finite;
  }
  return all_finite;
}

template <typename In, typename Out>
HWY_INLINE bool NormalizeNeighbors(const ChannelAffine& affine, const In* x, Part rows,
                                   int64_t stride, int64_t channels, Out* y, Stores stores) {
  const bool shifts = affine.shift != nullptr;
  if constexpr (kIsNarrow<In, Out>) {
    if (affine.narrow != nullptr && !affine.in_float64) {
      const Each<float> shift{NarrowChannelArrays(affine.narrow, channels).shift};
      const Same<float> none{kNoShift};
      return shifts ? NormalizeRowsInFloats(affine, shift, x, rows, stride, channels, y, stores)
                    : NormalizeRowsInFloats(affine, none, x, rows, stride, channels, y, stores);
    }
  }
  const Each<double> shift{affine.shift};
  const Same<double> none{kNoShift};
  return shifts ? NormalizeRowsInDoubles(affine, shift, x, rows, stride, channels, y)
                : NormalizeRowsInDoubles(affine, none, x, rows, stride, channels, y);
}

// Planes, each of one channel.
template <typename In, typename Out>
HWY_INLINE bool NormalizePlane(const ChannelAffine& affine, int64_t c, const In* x, int64_t size,
                               Out* y, Stores stores) {
  using F = Same<float>;
  using S = Same<double>;
  const double center = affine.center[c];
  const double scale = affine.scale[c];
  const double shift = affine.shift != nullptr ? affine.shift[c] : kNoShift;
  if constexpr (kIsNarrow<In, Out>) {
    if (!affine.in_float64 && NarrowCoefficients::Fit(center, scale, shift)) {
      const NarrowCoefficients narrow(center, scale);
      const AffineInFloats<In, F, F, None, F> write{
          {narrow.high}, {narrow.low}, {narrow.scale}, {}, {static_cast<float>(shift)}, x, y,
          stores};
      return WriteChecked<Floats>(size, write);
    }
  }
  const AffineInDoubles<Identity, In, Out, S, S, None, S> write{{center}, {scale}, {},
                                                                {shift},  x,       y};
  return WriteChecked<Doubles>(size, write);
}

template <typename In, typename Out>
HWY_NOINLINE bool NormalizePlanes(const ChannelAffine& affine, const In* x,
                                  const ChannelLayout& layout, Part planes, Part channels, Out* y,
                                  Stores stores) {
  bool all_finite = true;
  for (int64_t first = planes.begin - planes.begin % layout.channels; first < planes.end;
       first += layout.channels) {
    const int64_t end = std::min(channels.end, planes.end - first);
    for (int64_t c = std::max(channels.begin, planes.begin - first); c < end; ++c) {
      const int64_t begin = (first + c) * layout.inner;
      all_finite =
          NormalizePlane(affine, c - channels.begin, x + begin, layout.inner, y + begin, stores) &&
          all_finite;
    }
  }
  if (stores == Stores::kPastCaches) hwy::FlushStream();
  return all_finite;
}

inline bool NormalizeChannels(const ChannelAffine& affine, ConstElements x,
                              const ChannelLayout& layout, Part spans, Part channels, Elements y,
                              bool past_caches) {
  return VisitElementTypes(
      x.type, y.type, [&]<typename In, typename Out>(ElementTag<In>, ElementTag<Out>) HWY_ATTR {
        const In* const from = x.As<In>();
        Out* const to = y.As<Out>();
        if (layout.inner > 1) {
          return NormalizePlanes(affine, from, layout, spans, channels, to,
                                 StoresOf(to, layout.inner, past_caches));
        }
        const Stores stores = StoresOf(to + channels.begin, layout.channels, past_caches);
        return NormalizeNeighbors(affine, from + channels.begin, spans, layout.channels,
                                  channels.size(), to + channels.begin, stores);
      });
}

// A vector of channels' NarrowCoefficients.
struct NarrowChannel {
  ChannelAffine affine;
  NarrowChannelArrays<float> narrow;
  bool fit = true;

  template <class D>
  HWY_INLINE void operator()(D d, int64_t c) {
    const hn::Rebind<float, D> floats;
    const auto center = hn::LoadU(d, affine.center + c);
    const auto scale = hn::LoadU(d, affine.scale + c);
    const auto shift = affine.shift != nullptr ? hn::LoadU(d, affine.shift + c) : hn::Zero(d);
    fit = fit && hn::AllFalse(d, ExceedFloats(d, center, scale, shift));
    NarrowVector<D> coefficients;
    coefficients.Set(d, center, scale);
    hn::StoreU(coefficients.high, floats, narrow.high + c);
    hn::StoreU(coefficients.low, floats, narrow.low + c);
    hn::StoreU(coefficients.scale, floats, narrow.scale + c);
    hn::StoreU(hn::DemoteTo(floats, shift), floats, narrow.shift + c);
  }
};

inline ChannelAffine Narrowed(const ChannelAffine& affine, int64_t channels, float* narrow) {
  NarrowChannel channel{affine, {narrow, channels}};
  ForEachElement(channels, channel);
  ChannelAffine result = affine;
  result.narrow = channel.fit ? narrow : nullptr;
  return result;
}

}  // namespace HWY_NAMESPACE
}  // namespace normd::kernels
HWY_AFTER_NAMESPACE();
#endif  // !NORMD_TARGET_IS_PORTABLE

#endif  // include guard
