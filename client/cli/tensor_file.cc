#include "client/cli/tensor_file.h"

#include <unistd.h>

#include <algorithm>
#include <cstring>
#include <filesystem>
#include <fstream>
#include <iostream>
#include <utility>

#include "absl/strings/numbers.h"
#include "absl/strings/str_cat.h"
#include "absl/strings/str_split.h"
#include "client/cli/npy.h"
#include "client/cpp/tensor.h"

namespace normd::cli {
namespace {

const std::pair<absl::string_view, v1::ElementType> kNpyTypes[] = {
    {"<f4", v1::ELEMENT_TYPE_FLOAT32},
    {"<f8", v1::ELEMENT_TYPE_FLOAT64},
    {"<f2", v1::ELEMENT_TYPE_FLOAT16},
    {"<V2", v1::ELEMENT_TYPE_BFLOAT16},
    {"|V2", v1::ELEMENT_TYPE_BFLOAT16}};

absl::Status InvalidFile(const std::string& path, absl::string_view what) {
  return absl::InvalidArgumentError(absl::StrCat(path, ": ", what));
}

absl::Status NotWritten(const std::string& path) {
  return absl::FailedPreconditionError(absl::StrCat(path, ": cannot be written"));
}

absl::StatusOr<std::string> ReadFile(const std::string& path) {
  const auto all = [](std::istream& in) {
    std::string bytes;
    std::vector<char> block(1 << 16);
    while (in.read(block.data(), block.size()) || in.gcount() > 0) {
      bytes.append(block.data(), in.gcount());
    }
    return bytes;
  };
  if (path == "-") return all(std::cin);
  std::ifstream in(path, std::ios::binary);
  if (!in) return absl::NotFoundError(absl::StrCat(path, ": cannot be opened"));
  return all(in);
}

absl::StatusOr<v1::Tensor> ParseRaw(const std::string& path, std::string file,
                                    const TensorFormat& format) {
  if (format.type == v1::ELEMENT_TYPE_UNSPECIFIED || format.shape.empty()) {
    return absl::InvalidArgumentError("--raw needs --type and --shape");
  }
  std::vector<int64_t> shape = format.shape;
  const int64_t element_bytes = client::BytesOf(format.type);
  const auto bytes = static_cast<int64_t>(file.size());
  if (shape[0] == -1) {
    const int64_t row_size = SizeOf(absl::MakeSpan(shape).subspan(1), element_bytes);
    shape[0] = row_size > 0 ? bytes / (row_size * element_bytes) : 0;
  }
  const int64_t size = SizeOf(shape, element_bytes);
  if (size < 0) return absl::InvalidArgumentError("--shape is no valid shape");
  if (size * element_bytes != bytes) {
    return InvalidFile(path, absl::StrCat("holds ", bytes, " bytes, but --type and --shape make ",
                                          size * element_bytes));
  }
  v1::Tensor tensor;
  tensor.set_element_type(format.type);
  tensor.mutable_shape()->Assign(shape.begin(), shape.end());
  tensor.set_data(std::move(file));
  return tensor;
}

// `way_out` is for 'V2', unless that `is_bfloat16`.
absl::StatusOr<v1::Tensor> ParseTensor(const std::string& path, std::string file, bool is_bfloat16,
                                       absl::string_view way_out) {
  std::vector<absl::string_view> types;
  for (const auto& [type, element_type] : kNpyTypes) types.push_back(type);
  absl::StatusOr<NpyArray> array = ParseNpy(path, std::move(file), types);
  if (!array.ok()) return array.status();
  v1::Tensor tensor;
  for (const auto& [type, element_type] : kNpyTypes) {
    if (type == array->type) tensor.set_element_type(element_type);
  }
  if (tensor.element_type() == v1::ELEMENT_TYPE_BFLOAT16 && !is_bfloat16) {
    return InvalidFile(path,
                       absl::StrCat("holds '", array->type,
                                    "', bytes without a type: if they are bfloat16, ", way_out));
  }
  tensor.mutable_shape()->Assign(array->shape.begin(), array->shape.end());
  tensor.set_data(std::move(array->data));
  return tensor;
}

absl::string_view NpyTypeOf(v1::ElementType type) {
  for (const auto& [npy_type, element_type] : kNpyTypes) {
    if (element_type == type) return npy_type;
  }
  return kNpyTypes[0].first;
}

// The one dimension of a .npy file of elements of `type`.
absl::StatusOr<std::string> ReadOneDimension(const std::string& path, absl::string_view type) {
  absl::StatusOr<std::string> file = ReadFile(path);
  if (!file.ok()) return file.status();
  absl::StatusOr<NpyArray> array = ParseNpy(path, *std::move(file), {type});
  if (!array.ok()) return array.status();
  if (array->shape.size() != 1) return InvalidFile(path, "must have one dimension");
  return std::move(array->data);
}

}  // namespace

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

absl::StatusOr<v1::Tensor> ReadTensor(const std::string& path, const TensorFormat& format) {
  absl::StatusOr<std::string> file = ReadFile(path);
  if (!file.ok()) return file.status();
  if (format.raw) return ParseRaw(path, *std::move(file), format);
  return ParseTensor(path, *std::move(file), format.type == v1::ELEMENT_TYPE_BFLOAT16,
                     "say so with --type bfloat16");
}

absl::StatusOr<v1::Tensor> ReadParameter(const std::string& path) {
  absl::StatusOr<std::string> file = ReadFile(path);
  if (!file.ok()) return file.status();
  return ParseTensor(path, *std::move(file), false, "save them as float32: array.astype('<f4')");
}

absl::Status CheckWritable(const std::string& path) {
  if (path.empty() || path == "-") return absl::OkStatus();
  std::error_code ignored;
  const std::string folder = std::filesystem::path(path).parent_path();
  const bool writable =
      std::filesystem::exists(path, ignored)
          ? !std::filesystem::is_directory(path, ignored) && access(path.c_str(), W_OK) == 0
          : access(folder.empty() ? "." : folder.c_str(), W_OK | X_OK) == 0;
  return writable ? absl::OkStatus() : NotWritten(path);
}

absl::Status WriteTensor(const std::string& path, const v1::Tensor& tensor, bool raw) {
  std::ofstream file;
  if (path != "-") file.open(path, std::ios::binary);
  std::ostream& out = path == "-" ? std::cout : file;
  if (!raw) {
    const std::vector<int64_t> shape(tensor.shape().begin(), tensor.shape().end());
    out << NpyHeader(NpyTypeOf(tensor.element_type()), shape);
  }
  out << tensor.data() << std::flush;
  if (out) return absl::OkStatus();
  return NotWritten(path);
}

absl::StatusOr<std::vector<int64_t>> ReadIntegers(const std::string& path) {
  const absl::StatusOr<std::string> data = ReadOneDimension(path, "<i8");
  if (!data.ok()) return data.status();
  std::vector<int64_t> integers(data->size() / sizeof(int64_t));
  if (!integers.empty()) std::memcpy(integers.data(), data->data(), data->size());
  return integers;
}

absl::StatusOr<std::vector<bool>> ReadBooleans(const std::string& path) {
  const absl::StatusOr<std::string> data = ReadOneDimension(path, "|b1");
  if (!data.ok()) return data.status();
  return std::vector<bool>(data->begin(), data->end());
}

}  // namespace normd::cli
