// What calls of all services share, and must pass.
#ifndef NORMD_SERVER_RPC_ADMISSION_H_
#define NORMD_SERVER_RPC_ADMISSION_H_

#include <cstdint>

#include "server/async/byte_budget.h"
#include "server/async/overload_detector.h"
#include "server/async/worker_pool.h"
#include "server/rpc/open_streams.h"
#include "server/rpc/pool_executor.h"

namespace normd::server {

struct Admission {
  OpenStreams streams;
  ByteBudget bytes;                // of messages in flight
  ByteBudget comparisons;          // the statistics of Compare streams
  OverloadDetector overload;       // by new streams
  WorkerPool workers;              // for what takes too long for a loop's thread
  int64_t inline_bytes;            // up to which a message never does, at one method of long rows
  int ready_streams;               // that a loop can take of a method at one time
  PoolExecutor executor{workers};  // for what is computed there
};

}  // namespace normd::server

#endif  // NORMD_SERVER_RPC_ADMISSION_H_
