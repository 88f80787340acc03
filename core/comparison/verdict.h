// What follows from a comparison, in words.
#ifndef NORMD_CORE_COMPARISON_VERDICT_H_
#define NORMD_CORE_COMPARISON_VERDICT_H_

#include <vector>

#include "absl/types/span.h"
#include "core/comparison/compared_method.h"
#include "core/comparison/report.h"

namespace normd {

// Of a report that is complete but for its verdict. It is about the first method that keeps mean
// and variance; without any, or without tokens, there is not enough to say.
Verdict VerdictOf(const ComparisonReport& report, absl::Span<const ComparedMethod> methods);

}  // namespace normd

#endif  // NORMD_CORE_COMPARISON_VERDICT_H_
