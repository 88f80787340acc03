// Bounds of flags that take a number.
#ifndef NORMD_CLIENT_CLI_NUMBER_CHECK_H_
#define NORMD_CLIENT_CLI_NUMBER_CHECK_H_

#include <CLI/CLI.hpp>
#include <cstdint>
#include <string>

#include "absl/strings/numbers.h"

namespace normd::cli {

// What is no number at all is CLI11's to refuse, here and below.
inline CLI::Validator AtLeastOne() {
  return CLI::Validator(
      [](std::string& text) -> std::string {
        int64_t value = 0;
        return absl::SimpleAtoi(text, &value) && value < 1 ? "must be at least 1" : "";
      },
      "POSITIVE");
}

inline CLI::Validator AboveZero() {
  return CLI::Validator(
      [](std::string& text) -> std::string {
        double value = 0;
        return absl::SimpleAtod(text, &value) && !(value > 0) ? "must be above 0" : "";
      },
      "POSITIVE");
}

}  // namespace normd::cli

#endif  // NORMD_CLIENT_CLI_NUMBER_CHECK_H_
