#include "client/cli/tensor_reader.h"

#include <algorithm>
#include <limits>

#include "absl/strings/str_cat.h"
#include "absl/types/span.h"
#include "client/cli/npy.h"
#include "client/cpp/tensor.h"

namespace normd::cli {

absl::Status TensorReader::Invalid(absl::string_view what) const {
  return absl::InvalidArgumentError(absl::StrCat(file_.path(), ": ", what));
}

absl::Status TensorReader::WrongSize(absl::string_view held) const {
  if (!is_raw_) return WrongNpyData(file_.path(), held, bytes_);
  return Invalid(absl::StrCat("holds ", held, " bytes, but --type and --shape make ", bytes_));
}

absl::Status TensorReader::NoWholeRows(int64_t held) const {
  return Invalid(absl::StrCat("holds ", held, " bytes, which are no whole rows of ", row_bytes_));
}

absl::Status TensorReader::HasShrunk() const {
  return absl::DataLossError(
      absl::StrCat(file_.path(), ": has become shorter since it was opened"));
}

void TensorReader::SetShape(std::vector<int64_t> shape, int64_t element_bytes) {
  shape_ = std::move(shape);
  bytes_ = SizeOf(shape_, element_bytes);
  if (bytes_ > 0) bytes_ *= element_bytes;
  if (shape_.empty()) return;
  // Without rows, one may be of any size.
  row_bytes_ = std::max<int64_t>(0, SizeOf(absl::MakeSpan(shape_).subspan(1), element_bytes)) *
               element_bytes;
}

absl::Status TensorReader::SetNpy(const TensorFormat& format, absl::string_view way_out) {
  std::vector<absl::string_view> types;
  for (const auto& [type, element_type] : NpyTypes()) types.push_back(type);
  absl::StatusOr<NpyArray> array = ReadNpy(file_, types);
  if (!array.ok()) return array.status();
  for (const auto& [type, element_type] : NpyTypes()) {
    if (type == array->type) type_ = element_type;
  }
  if (type_ == v1::ELEMENT_TYPE_BFLOAT16 && format.type != v1::ELEMENT_TYPE_BFLOAT16) {
    return Invalid(absl::StrCat("holds '", array->type,
                                "', bytes without a type: if they are bfloat16, ", way_out));
  }
  begin_ = array->begin;
  SetShape(std::move(array->shape), array->element_bytes);
  return absl::OkStatus();
}

absl::Status TensorReader::SetRaw(const TensorFormat& format) {
  if (format.type == v1::ELEMENT_TYPE_UNSPECIFIED || format.shape.empty()) {
    return absl::InvalidArgumentError("--raw needs --type and --shape");
  }
  is_raw_ = true;
  type_ = format.type;
  const int64_t element_bytes = client::BytesOf(type_);
  std::vector<int64_t> shape = format.shape;
  const bool any_rows = shape[0] == -1;
  if (any_rows) shape[0] = 1;
  SetShape(shape, element_bytes);
  if (bytes_ < 0) return absl::InvalidArgumentError("--shape is no valid shape");
  if (any_rows) {
    shape[0] = row_bytes_ == 0 ? 0 : file_.size() ? *file_.size() / row_bytes_ : -1;
    SetShape(shape, element_bytes);
  }
  if (!file_.size() || *file_.size() == bytes_) return absl::OkStatus();
  return any_rows ? NoWholeRows(*file_.size()) : WrongSize(absl::StrCat(*file_.size()));
}

absl::StatusOr<TensorReader> TensorReader::Open(InputFile file, const TensorFormat& format,
                                                absl::string_view way_out) {
  TensorReader reader(std::move(file));
  const absl::Status status = format.raw ? reader.SetRaw(format) : reader.SetNpy(format, way_out);
  if (!status.ok()) return status;
  return reader;
}

TensorReader::TensorReader(v1::Tensor tensor)
    : file_("", std::move(*tensor.mutable_data())), type_(tensor.element_type()) {
  SetShape({tensor.shape().begin(), tensor.shape().end()}, client::BytesOf(type_));
}

absl::StatusOr<std::string> TensorReader::Read(int64_t begin, int64_t end) {
  return ReadData(begin * row_bytes_, (end - begin) * row_bytes_);
}

absl::StatusOr<std::string> TensorReader::ReadData(int64_t begin, int64_t size) {
  absl::StatusOr<std::string> bytes = file_.Read(begin_ + begin, size);
  if (!bytes.ok()) return bytes;
  const auto got = static_cast<int64_t>(bytes->size());
  if (got == size) return bytes;
  if (file_.size()) return HasShrunk();
  const int64_t held = file_.position() - begin_;
  if (bytes_ >= 0) return WrongSize(absl::StrCat(held));
  if (held % row_bytes_ != 0) return NoWholeRows(held);
  shape_[0] = held / row_bytes_;
  bytes_ = held;
  return bytes;
}

absl::Status TensorReader::ReadEnd() {
  if (file_.size()) return absl::OkStatus();
  const absl::StatusOr<std::string> more = file_.Read(begin_ + bytes_, 1);
  if (!more.ok()) return more.status();
  if (!more->empty()) return WrongSize(absl::StrCat("more than ", bytes_));
  const int64_t held = file_.position() - begin_;
  return held == bytes_ ? absl::OkStatus() : WrongSize(absl::StrCat(held));
}

absl::StatusOr<std::string> TensorReader::ReadAllData() {
  absl::StatusOr<std::string> bytes =
      ReadData(0, bytes_ < 0 ? std::numeric_limits<int64_t>::max() : bytes_);
  if (!bytes.ok()) return bytes;
  absl::Status end = ReadEnd();
  if (!end.ok()) return end;
  return bytes;
}

absl::StatusOr<v1::Tensor> TensorReader::ReadAll() {
  absl::StatusOr<std::string> bytes = ReadAllData();
  if (!bytes.ok()) return bytes.status();
  v1::Tensor tensor;
  tensor.set_element_type(type_);
  tensor.mutable_shape()->Assign(shape_.begin(), shape_.end());
  tensor.set_data(*std::move(bytes));
  return tensor;
}

absl::Status TensorReader::Load() {
  if (rereads()) return absl::OkStatus();
  absl::StatusOr<std::string> bytes = ReadAllData();
  if (!bytes.ok()) return bytes.status();
  file_ = InputFile(file_.path(), *std::move(bytes));
  begin_ = 0;
  return absl::OkStatus();
}

}  // namespace normd::cli
