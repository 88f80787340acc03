#include "server/rpc/session_name.h"

#include <algorithm>

#include "absl/strings/ascii.h"
#include "absl/strings/str_cat.h"
#include "absl/strings/strip.h"
#include "core/error/error.h"

namespace normd::server {
namespace {

constexpr absl::string_view kCollection = "sessions/";
constexpr int kMaxIdLength = 128;
constexpr char kIdRule[] = "1 to 128 characters of A-Z a-z 0-9 . _ : -";

bool IsId(absl::string_view id) {
  return !id.empty() && id.size() <= kMaxIdLength && std::all_of(id.begin(), id.end(), [](char c) {
    return absl::ascii_isalnum(static_cast<unsigned char>(c)) || c == '.' || c == '_' || c == ':' ||
           c == '-';
  });
}

}  // namespace

absl::StatusOr<std::string> SessionNameOf(absl::string_view id) {
  if (!IsId(id)) return InvalidFieldError("session_id", absl::StrCat("must be ", kIdRule));
  return absl::StrCat(kCollection, id);
}

absl::Status CheckSessionName(absl::string_view field, absl::string_view name) {
  if (absl::ConsumePrefix(&name, kCollection) && IsId(name)) return absl::OkStatus();
  return InvalidFieldError(field, absl::StrCat("must be sessions/{id}, the id ", kIdRule));
}

}  // namespace normd::server
