#include "client/cli/progress.h"

#include <unistd.h>

#include <algorithm>
#include <cstdio>

#include "absl/strings/str_format.h"
#include "absl/time/clock.h"

namespace normd::cli {
namespace {

constexpr absl::Duration kInterval = absl::Milliseconds(100);
constexpr char kWipe[] = "\r\033[K";

// "870", "1.2 k", "34 M".
std::string Count(double value) {
  constexpr const char* kUnits[] = {"", " k", " M", " G"};
  size_t unit = 0;
  for (; value >= 999.5 && unit < 3; ++unit) value /= 1000;
  const int decimals = unit > 0 && value < 9.95 ? 1 : 0;
  return absl::StrFormat("%.*f%s", decimals, value, kUnits[unit]);
}

}  // namespace

std::string ProgressLine(int64_t done, std::optional<int64_t> all, absl::Duration elapsed) {
  constexpr int kWidth = 24;
  const double rate = static_cast<double>(done) / absl::ToDoubleSeconds(elapsed);
  if (!all) {
    return absl::StrFormat("%s rows  %s rows/s", Count(static_cast<double>(done)), Count(rate));
  }
  const double share =
      *all > 0 ? std::min(1.0, static_cast<double>(done) / static_cast<double>(*all)) : 1.0;
  const auto filled = static_cast<size_t>(share * kWidth);
  const auto left =
      static_cast<int64_t>(rate > 0 ? static_cast<double>(*all - done) / rate + 0.5 : 0);
  return absl::StrFormat("[%s%s] %3.0f %%  %s rows/s  %d:%02d left", std::string(filled, '#'),
                         std::string(kWidth - filled, '-'), 100 * share, Count(rate), left / 60,
                         left % 60);
}

Progress::Progress(std::optional<int64_t> all)
    : all_(all),
      is_shown_(isatty(STDERR_FILENO) != 0),
      start_(absl::Now()),
      next_(start_ + 5 * kInterval) {}

Progress::~Progress() {
  if (is_shown_) std::fputs(kWipe, stderr);
}

void Progress::Show(int64_t done) {
  if (!is_shown_) return;
  const absl::Time now = absl::Now();
  if (now < next_) return;
  next_ = now + kInterval;
  std::fprintf(stderr, "%s%s", kWipe, ProgressLine(done, all_, now - start_).c_str());
}

}  // namespace normd::cli
