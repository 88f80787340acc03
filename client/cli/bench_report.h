// What `normctl bench` prints.
#ifndef NORMD_CLIENT_CLI_BENCH_REPORT_H_
#define NORMD_CLIENT_CLI_BENCH_REPORT_H_

#include <cstdint>
#include <string>
#include <vector>

#include "client/load/load.h"

namespace normd::cli {

// One measurement of one server.
struct BenchRound {
  static BenchRound Of(const client::LoadResult& result, int64_t rows_per_chunk);

  double tokens_per_s = 0;  // rows
  double p50_us = 0;        // of a chunk
  double p99_us = 0;
  double p999_us = 0;
  double max_us = 0;
  double cpu_us = 0;          // the server's processor time for a row; 0: unknown
  double server_cpus = 0;     // processors that it used; 0: unknown
  double generator_cpus = 0;  // and that the generator used
  double unsent = 0;          // open loop: chunks that were due and never written
};

// Rounds of a server, of one to compare it with, and of one that is identical to that.
struct BenchReport {
  std::vector<BenchRound> server;
  std::vector<BenchRound> baseline;
  std::vector<BenchRound> control;

  // Medians of the rounds, and of each round's ratio to the baseline.
  std::string ToJson() const;
  std::string ToText() const;
};

}  // namespace normd::cli

#endif  // NORMD_CLIENT_CLI_BENCH_REPORT_H_
