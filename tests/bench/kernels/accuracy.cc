// How far normd's LayerNorm, PyTorch's and oneDNN's are from the same in long double, on the same
// float32 inputs: the largest |y - reference| / max(1, |reference|) of 4096 elements.
#include <algorithm>
#include <cmath>
#include <cstdio>
#include <string>
#include <vector>

#include "tests/bench/kernels/kernel_case.h"
#include "tests/testing/random_values.h"

namespace normd::bench {
namespace {

constexpr int64_t kFeatures = 4096;

struct Input {
  std::string name;
  std::vector<float> x;
  double epsilon = 1e-5;
};

std::vector<long double> Reference(const Input& input) {
  const auto count = static_cast<long double>(input.x.size());
  long double sum = 0;
  for (const float x : input.x) sum += x;
  const long double mean = sum / count;
  long double squares = 0;
  for (const float x : input.x) squares += (x - mean) * (x - mean);
  const long double deviation = std::sqrt(squares / count + input.epsilon);
  std::vector<long double> y;
  for (const float x : input.x) y.push_back((x - mean) / deviation);
  return y;
}

std::string ErrorOf(const Contender& contender, const Operands& operands,
                    const std::vector<long double>& reference) {
  operands.ClearOutput();
  contender.run();
  if (contender.settle != nullptr) contender.settle();
  const std::vector<float> y = operands.OutputValues();
  long double largest = 0;
  for (size_t i = 0; i < y.size(); ++i) {
    if (!std::isfinite(y[i])) return std::isnan(y[i]) ? "NaN" : "inf";
    largest =
        std::max(largest, std::fabs(y[i] - reference[i]) / std::max(1.0L, std::fabs(reference[i])));
  }
  char text[16];
  std::snprintf(text, sizeof(text), "%.1e", static_cast<double>(largest));
  return text;
}

void PrintLine(const Input& input) {
  const Operands operands({.rows = 1,
                           .row_shape = {static_cast<int64_t>(input.x.size())},
                           .affine = false,
                           .epsilon = input.epsilon},
                          input.x);
  const std::vector<long double> reference = Reference(input);
  const auto error = [&](const Contender& contender) {
    return ErrorOf(contender, operands, reference);
  };
  std::printf("%-34s %10s %10s %10s\n", input.name.c_str(),
              error(*NormdKernel(operands, 1)).c_str(),
              error(PyTorchKernels(operands, 1).at(0)).c_str(),
              error(OneDnnKernels(operands, 1).at(0)).c_str());
}

Input NormalTimes(float factor, const std::string& name, double epsilon) {
  Input input = {name, testing::RandomFloats(kFeatures, 0, 1), epsilon};
  for (float& x : input.x) x *= factor;
  return input;
}

void PrintAll() {
  std::printf("%-34s %10s %10s %10s\n", "4096 float32 elements, no affine", "normd", "PyTorch",
              "oneDNN");
  for (const float mean : {0.0F, 10.0F, 1e2F, 1e3F, 1e4F, 1e5F, 1e6F}) {
    char name[32];
    std::snprintf(name, sizeof(name), "N(%g, 1)", mean);
    PrintLine({name, testing::RandomFloats(kFeatures, mean, 1)});
  }
  PrintLine(NormalTimes(1e30F, "N(0, 1) * 1e30", 1e-5));
  PrintLine(NormalTimes(1e-25F, "N(0, 1) * 1e-25, epsilon 0", 0));
  for (const float value : {0.1F, 1234.0F, 1e30F}) {
    char name[32];
    std::snprintf(name, sizeof(name), "all %g", value);
    PrintLine({name, std::vector<float>(kFeatures, value)});
  }
}

}  // namespace
}  // namespace normd::bench

int main() { normd::bench::PrintAll(); }
