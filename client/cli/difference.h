// How far apart two arrays are.
#ifndef NORMD_CLIENT_CLI_DIFFERENCE_H_
#define NORMD_CLIENT_CLI_DIFFERENCE_H_

#include <cstdint>

#include "absl/types/span.h"

namespace normd::cli {

struct Difference {
  int64_t elements = 0;
  int64_t differing_bits = 0;  // elements that are not the same bits
  double rms_expected = 0;     // root mean square
  double rms_actual = 0;
  double relative_rms = 0;  // rms(actual - expected) / rms(expected); 0 where they are equal
  double p50 = 0;           // of |actual - expected|
  double p99 = 0;
  double max = 0;
};

// Of two arrays of the same size. Values of narrower types come widened, which keeps bits apart.
Difference Compare(absl::Span<const double> expected, absl::Span<const double> actual);

}  // namespace normd::cli

#endif  // NORMD_CLIENT_CLI_DIFFERENCE_H_
