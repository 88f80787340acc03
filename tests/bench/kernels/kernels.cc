// normd's kernels beside oneDNN's, PyTorch's and memcpy. Prints a line of JSON for each case; null
// stands for what a library has no kernel for.
#include <algorithm>
#include <cstdio>
#include <functional>
#include <iterator>
#include <string>
#include <vector>

#include "absl/flags/flag.h"
#include "absl/flags/parse.h"
#include "absl/strings/str_format.h"
#include "absl/strings/str_join.h"
#include "absl/strings/str_split.h"
#include "tests/bench/kernels/contenders.h"
#include "tests/bench/kernels/kernel_case.h"
#include "tests/bench/kernels/rounds.h"
#include "tests/testing/typed_values.h"

ABSL_FLAG(int, rounds, 9, "Rounds of each case; what is printed is their median.");
ABSL_FLAG(double, milliseconds, 20, "For which each contender runs in a round, at least.");
ABSL_FLAG(std::string, only, "", "OP/TYPE/SHAPE of the cases to run, as layer_norm/*/16x4096.");
ABSL_FLAG(int, threads, 1, "Threads of each contender.");

namespace normd::bench {
namespace {

constexpr const char* kPeers[] = {"onednn", "pytorch", "memcpy"};

bool IsWanted(const KernelCase& measured) {
  const std::string names[] = {NameOf(measured.op), testing::NameOf(measured.type),
                               ShapeOf(measured)};
  const std::vector<std::string> wanted = absl::StrSplit(absl::GetFlag(FLAGS_only), '/');
  for (size_t i = 0; i < std::min(wanted.size(), std::size(names)); ++i) {
    if (!wanted[i].empty() && wanted[i] != "*" && wanted[i] != names[i]) return false;
  }
  return true;
}

// What the rounds say of one contender; null where it is not there.
template <typename Figure>
std::string Entry(const std::string& name, const std::vector<Named>& contenders,
                  const std::vector<std::vector<double>>& rounds, const Figure& figure) {
  const auto found = std::find_if(contenders.begin(), contenders.end(),
                                  [&](const Named& each) { return each.name == name; });
  if (found == contenders.end()) return absl::StrFormat(R"("%s":null)", name);
  std::vector<double> figures;
  for (const std::vector<double>& seconds : rounds) {
    figures.push_back(figure(seconds[found - contenders.begin()], seconds[0]));
  }
  return absl::StrFormat(R"("%s":%.4g)", name, Median(figures));
}

void Print(const KernelCase& measured, const std::vector<Named>& contenders,
           const std::vector<std::vector<double>>& rounds) {
  std::vector<std::string> gbps;
  std::vector<std::string> ratios;
  const auto rate = [&](double seconds, double) {
    return 2 * static_cast<double>(measured.bytes()) / seconds / 1e9;
  };
  const auto ratio = [](double seconds, double ours) { return seconds / ours; };
  for (const char* name : {"normd", "normd_then_read"}) {
    gbps.push_back(Entry(name, contenders, rounds, rate));
  }
  for (const char* name : kPeers) {
    gbps.push_back(Entry(name, contenders, rounds, rate));
    ratios.push_back(Entry(name, contenders, rounds, ratio));
  }
  std::printf(R"({"op":"%s","dtype":"%s","rows":%lld,"features":%lld,"threads":%d,)"
              R"("gbps":{%s},"ratio":{%s}})"
              "\n",
              NameOf(measured.op).c_str(), testing::NameOf(measured.type).c_str(),
              static_cast<long long>(measured.rows), static_cast<long long>(measured.features()),
              absl::GetFlag(FLAGS_threads), absl::StrJoin(gbps, ",").c_str(),
              absl::StrJoin(ratios, ",").c_str());
  std::fflush(stdout);
}

int Run() {
  const Effort effort = {.rounds = absl::GetFlag(FLAGS_rounds),
                         .seconds = absl::GetFlag(FLAGS_milliseconds) / 1000,
                         .threads = absl::GetFlag(FLAGS_threads)};
  for (const KernelCase& measured : AllCases()) {
    if (!IsWanted(measured)) continue;
    const Operands operands(measured);
    const std::vector<Named> contenders = ContendersOf(operands, effort.threads);
    std::vector<std::function<void()>> runs;
    for (const Named& each : contenders) runs.push_back(each.contender.run);
    Print(measured, contenders, SecondsByRound(runs, effort));
  }
  return 0;
}

}  // namespace
}  // namespace normd::bench

int main(int argc, char** argv) {
  absl::ParseCommandLine(argc, argv);
  return normd::bench::Run();
}
