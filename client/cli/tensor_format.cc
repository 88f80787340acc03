#include "client/cli/tensor_format.h"

#include <algorithm>

#include "absl/strings/numbers.h"
#include "absl/strings/str_cat.h"
#include "absl/strings/str_split.h"
#include "client/cli/npy.h"

namespace normd::cli {

const Choices<v1::ElementType>& ElementTypes() {
  static const auto& types = *new Choices<v1::ElementType>{{"float32", v1::ELEMENT_TYPE_FLOAT32},
                                                           {"float64", v1::ELEMENT_TYPE_FLOAT64},
                                                           {"float16", v1::ELEMENT_TYPE_FLOAT16},
                                                           {"bfloat16", v1::ELEMENT_TYPE_BFLOAT16}};
  return types;
}

std::string NameOf(v1::ElementType type) {
  const auto& types = ElementTypes();
  const auto named = std::find_if(types.begin(), types.end(),
                                  [type](const auto& entry) { return entry.second == type; });
  return named == types.end() ? "unknown" : named->first;
}

absl::Span<const std::pair<absl::string_view, v1::ElementType>> NpyTypes() {
  static constexpr std::pair<absl::string_view, v1::ElementType> kTypes[] = {
      {"<f4", v1::ELEMENT_TYPE_FLOAT32},
      {"<f8", v1::ELEMENT_TYPE_FLOAT64},
      {"<f2", v1::ELEMENT_TYPE_FLOAT16},
      {"<V2", v1::ELEMENT_TYPE_BFLOAT16},
      {"|V2", v1::ELEMENT_TYPE_BFLOAT16}};
  return kTypes;
}

std::string TensorHeader(v1::ElementType type, absl::Span<const int64_t> shape, bool raw) {
  if (raw) return "";
  const auto types = NpyTypes();
  const auto named = std::find_if(types.begin(), types.end(),
                                  [type](const auto& entry) { return entry.second == type; });
  return NpyHeader(named == types.end() ? types[0].first : named->first, shape);
}

void TensorFormat::AddTo(CLI::App& command) {
  CLI::Option* is_raw =
      command.add_flag("--raw", raw, "Files are elements alone, little-endian, instead of .npy");
  AddChoice(command, "--type", type, ElementTypes(),
            "Of the elements: with --raw, and for bfloat16 in .npy files");
  command
      .add_option_function<std::string>(
          "--shape",
          [this](const std::string& text) {
            for (const absl::string_view part : absl::StrSplit(text, ',')) {
              int64_t dimension = 0;
              if (!absl::SimpleAtoi(part, &dimension)) {
                throw CLI::ValidationError("--shape", "must be N,...: " + text);
              }
              shape.push_back(dimension);
            }
          },
          "With --raw: 4079,128; -1,128 takes as many rows as there are")
      ->type_name("N,...")
      ->needs(is_raw);
}

}  // namespace normd::cli
