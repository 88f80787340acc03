// What streams a load has, how they are driven, and what came of it.
#ifndef NORMD_CLIENT_LOAD_LOAD_H_
#define NORMD_CLIENT_LOAD_LOAD_H_

#include <cstdint>
#include <string>
#include <vector>

#include "absl/status/statusor.h"
#include "absl/time/time.h"
#include "client/cpp/client.h"
#include "client/load/latency_histogram.h"
#include "normd/v1/normalization.pb.h"

namespace normd::client {

struct Load {
  v1::Open open;
  std::vector<std::string>
      sessions;      // names: stream i opens the i-th, modulo; empty: open's target
  std::string data;  // of every chunk

  int streams = 16;
  int connections = 1;  // that the streams are spread over
  int threads = 1;      // of the generator, each with streams of its own

  // Open loop: chunks of all streams together, each at its place in an absolute schedule, whether
  // or not those before were answered. 0: closed loop, each stream sends when it was answered.
  double chunks_per_second = 0;

  absl::Duration warm_up = absl::Seconds(1);
  absl::Duration duration = absl::Seconds(5);  // after the warm-up; what is measured
  int server_pid = 0;                          // to measure its processor time; 0: unknown
};

struct LoadResult {
  // Closed loop: from the write to the answer. Open loop: from when a chunk was due, so that a wait
  // counts for all that it held up ("coordinated omission"); chunks that were due and could not be
  // written count with their age at the end.
  LatencyHistogram latencies;
  int64_t answers = 0;  // within the duration
  int64_t unsent = 0;   // open loop: chunks that were due and not written at the end
  double seconds = 0;   // the duration as it was
  double generator_cpu_seconds = 0;
  double server_cpu_seconds = 0;  // 0 where the process is not known
};

// Opens the streams, drives them, half-closes and awaits their ends. Every answer must be a result
// and bear the number of its chunk, and every stream end with OK: else the error, or INTERNAL.
// DEADLINE_EXCEEDED where the server's timeout does not suffice to open the streams, or to end
// them.
absl::StatusOr<LoadResult> Run(const Load& load, const ClientOptions& server);

}  // namespace normd::client

#endif  // NORMD_CLIENT_LOAD_LOAD_H_
