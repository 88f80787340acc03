#include "client/cli/npy.h"

#include <algorithm>
#include <limits>

#include "absl/strings/match.h"
#include "absl/strings/numbers.h"
#include "absl/strings/str_cat.h"
#include "absl/strings/str_join.h"
#include "absl/strings/str_split.h"
#include "absl/strings/strip.h"

namespace normd::cli {
namespace {

constexpr char kMagic[] = "\x93NUMPY";
constexpr size_t kMagicSize = 6;
constexpr size_t kStartSize = 10;  // of version 1; later ones have two bytes more
constexpr size_t kAlignment = 64;

absl::Status Malformed(const std::string& name, absl::string_view what) {
  return absl::InvalidArgumentError(absl::StrCat(name, ": ", what));
}

// What stands after 'key': in the header's dictionary, up to `end`.
absl::string_view ValueOf(absl::string_view header, absl::string_view key, absl::string_view end) {
  const size_t place = header.find(absl::StrCat("'", key, "':"));
  if (place == absl::string_view::npos) return "";
  header.remove_prefix(place + key.size() + 3);
  const size_t stop = header.find(end);
  if (stop == absl::string_view::npos) return "";
  return absl::StripAsciiWhitespace(header.substr(0, stop));
}

// "(4079, 128" as numbers.
bool ParseShape(absl::string_view text, std::vector<int64_t>& shape) {
  if (!absl::ConsumePrefix(&text, "(")) return false;
  for (absl::string_view part : absl::StrSplit(text, ',')) {
    part = absl::StripAsciiWhitespace(part);
    if (part.empty()) continue;
    int64_t dimension = 0;
    if (!absl::SimpleAtoi(part, &dimension)) return false;
    shape.push_back(dimension);
  }
  return true;
}

}  // namespace

int64_t SizeOf(absl::Span<const int64_t> shape, int64_t element_bytes) {
  int64_t size = 1;
  for (const int64_t dimension : shape) {
    if (dimension < 0 || __builtin_mul_overflow(size, dimension, &size) ||
        size > std::numeric_limits<int64_t>::max() / element_bytes) {
      return -1;
    }
  }
  return size;
}

absl::Status WrongNpyData(const std::string& name, absl::string_view held, int64_t needed) {
  return Malformed(name,
                   absl::StrCat("holds ", held, " bytes of data, but its shape needs ", needed));
}

absl::StatusOr<NpyArray> ReadNpy(InputFile& file, absl::Span<const absl::string_view> types) {
  const std::string& name = file.path();
  absl::StatusOr<std::string> start = file.Read(0, kStartSize);
  if (!start.ok()) return start.status();
  if (!absl::StartsWith(*start, absl::string_view(kMagic, kMagicSize)) ||
      start->size() < kStartSize) {
    return Malformed(name, "is no .npy file (save it with numpy.save)");
  }
  const int version = static_cast<unsigned char>((*start)[kMagicSize]);
  if (version < 1 || version > 3) return Malformed(name, "is of an unknown .npy version");
  NpyArray array;
  array.begin = kStartSize;
  if (version > 1) {
    const absl::StatusOr<std::string> rest = file.Read(kStartSize, 2);
    if (!rest.ok()) return rest.status();
    if (rest->size() < 2) return Malformed(name, "is truncated in its header");
    *start += *rest;
    array.begin += 2;
  }
  uint32_t header_size = 0;
  for (size_t i = start->size() - 1; i > kMagicSize + 1; --i) {
    header_size = header_size << 8 | static_cast<unsigned char>((*start)[i]);
  }
  const absl::StatusOr<std::string> header = file.Read(array.begin, header_size);
  if (!header.ok()) return header.status();
  if (header->size() < header_size) return Malformed(name, "is truncated in its header");
  array.begin += header_size;

  const auto quoted = [](std::string* out, absl::string_view type) {
    absl::StrAppend(out, "'", type, "'");
  };
  const absl::string_view descr = ValueOf(*header, "descr", ",");
  array.type = std::string(absl::StripPrefix(absl::StripSuffix(descr, "'"), "'"));
  if (std::find(types.begin(), types.end(), array.type) == types.end()) {
    return Malformed(
        name, absl::StrCat("holds ", descr, ", and not ", absl::StrJoin(types, " or ", quoted),
                           " (convert it with array.astype('", types[0], "'))"));
  }
  if (ValueOf(*header, "fortran_order", ",") != "False") {
    return Malformed(name, "is in Fortran order (save it with numpy.ascontiguousarray)");
  }
  array.element_bytes = array.type.back() - '0';
  const bool parsed = ParseShape(ValueOf(*header, "shape", ")"), array.shape);
  const int64_t size = SizeOf(array.shape, array.element_bytes);
  if (!parsed || size < 0) return Malformed(name, "has no valid shape");
  const int64_t needed = size * array.element_bytes;
  if (file.size() && *file.size() - array.begin != needed) {
    return WrongNpyData(name, absl::StrCat(*file.size() - array.begin), needed);
  }
  return array;
}

std::string NpyHeader(absl::string_view type, absl::Span<const int64_t> shape) {
  std::string header =
      absl::StrCat("{'descr': '", type, "', 'fortran_order': False, 'shape': (",
                   absl::StrJoin(shape, ", "), shape.size() == 1 ? ",), }" : "), }");
  // The data begins at a multiple of 64 bytes, after a newline.
  const size_t unpadded = kMagicSize + 4 + header.size() + 1;
  header.append((kAlignment - unpadded % kAlignment) % kAlignment, ' ');
  header += '\n';
  const char start[] = {1, 0, static_cast<char>(header.size() & 0xFF),
                        static_cast<char>(header.size() >> 8)};
  return absl::StrCat(absl::string_view(kMagic, kMagicSize),
                      absl::string_view(start, sizeof(start)), header);
}

}  // namespace normd::cli
