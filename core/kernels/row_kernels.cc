#include "core/kernels/row_kernels.h"

#undef HWY_TARGET_INCLUDE
#define HWY_TARGET_INCLUDE "core/kernels/row_kernels.cc"
#include "hwy/foreach_target.h"
// After foreach_target.h, which includes this file once more for each further target.
#include "core/kernels/affine-inl.h"
#include "core/kernels/elements-inl.h"
#include "core/kernels/lane_sums-inl.h"
#include "core/kernels/span_statistics.h"
#include "hwy/highway.h"

HWY_BEFORE_NAMESPACE();
namespace normd::kernels {
namespace HWY_NAMESPACE {

#if NORMD_TARGET_IS_PORTABLE

using portable::AllFinite;
using portable::CanonicalizeNans;
using portable::NormalizeRows;

#else

template <class Gamma, class Beta>
HWY_NOINLINE void NormalizeEachRow(const RowNorm& norm, Gamma gamma, Beta beta, const float* x,
                                   int64_t rows, int64_t row_size, float* y) {
  for (int64_t row = 0; row < rows; ++row, x += row_size, y += row_size) {
    const RowCoefficients coefficients = CoefficientsOf<Sums>(norm, x, row_size);
    const Same mean{coefficients.mean};
    const Same scale{coefficients.scale};
    if (norm.statistic == RowStatistic::kNone) {
      WriteSpan<Tanh>(x, row_size, mean, scale, gamma, beta, y);
    } else {
      WriteSpan(x, row_size, mean, scale, gamma, beta, y);
    }
  }
}

void NormalizeRows(const RowNorm& norm, const float* x, int64_t rows, int64_t row_size, float* y) {
  const Each gamma{norm.gamma};
  const Each beta{norm.beta};
  if (norm.gamma != nullptr && norm.beta != nullptr) {
    NormalizeEachRow(norm, gamma, beta, x, rows, row_size, y);
  } else if (norm.gamma != nullptr) {
    NormalizeEachRow(norm, gamma, None(), x, rows, row_size, y);
  } else if (norm.beta != nullptr) {
    NormalizeEachRow(norm, None(), beta, x, rows, row_size, y);
  } else {
    NormalizeEachRow(norm, None(), None(), x, rows, row_size, y);
  }
}

using Floats = hn::ScalableTag<float>;
using Bits = hn::RebindToUnsigned<Floats>;

bool AllFinite(const float* x, int64_t size) {
  constexpr int64_t kFloats = hn::MaxLanes(Floats());
  const auto exponent = hn::Set(Bits(), 0x7F800000u);
  auto found = hn::Zero(Bits());
  int64_t i = 0;
  for (; i + kFloats <= size; i += kFloats) {
    const auto bits = hn::BitCast(Bits(), hn::LoadU(Floats(), x + i));
    const auto is_special = hn::Eq(hn::And(bits, exponent), exponent);
    found = hn::Or(found, hn::VecFromMask(Bits(), is_special));
  }
  const bool any = !hn::AllTrue(Bits(), hn::Eq(found, hn::Zero(Bits())));
  return !any && portable::AllFinite(x + i, size - i);
}

void CanonicalizeNans(float* x, int64_t size) {
  constexpr int64_t kFloats = hn::MaxLanes(Floats());
  const auto canonical = hn::BitCast(Floats(), hn::Set(Bits(), 0x7FC00000u));
  int64_t i = 0;
  for (; i + kFloats <= size; i += kFloats) {
    const auto value = hn::LoadU(Floats(), x + i);
    hn::StoreU(hn::IfThenElse(hn::IsNaN(value), canonical, value), Floats(), x + i);
  }
  portable::CanonicalizeNans(x + i, size - i);
}

#endif  // NORMD_TARGET_IS_PORTABLE

}  // namespace HWY_NAMESPACE
}  // namespace normd::kernels
HWY_AFTER_NAMESPACE();

#if HWY_ONCE
namespace normd::kernels {

HWY_EXPORT(NormalizeRows);
HWY_EXPORT(AllFinite);
HWY_EXPORT(CanonicalizeNans);

void NormalizeRows(const RowNorm& norm, const float* x, int64_t rows, int64_t row_size, float* y) {
  HWY_DYNAMIC_DISPATCH(NormalizeRows)(norm, x, rows, row_size, y);
}

bool AllFinite(const float* x, int64_t size) { return HWY_DYNAMIC_DISPATCH(AllFinite)(x, size); }

void CanonicalizeNans(float* x, int64_t size) { HWY_DYNAMIC_DISPATCH(CanonicalizeNans)(x, size); }

}  // namespace normd::kernels
#endif  // HWY_ONCE
