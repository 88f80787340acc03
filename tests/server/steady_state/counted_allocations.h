#ifndef NORMD_TESTS_SERVER_STEADY_STATE_COUNTED_ALLOCATIONS_H_
#define NORMD_TESTS_SERVER_STEADY_STATE_COUNTED_ALLOCATIONS_H_

#include <cstdint>

namespace normd::testing {

// How often this thread has called operator new, which counts in every program that links this.
int64_t CountedAllocations();

}  // namespace normd::testing

#endif  // NORMD_TESTS_SERVER_STEADY_STATE_COUNTED_ALLOCATIONS_H_
