// The law of a weighted variance of normally distributed tokens.
#ifndef NORMD_CORE_COMPARISON_TOKEN_WEIGHTS_H_
#define NORMD_CORE_COMPARISON_TOKEN_WEIGHTS_H_

#include <vector>

#include "core/comparison/variance_law.h"

namespace normd {

// Tokens of the same weight and variance, as many as `count`, which need not be whole.
struct TokenGroup {
  double weight = 0;  // of each
  double count = 0;
  double variance = 1;
};

// Those that came from `newest` to `oldest` - 1 tokens ago, the newest first: of weight
// alpha (1 - alpha)^age. Sums of smooth functions of the weights are those over all tokens, to a
// relative 1e-7: three groups stand for a block of them, by the Gauss rule of as many equal masses
// (whose fourth moment is (L^2 - 1) (3 L^2 - 7) / 240), up to weights of e^-18.
std::vector<TokenGroup> ExponentialWeights(double alpha, double newest, double oldest);

double SumOfWeights(const std::vector<TokenGroup>& groups);

// Has them add to 1.
void DivideWeights(double sum, std::vector<TokenGroup>& groups);

// Of S = sum w (x - m)^2, where m = sum w x and the weights add to 1: with A = diag(w) - w w',
// E exp(-t S) is the root of 1 / det(I + 2 t A), and for c' x, any weighted sum of the tokens,
// E [|c' x| exp(-t S)] = sqrt(2 / pi) sqrt(c' (I + 2 t A)^-1 c / det(I + 2 t A)), as x is normally
// distributed under exp(-t S) too. By the matrix determinant lemma
//   det(I + 2 t A) = q(t) product (1 + 2 t w v)   with   q(t) = sum w / (1 + 2 t w v).
// So the zeros of q, one between any two of the groups' scales w v, are the scales of chi-squares
// with one degree of freedom, beside count - 1 degrees of each group's own.
VarianceLaw WeightedVarianceLaw(std::vector<TokenGroup> groups);

}  // namespace normd

#endif  // NORMD_CORE_COMPARISON_TOKEN_WEIGHTS_H_
