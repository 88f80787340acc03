#include "client/cli/input_flags.h"

#include <utility>

#include "absl/strings/str_cat.h"
#include "client/cli/input_file.h"
#include "client/cli/tensor_file.h"
#include "client/cli/tensor_reader.h"

namespace normd::cli {

void InputFlags::AddTo(CLI::App& command) {
  command
      .add_option("INPUT", path, "A .npy file whose first dimension is the rows; -: standard input")
      ->required();
  format.AddTo(command);
  command.add_option("--rows", rows, "Only rows, or with --lengths sequences, A:B: up to B - 1");
  command.add_option("--lengths", lengths_path,
                     "int64 .npy, the steps of each sequence: of rows one after the other, or of "
                     "[N, steps, ...] with padding");
  command.add_option("--mask", mask_path, "bool .npy: which rows are valid");
}

void InputFlags::AddResidualTo(CLI::App& command) {
  command.add_option("--residual", residual_path,
                     "A file like INPUT, of its type and shape, which the server adds to it first");
}

absl::StatusOr<RowChunks> OpenChunks(const InputFlags& flags, int64_t rows_per_chunk, Reading how) {
  const std::pair<absl::string_view, absl::string_view> paths[] = {
      {"INPUT", flags.path},
      {"--residual", flags.residual_path},
      {"--lengths", flags.lengths_path},
      {"--mask", flags.mask_path}};
  absl::string_view from_input;  // what standard input is
  for (const auto& [name, path] : paths) {
    if (path != "-") continue;
    if (!from_input.empty()) {
      return absl::InvalidArgumentError(
          absl::StrCat(from_input, " and ", name, " cannot both be standard input"));
    }
    from_input = name;
  }
  RowLayout layout;
  if (!flags.lengths_path.empty()) {
    absl::StatusOr<std::vector<int64_t>> lengths = ReadIntegers(flags.lengths_path);
    if (!lengths.ok()) return lengths.status();
    layout.lengths = *std::move(lengths);
  }
  if (!flags.mask_path.empty()) {
    absl::StatusOr<std::vector<bool>> mask = ReadBooleans(flags.mask_path);
    if (!mask.ok()) return mask.status();
    layout.mask = *std::move(mask);
  }
  const bool needs_row_count = !flags.rows.empty() || !flags.lengths_path.empty() ||
                               !flags.mask_path.empty() || !flags.residual_path.empty();
  const bool is_unknown =
      flags.format.raw && !flags.format.shape.empty() && flags.format.shape[0] == -1;
  const auto open = [&](const std::string& path) -> absl::StatusOr<TensorReader> {
    absl::StatusOr<InputFile> file = InputFile::Open(path);
    if (!file.ok()) return file.status();
    absl::StatusOr<TensorReader> tensor = TensorReader::Open(*std::move(file), flags.format);
    const bool is_whole = how == Reading::kWhole || (needs_row_count && is_unknown);
    if (!tensor.ok() || !is_whole) return tensor;
    absl::Status loaded = tensor->Load();
    if (!loaded.ok()) return loaded;
    return tensor;
  };
  absl::StatusOr<TensorReader> tensor = open(flags.path);
  if (!tensor.ok()) return tensor.status();
  if (flags.format.type != v1::ELEMENT_TYPE_UNSPECIFIED &&
      flags.format.type != tensor->element_type()) {
    return absl::InvalidArgumentError(
        absl::StrCat(flags.path, ": holds ", NameOf(tensor->element_type()), ", not ",
                     NameOf(flags.format.type), " (--output-type is that of what comes out)"));
  }
  auto chunks = RowChunks::Cut(*std::move(tensor), std::move(layout), flags.rows, rows_per_chunk);
  if (!chunks.ok() || flags.residual_path.empty()) return chunks;
  absl::StatusOr<TensorReader> residual = open(flags.residual_path);
  if (!residual.ok()) return residual.status();
  if (!chunks->SetResidual(*std::move(residual))) {
    return absl::InvalidArgumentError(
        absl::StrCat(flags.residual_path, ": must be of the type and shape of ", flags.path));
  }
  return chunks;
}

}  // namespace normd::cli
