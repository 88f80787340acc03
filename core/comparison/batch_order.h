// The order in which tokens are put into batches. See proto/normd/v1/plan.proto.
#ifndef NORMD_CORE_COMPARISON_BATCH_ORDER_H_
#define NORMD_CORE_COMPARISON_BATCH_ORDER_H_

namespace normd {

enum class BatchOrder { kArrival, kShuffled, kBySequence, kByPosition };

}  // namespace normd

#endif  // NORMD_CORE_COMPARISON_BATCH_ORDER_H_
