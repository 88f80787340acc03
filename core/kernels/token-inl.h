// One token folded into running moments and normalized by them. Included once per SIMD target.
#if defined(NORMD_CORE_KERNELS_TOKEN_INL_H_) == defined(HWY_TARGET_TOGGLE)
#ifdef NORMD_CORE_KERNELS_TOKEN_INL_H_
#undef NORMD_CORE_KERNELS_TOKEN_INL_H_
#else
#define NORMD_CORE_KERNELS_TOKEN_INL_H_
#endif

#include "core/kernels/channel_kernels.h"
#include "core/kernels/channel_statistics-inl.h"

#if !NORMD_TARGET_IS_PORTABLE
HWY_BEFORE_NAMESPACE();
namespace normd::kernels {
namespace HWY_NAMESPACE {

template <typename In, typename Out, bool kMerges, EpsilonPlacement kPlacement>
struct Token {
  TokenStep step;
  double to_variance;
  const In* x;
  double* mean;
  double* spread;
  Out* y;

  template <class D>
  HWY_INLINE void operator()(D d, int64_t c) const {
    const auto value = Read(d, x + c);
    const auto old_mean = hn::LoadU(d, mean + c);
    const auto old_spread = hn::LoadU(d, spread + c);
    const auto delta = hn::Sub(value, old_mean);
    const auto move = hn::Mul(delta, hn::Set(d, step.weight));
    const auto new_mean = hn::Add(old_mean, move);
    hn::Vec<D> new_spread;
    if constexpr (kMerges) {
      const auto weight_square = hn::Set(d, step.count * step.weight);
      new_spread = hn::Add(old_spread, hn::Mul(hn::Mul(delta, delta), weight_square));
    } else {
      new_spread = hn::Mul(hn::Set(d, 1 - step.weight), hn::Add(old_spread, hn::Mul(move, delta)));
    }
    hn::StoreU(new_mean, d, mean + c);
    hn::StoreU(new_spread, d, spread + c);

    const auto spread_then = step.folds_first ? new_spread : old_spread;
    const auto variance = hn::Mul(spread_then, hn::Set(d, to_variance));
    auto scale = InverseDeviations<kPlacement>(d, variance, hn::Set(d, step.epsilon.value));
    if (step.gamma != nullptr) scale = hn::Mul(scale, hn::LoadU(d, step.gamma + c));
    const auto center = step.folds_first ? new_mean : old_mean;
    auto result = hn::Mul(hn::Sub(value, center), scale);
    if (step.beta != nullptr) result = hn::Add(result, hn::LoadU(d, step.beta + c));
    Write(d, result, y + c);
  }
};

inline void FoldAndNormalizeToken(const TokenStep& step, ConstElements x, int64_t channels,
                                  double* mean, double* spread, Elements y) {
  VisitElementTypes(
      x.type, y.type, [&]<typename In, typename Out>(ElementTag<In>, ElementTag<Out>) HWY_ATTR {
        VisitPlacement(step.epsilon.placement, [&]<EpsilonPlacement kPlacement>() HWY_ATTR {
          const auto run = [&]<bool kMerges>() HWY_ATTR {
            ForEachElement(channels,
                           Token<In, Out, kMerges, kPlacement>{step, 1 / step.divisor, x.As<In>(),
                                                               mean, spread, y.As<Out>()});
          };
          step.merges ? run.template operator()<true>() : run.template operator()<false>();
        });
      });
}

}  // namespace HWY_NAMESPACE
}  // namespace normd::kernels
HWY_AFTER_NAMESPACE();
#endif  // !NORMD_TARGET_IS_PORTABLE

#endif  // include guard
