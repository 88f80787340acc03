// The same token among different batch-mates.
#ifndef NORMD_CORE_COMPARISON_CO_BATCH_H_
#define NORMD_CORE_COMPARISON_CO_BATCH_H_

#include <cstdint>
#include <optional>
#include <vector>

#include "core/comparison/compared_method.h"
#include "core/comparison/estimate.h"
#include "core/comparison/single_tokens.h"
#include "core/comparison/stop_request.h"

namespace normd {

// Outputs of some tokens, each in several batches with random mates: [batch][token][channel].
using CoBatchOutputs = std::vector<std::vector<double>>;

// Of `probes`, in `batches` batches of `batch_size` tokens, whose others are drawn from `mates`,
// which has none of them. Absent where there are no mates, TRAINING refuses such batches, or the
// method cannot tell what a token comes out as; and where a stop is asked for before a batch.
std::optional<CoBatchOutputs> OutputsAmongMates(const ComparedMethod& method,
                                                const SingleTokens& mates,
                                                const SingleTokens& probes, int64_t batch_size,
                                                int batches, uint64_t seed, StopRequest& stop);

// sqrt of the mean squared distance of a token's outputs from their mean, over their root mean
// square: the mean over tokens, with its interval. Tokens whose outputs are all 0 are left out.
std::optional<Estimate> SensitivityOf(const CoBatchOutputs& outputs, int64_t channels);

// Where the first token's outputs vary most.
int64_t MostVariedChannel(const CoBatchOutputs& outputs);

}  // namespace normd

#endif  // NORMD_CORE_COMPARISON_CO_BATCH_H_
