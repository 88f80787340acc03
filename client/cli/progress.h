// How far a stream of a file has come, on a terminal at standard error.
#ifndef NORMD_CLIENT_CLI_PROGRESS_H_
#define NORMD_CLIENT_CLI_PROGRESS_H_

#include <cstdint>
#include <optional>
#include <string>

#include "absl/time/time.h"

namespace normd::cli {

// "[#####-----]  50 %  1.2 M rows/s  0:07 left"; nothing is left at the end. Where `all` is
// unknown, "3.4 M rows  1.2 M rows/s". `elapsed` is above 0.
std::string ProgressLine(int64_t done, std::optional<int64_t> all, absl::Duration elapsed);

// Silent where standard error is no terminal.
class Progress {
 public:
  // Of `all` rows, or of an unknown number.
  explicit Progress(std::optional<int64_t> all);
  // Wipes the line.
  ~Progress();
  Progress(const Progress&) = delete;
  Progress& operator=(const Progress&) = delete;

  // At most ten times a second a line is written.
  void Show(int64_t done);

 private:
  const std::optional<int64_t> all_;
  const bool is_shown_;
  const absl::Time start_;
  absl::Time next_;
};

}  // namespace normd::cli

#endif  // NORMD_CLIENT_CLI_PROGRESS_H_
