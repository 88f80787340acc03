#include "tests/bench/kernels/contenders.h"

#include <cmath>
#include <cstdint>
#include <cstdio>
#include <cstdlib>
#include <cstring>
#include <optional>

#include "tests/bench/kernels/rounds.h"
#include "tests/testing/typed_values.h"

namespace normd::bench {
namespace {

// One read of the output, as whoever sends it does.
void Read(const Operands& operands) {
  const auto* const words = operands.y().As<uint64_t>();
  const int64_t count = operands.measured().bytes() / 8;
  uint64_t sum = 0;
  for (int64_t i = 0; i < count; ++i) sum += words[i];
  asm volatile("" : : "r"(sum));  // or the compiler would leave it out
}

std::vector<float> OutputOf(const Contender& contender, const Operands& operands) {
  operands.ClearOutput();
  contender.run();
  if (contender.settle != nullptr) contender.settle();
  return operands.OutputValues();
}

bool Agree(const std::vector<float>& theirs, const std::vector<float>& ours, ElementType type) {
  const float tolerance = type == ElementType::kFloat32 ? 1e-4F : 0.04F;
  for (size_t i = 0; i < ours.size(); ++i) {
    if (!(std::fabs(theirs[i] - ours[i]) <= tolerance * (1 + std::fabs(ours[i])))) return false;
  }
  return true;
}

// A kernel that does other work proves nothing by its time.
void Add(const std::string& name, const std::vector<Contender>& kernels, const Operands& operands,
         std::vector<Named>& all) {
  if (kernels.empty()) return;
  const ElementType type = operands.measured().type;
  const std::vector<float> ours = OutputOf(all[0].contender, operands);
  std::vector<Contender> agreeing;
  for (const Contender& kernel : kernels) {
    if (Agree(OutputOf(kernel, operands), ours, type)) agreeing.push_back(kernel);
  }
  if (agreeing.empty()) {
    std::fprintf(stderr, "kernels: %s's %s of %s %s is not normd's\n", name.c_str(),
                 NameOf(operands.measured().op).c_str(), testing::NameOf(type).c_str(),
                 ShapeOf(operands.measured()).c_str());
    std::exit(1);
  }
  all.push_back({name, Fastest(agreeing)});
}

}  // namespace

std::vector<Named> ContendersOf(const Operands& operands, int threads) {
  const std::optional<Contender> normd = NormdKernel(operands, threads);
  if (!normd) return {};
  std::vector<Named> all = {{"normd", *normd}};
  all.push_back({"normd_then_read", {.run = [run = normd->run, &operands] {
                   run();
                   Read(operands);
                 }}});
  Add("onednn", OneDnnKernels(operands, threads), operands, all);
  Add("pytorch", PyTorchKernels(operands, threads), operands, all);
  all.push_back({"memcpy", {.run = [&operands] {
                   std::memcpy(operands.y().data, operands.x().data, operands.measured().bytes());
                 }}});
  return all;
}

}  // namespace normd::bench
