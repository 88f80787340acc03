// What independent, normally distributed values would give for a discrepancy of statistics: the
// part of it that says nothing about the data.
#ifndef NORMD_CORE_COMPARISON_NOISE_FLOOR_H_
#define NORMD_CORE_COMPARISON_NOISE_FLOOR_H_

#include <optional>
#include <vector>

namespace normd {

// The expected |mean_a - mean_b| / deviation for samples of n and m values: sqrt(2 / pi) *
// sqrt(1 / n + 1 / m). m may be infinite: a deviation that is known.
double MeanNoiseFloor(double n, double m);

// The same where the n values are the first of the m: sqrt(2 / pi) * sqrt(1 / n - 1 / m), n <= m.
double PrefixMeanNoiseFloor(double n, double m);

// The expected |r - 1|, where r = deviation_a / deviation_b and both variances are biased:
// r^2 = (chi2_{n-1} / n) / (chi2_{m-1} / m), for whole n, m >= 1, m infinite among them. Infinite
// for m = 1, where there is no deviation_b, and for m = 2 unless n is 1: the inverse of |z| has no
// expectation. 1 for n = 1. Relative error below 1e-9.
double DeviationNoiseFloor(double n, double m);

// What the statistics consist of that a batch of n values is put beside. Running ones are those
// before the batch, none of whose values are in them.

// Of all `count` values so far, as by Cumulative; it may be infinite. The batch enters by Chan's
// merge.
struct PooledReference {
  double count = 0;
};

// The weighted means of batches' means and of their variances, as by BatchEma and CumulativeBatch.
// The batch enters by m' = (1 - a) m + a m_B, and likewise for variances.
struct AveragedReference {
  std::vector<double> weights;  // one per batch; they add to 1
  std::vector<double> counts;   // values per batch, each finite
  bool unbiased = false;        // variances are multiplied by count / (count - 1) first
};

// The weighted mean and variance of values, as by TokenEma: the one that came j values before the
// last weighs (1 - alpha)^j, divided by the sum of all. The batch enters value by value.
struct TokenAveragedReference {
  double alpha = 0;
  double count = 0;

  bool operator==(const TokenAveragedReference&) const = default;
};

// Of all values in the end, of which the batch's n are a part.
struct WholeReference {
  double count = 0;
};

// The expectations of what proto/normd/v1/report.proto, message Discrepancies, defines, for one
// channel whose values have deviation 1. Absent where infinite; where the statistics have no
// deviation; and for n = 1 where s_B is divided by or compared. Relative error about 1e-9 for a
// PooledReference; for an AveragedReference below 1e-7 where it has 8 batches or more and sizes are
// alike, and below 1e-5 else. The latter costs much more, mostly where sizes differ by orders of
// magnitude.
struct DiscrepancyFloors {
  std::optional<double> tid_mean_by_batch;
  std::optional<double> tid_deviation_by_batch;
  std::optional<double> tid_mean_by_running;
  std::optional<double> tid_deviation_by_running;
  std::optional<double> renorm_d;
  std::optional<double> renorm_r;
  // Without the division by C: sqrt(E (m_B - m)^2), in deviations.
  std::optional<double> powernorm_mean;
  // Likewise sqrt(E (s_B^2 - s^2)^2), in variances.
  std::optional<double> powernorm_variance;
  std::optional<double> powernorm_relative;
};

struct FinalFloors {
  std::optional<double> mean;
  std::optional<double> deviation;
};

// For n >= 1 and references of a value at least. With u = s_B^2 = chi2_{n-1} / n, m and S = s^2
// before the batch, all independent: m_B - m ~ N(0, 1 / n + V) where V = 1 / count or sum w^2 /
// count; and S is a sum of scaled chi-squares (variance_law.h). After it, m' - m_B = (1 - a)(m -
// m_B).
//  - Pooled: a = n / (m + n), s'^2 = (1 - a) chi2_m / m + a u: the distance of the means adds a
//  degree
//    of freedom. (m' - m_B)^2 / s'^2 is m / n times a Beta(1 / 2, (m + n - 2) / 2) variable.
//  - Averaged: s'^2 = (1 - a) S + a f u, f = n / (n - 1) or 1, is independent of the means.
// Expectations of 1 / s and 1 / s^2 are integrals over the Laplace transform of S; those of
// |s_B / s - 1| and |s / s_B - 1| are over the law of s_B / s before the batch (deviation_ratio.h).
DiscrepancyFloors NoiseFloors(double n, const PooledReference& reference);

// `new_weight` is a.
DiscrepancyFloors NoiseFloors(double n, const AveragedReference& reference, double new_weight);

// See token_average_floors.cc. Relative error below 1e-6; of the tid_deviation_* ones below 0.5 %,
// and they are absent where n * alpha is above 1/2.
DiscrepancyFloors NoiseFloors(double n, const TokenAveragedReference& reference);

// The same as a pooled reference of the other count - n values after the batch entered. 0 for n =
// count.
FinalFloors NoiseFloors(double n, const WholeReference& reference);

}  // namespace normd

#endif  // NORMD_CORE_COMPARISON_NOISE_FLOOR_H_
