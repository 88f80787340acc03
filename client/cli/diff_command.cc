#include <algorithm>
#include <cmath>
#include <cstdio>
#include <limits>
#include <utility>

#include "absl/strings/str_format.h"
#include "client/cli/commands.h"
#include "client/cli/difference.h"
#include "client/cli/row_chunks.h"
#include "client/cli/tensor_file.h"
#include "client/cpp/tensor.h"

namespace normd::cli {
namespace {

// Those rows' values.
absl::StatusOr<std::vector<double>> Select(v1::Tensor tensor, const std::string& rows) {
  absl::StatusOr<RowChunks> chunks = RowChunks::Cut(TensorReader(std::move(tensor)), {}, rows,
                                                    std::numeric_limits<int64_t>::max());
  if (!chunks.ok()) return chunks.status();
  const absl::StatusOr<std::optional<v1::Chunk>> chunk = chunks->Read(0);
  if (!chunk.ok()) return chunk.status();
  if (!chunk->has_value()) return std::vector<double>();
  return client::ToFloat64(chunks->element_type(), (*chunk)->data());
}

// JSON has no number that is not finite.
std::string Figure(double value, bool json) {
  return json && !std::isfinite(value) ? "null" : absl::StrFormat("%.9g", value);
}

}  // namespace

void AddDiffCommand(CLI::App& app, const GlobalFlags& global) {
  struct Flags {
    std::string expected;
    std::string actual;
    TensorFormat format;
    std::string rows;
    std::string field;
  };
  auto flags = std::make_shared<Flags>();
  CLI::App* command = app.add_subcommand("diff", "Tell how far apart two tensors are");
  command->add_option("EXPECTED", flags->expected, "A .npy file")->required();
  command->add_option("ACTUAL", flags->actual, "A .npy file of the same shape")->required();
  flags->format.AddTo(*command);
  command->add_option("--rows", flags->rows, "Only rows A:B, from A up to B - 1");
  command->add_option("--field", flags->field, "Print this figure only, for scripts")
      ->check(CLI::IsMember({"relative_rms", "rms_expected", "rms_actual", "p50", "p99", "max",
                             "differing_bits", "elements"}));
  command->callback([&global, flags] {
    const v1::Tensor expected = ValueOrFail(ReadTensor(flags->expected, flags->format), global);
    const v1::Tensor actual = ValueOrFail(ReadTensor(flags->actual, flags->format), global);
    if (!std::equal(expected.shape().begin(), expected.shape().end(), actual.shape().begin(),
                    actual.shape().end())) {
      Fail(absl::InvalidArgumentError("the two arrays differ in shape"), global);
    }
    const Difference difference = Compare(ValueOrFail(Select(expected, flags->rows), global),
                                          ValueOrFail(Select(actual, flags->rows), global));
    const std::pair<const char*, double> figures[] = {
        {"elements", static_cast<double>(difference.elements)},
        {"differing_bits", static_cast<double>(difference.differing_bits)},
        {"rms_expected", difference.rms_expected},
        {"rms_actual", difference.rms_actual},
        {"relative_rms", difference.relative_rms},
        {"p50", difference.p50},
        {"p99", difference.p99},
        {"max", difference.max}};
    const char* separator = "{";
    for (const auto& [name, value] : figures) {
      const std::string figure = Figure(value, global.json);
      if (!flags->field.empty()) {
        if (flags->field == name) std::puts(figure.c_str());
      } else if (global.json) {
        std::printf("%s\"%s\": %s", std::exchange(separator, ", "), name, figure.c_str());
      } else {
        std::printf("%-15s %s\n", name, figure.c_str());
      }
    }
    if (flags->field.empty() && global.json) std::puts("}");
  });
}

}  // namespace normd::cli
