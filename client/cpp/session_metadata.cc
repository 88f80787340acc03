#include "client/cpp/session_metadata.h"

#include <algorithm>
#include <string>

#include "absl/strings/ascii.h"
#include "absl/strings/strip.h"

namespace normd::client {
namespace {

constexpr size_t kMaxIdLength = 128;

bool IsId(absl::string_view id) {
  return !id.empty() && id.size() <= kMaxIdLength && std::all_of(id.begin(), id.end(), [](char c) {
    return absl::ascii_isalnum(static_cast<unsigned char>(c)) ||
           absl::string_view("._:-").find(c) != absl::string_view::npos;
  });
}

}  // namespace

void AddSessionId(absl::string_view id, grpc::ClientContext& context) {
  if (IsId(id)) context.AddMetadata("normd-session", std::string(id));
}

void AddSessionName(absl::string_view name, grpc::ClientContext& context) {
  if (absl::ConsumePrefix(&name, "sessions/")) AddSessionId(name, context);
}

}  // namespace normd::client
