// normd's kernels beside oneDNN's, PyTorch's and memcpy. Prints a line of JSON for each case; null
// stands for what a library has no kernel for.
#include <algorithm>
#include <cmath>
#include <cstdio>
#include <cstring>
#include <iterator>
#include <optional>
#include <string>
#include <vector>

#include "absl/flags/flag.h"
#include "absl/flags/parse.h"
#include "absl/strings/str_format.h"
#include "absl/strings/str_join.h"
#include "absl/strings/str_split.h"
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

struct Named {
  std::string name;
  Contender contender;
};

bool IsWanted(const KernelCase& measured) {
  const std::string names[] = {NameOf(measured.op), testing::NameOf(measured.type),
                               ShapeOf(measured)};
  const std::vector<std::string> wanted = absl::StrSplit(absl::GetFlag(FLAGS_only), '/');
  for (size_t i = 0; i < std::min(wanted.size(), std::size(names)); ++i) {
    if (!wanted[i].empty() && wanted[i] != "*" && wanted[i] != names[i]) return false;
  }
  return true;
}

// One read of the output, as whoever sends it does.
void Read(const Operands& operands) {
  const auto* const words = operands.y().As<uint64_t>();
  const int64_t count = operands.measured().bytes() / 8;
  uint64_t sum = 0;
  for (int64_t i = 0; i < count; ++i) sum += words[i];
  asm volatile("" : : "r"(sum));  // or the compiler would leave it out
}

std::vector<Named> ContendersOf(const Operands& operands) {
  std::optional<Contender> normd = NormdKernel(operands);
  if (!normd) return {};
  std::vector<Named> all = {{"normd", *normd}};
  all.push_back({"normd_then_read", {.run = [run = normd->run, &operands] {
                   run();
                   Read(operands);
                 }}});
  if (auto peer = OneDnnKernel(operands)) all.push_back({"onednn", *std::move(peer)});
  if (auto peer = PyTorchKernel(operands)) all.push_back({"pytorch", *std::move(peer)});
  all.push_back({"memcpy", {.run = [&operands] {
                   std::memcpy(operands.y().data, operands.x().data, operands.measured().bytes());
                 }}});
  return all;
}

std::vector<float> OutputOf(const Contender& contender, const Operands& operands) {
  operands.ClearOutput();
  contender.run();
  if (contender.settle != nullptr) contender.settle();
  return operands.OutputValues();
}

// Whether all do the same work: the time of another's proves nothing.
bool Agree(const std::vector<Named>& contenders, const Operands& operands) {
  const float tolerance = operands.measured().type == ElementType::kFloat32 ? 1e-4F : 0.04F;
  const std::vector<float> ours = OutputOf(contenders[0].contender, operands);
  for (const Named& peer : contenders) {
    if (peer.name == "memcpy") continue;
    const std::vector<float> theirs = OutputOf(peer.contender, operands);
    for (size_t i = 0; i < ours.size(); ++i) {
      if (std::fabs(theirs[i] - ours[i]) <= tolerance * (1 + std::fabs(ours[i]))) continue;
      std::fprintf(stderr, "kernels: %s/%s/%s: %s gives %g for element %zu, normd %g\n",
                   NameOf(operands.measured().op).c_str(),
                   testing::NameOf(operands.measured().type).c_str(),
                   ShapeOf(operands.measured()).c_str(), peer.name.c_str(), theirs[i], i, ours[i]);
      return false;
    }
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
  if (absl::GetFlag(FLAGS_threads) != 1) {
    std::fprintf(stderr, "kernels: normd's kernels run on their caller's thread: --threads=1\n");
    return 2;
  }
  for (const KernelCase& measured : AllCases()) {
    if (!IsWanted(measured)) continue;
    const Operands operands(measured);
    const std::vector<Named> contenders = ContendersOf(operands);
    if (!contenders.empty() && !Agree(contenders, operands)) return 1;
    std::vector<std::function<void()>> runs;
    for (const Named& each : contenders) runs.push_back(each.contender.run);
    Print(measured, contenders,
          SecondsByRound(runs, absl::GetFlag(FLAGS_rounds), absl::GetFlag(FLAGS_milliseconds)));
  }
  return 0;
}

}  // namespace
}  // namespace normd::bench

int main(int argc, char** argv) {
  absl::ParseCommandLine(argc, argv);
  return normd::bench::Run();
}
