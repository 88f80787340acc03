// A comparison while its stream runs.
#ifndef NORMD_CLIENT_CLI_LIVE_TABLE_H_
#define NORMD_CLIENT_CLI_LIVE_TABLE_H_

#include <cstdint>
#include <string>
#include <vector>

#include "absl/time/time.h"
#include "normd/v1/comparison.pb.h"

namespace normd::cli {

// The figures of the chunks so far. Written to standard output: over the last one on a terminal,
// else one after the other.
class LiveTable {
 public:
  explicit LiveTable(std::vector<std::string> methods);

  // At most four times a second a table is written, and one for the first chunk.
  void Add(const v1::CompareResult& result);
  // The last one.
  void Finish() { Write(); }

  std::string text() const;

 private:
  struct Mean {
    double sum = 0;
    int64_t count = 0;

    void Add(double value) {
      sum += value;
      ++count;
    }
  };
  struct Method {
    v1::Measurements last;
    Mean gap, mean, mean_floor, deviation, deviation_floor;
  };

  void Write();

  std::vector<std::string> names_;
  std::vector<Method> methods_;
  int64_t chunks_ = 0;
  int lines_ = 0;  // of the table on the terminal
  absl::Time next_ = absl::InfinitePast();
};

}  // namespace normd::cli

#endif  // NORMD_CLIENT_CLI_LIVE_TABLE_H_
