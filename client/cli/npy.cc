#include "client/cli/npy.h"

#include <bit>
#include <cstring>
#include <fstream>
#include <iterator>
#include <limits>

#include "absl/strings/match.h"
#include "absl/strings/numbers.h"
#include "absl/strings/str_cat.h"
#include "absl/strings/str_join.h"
#include "absl/strings/str_split.h"
#include "absl/strings/string_view.h"

namespace normd::cli {
namespace {

static_assert(std::endian::native == std::endian::little);

constexpr char kMagic[] = "\x93NUMPY";
constexpr size_t kMagicSize = 6;
constexpr size_t kAlignment = 64;

absl::Status Malformed(const std::string& path, absl::string_view what) {
  return absl::InvalidArgumentError(absl::StrCat(path, ": ", what));
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

// "(4079, 128" as numbers; -1 where one does not fit.
int64_t ParseShape(absl::string_view text, std::vector<int64_t>& shape) {
  int64_t size = 1;
  if (!absl::ConsumePrefix(&text, "(")) return -1;
  for (absl::string_view part : absl::StrSplit(text, ',')) {
    part = absl::StripAsciiWhitespace(part);
    if (part.empty()) continue;
    int64_t dimension = 0;
    if (!absl::SimpleAtoi(part, &dimension) || dimension < 0 ||
        __builtin_mul_overflow(size, dimension, &size) ||
        size > std::numeric_limits<int64_t>::max() / static_cast<int64_t>(sizeof(float))) {
      return -1;
    }
    shape.push_back(dimension);
  }
  return size;
}

}  // namespace

absl::StatusOr<Array> ReadNpy(const std::string& path) {
  std::ifstream in(path, std::ios::binary);
  if (!in) return absl::NotFoundError(absl::StrCat(path, ": cannot be opened"));
  const std::string file((std::istreambuf_iterator<char>(in)), std::istreambuf_iterator<char>());
  if (!absl::StartsWith(file, absl::string_view(kMagic, kMagicSize)) || file.size() < 10) {
    return Malformed(path, "is no .npy file (save it with numpy.save)");
  }
  const auto byte = [&file](size_t i) { return static_cast<unsigned char>(file[i]); };
  const int version = byte(6);
  if (version < 1 || version > 3) return Malformed(path, "is of an unknown .npy version");
  const size_t start = version == 1 ? 10 : 12;
  if (file.size() < start) return Malformed(path, "is truncated in its header");
  size_t header_size = byte(8) + size_t{256} * byte(9);
  if (version > 1) header_size += (size_t{1} << 16) * byte(10) + (size_t{1} << 24) * byte(11);
  if (file.size() - start < header_size) return Malformed(path, "is truncated in its header");
  const absl::string_view header(file.data() + start, header_size);

  const absl::string_view type = ValueOf(header, "descr", ",");
  if (type != "'<f4'") {
    return Malformed(path, absl::StrCat("holds ", type,
                                        ", but float32 ('<f4') is needed (convert "
                                        "it with array.astype('<f4'))"));
  }
  if (ValueOf(header, "fortran_order", ",") != "False") {
    return Malformed(path, "is in Fortran order (save it with numpy.ascontiguousarray)");
  }
  Array array;
  const int64_t size = ParseShape(ValueOf(header, "shape", ")"), array.shape);
  if (size < 0) return Malformed(path, "has no valid shape");
  const size_t bytes = file.size() - start - header_size;
  if (bytes != static_cast<size_t>(size) * sizeof(float)) {
    return Malformed(path, absl::StrCat("holds ", bytes, " bytes of data, but its shape needs ",
                                        static_cast<size_t>(size) * sizeof(float)));
  }
  array.values.resize(size);
  if (bytes > 0) std::memcpy(array.values.data(), file.data() + start + header_size, bytes);
  return array;
}

absl::Status WriteNpy(const std::string& path, const Array& array) {
  std::string header =
      absl::StrCat("{'descr': '<f4', 'fortran_order': False, 'shape': (",
                   absl::StrJoin(array.shape, ", "), array.shape.size() == 1 ? ",), }" : "), }");
  // The data begins at a multiple of 64 bytes, after a newline.
  const size_t unpadded = kMagicSize + 4 + header.size() + 1;
  header.append((kAlignment - unpadded % kAlignment) % kAlignment, ' ');
  header += '\n';

  std::ofstream out(path, std::ios::binary);
  out.write(kMagic, kMagicSize);
  out.put(1).put(0);
  out.put(static_cast<char>(header.size() & 0xFF)).put(static_cast<char>(header.size() >> 8));
  out << header;
  out.write(reinterpret_cast<const char*>(array.values.data()),
            static_cast<std::streamsize>(array.values.size() * sizeof(float)));
  out.close();
  if (out) return absl::OkStatus();
  return absl::UnavailableError(absl::StrCat(path, ": cannot be written"));
}

}  // namespace normd::cli
