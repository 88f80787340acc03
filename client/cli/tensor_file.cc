#include "client/cli/tensor_file.h"

#include <cstring>
#include <utility>

#include "absl/strings/str_cat.h"
#include "client/cli/input_file.h"
#include "client/cli/npy.h"
#include "client/cli/tensor_reader.h"

namespace normd::cli {
namespace {

// The one dimension of a .npy file of elements of `type`.
absl::StatusOr<std::string> ReadOneDimension(const std::string& path, absl::string_view type) {
  absl::StatusOr<InputFile> file = InputFile::Open(path);
  if (!file.ok()) return file.status();
  const absl::StatusOr<NpyArray> array = ReadNpy(*file, {type});
  if (!array.ok()) return array.status();
  if (array->shape.size() != 1) {
    return absl::InvalidArgumentError(absl::StrCat(path, ": must have one dimension"));
  }
  const int64_t needed = array->shape[0] * array->element_bytes;
  absl::StatusOr<std::string> data = file->Read(array->begin, needed);
  if (!data.ok()) return data;
  const auto held = static_cast<int64_t>(data->size());
  if (held < needed) return WrongNpyData(path, absl::StrCat(held), needed);
  const absl::StatusOr<std::string> more = file->Read(array->begin + needed, 1);
  if (!more.ok()) return more.status();
  if (!more->empty()) return WrongNpyData(path, absl::StrCat("more than ", needed), needed);
  return data;
}

absl::StatusOr<v1::Tensor> ReadWhole(const std::string& path, const TensorFormat& format,
                                     absl::string_view way_out) {
  absl::StatusOr<InputFile> file = InputFile::Open(path);
  if (!file.ok()) return file.status();
  absl::StatusOr<TensorReader> reader = TensorReader::Open(*std::move(file), format, way_out);
  if (!reader.ok()) return reader.status();
  return reader->ReadAll();
}

}  // namespace

absl::StatusOr<v1::Tensor> ReadTensor(const std::string& path, const TensorFormat& format) {
  return ReadWhole(path, format, TensorReader::kWayOut);
}

absl::StatusOr<v1::Tensor> ReadParameter(const std::string& path) {
  return ReadWhole(path, {}, "save them as float32: array.astype('<f4')");
}

absl::Status WriteTensor(OutputFile& file, const v1::Tensor& tensor, bool raw) {
  absl::Status status = file.Write(TensorHeader(tensor.element_type(), tensor.shape(), raw));
  if (status.ok()) status = file.Write(tensor.data());
  return status.ok() ? file.Commit() : status;
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
