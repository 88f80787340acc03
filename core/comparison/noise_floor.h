// What independent, normally distributed values would give for a discrepancy of statistics: the
// part of it that says nothing about the data.
#ifndef NORMD_CORE_COMPARISON_NOISE_FLOOR_H_
#define NORMD_CORE_COMPARISON_NOISE_FLOOR_H_

namespace normd {

// The expected |mean_a - mean_b| / deviation for samples of n and m values: sqrt(2 / pi) *
// sqrt(1 / n + 1 / m). m may be infinite: a deviation that is known.
double MeanNoiseFloor(double n, double m);

// The same where the n values are the first of the m: sqrt(2 / pi) * sqrt(1 / n - 1 / m), n <= m.
double PrefixMeanNoiseFloor(double n, double m);

// The expected |r - 1|, where r = deviation_a / deviation_b and both variances are biased:
// r^2 = (chi2_{n-1} / n) / (chi2_{m-1} / m), for whole n, m >= 1, m infinite among them. Infinite
// for m = 1, where there is no deviation_b, and for m = 2 unless n is 1: the inverse of |z| has no
// expectation. 1 for n = 1.
//
// Integrated over log r, whose density is proportional to r^(n-1) * (1 + r^2 n / m)^(-(n+m-2)/2),
// with a relative error below 1e-9; from two million values on each side on, the limit
// sqrt((1 / n + 1 / m) / pi), with one below 1e-6.
double DeviationNoiseFloor(double n, double m);

}  // namespace normd

#endif  // NORMD_CORE_COMPARISON_NOISE_FLOOR_H_
