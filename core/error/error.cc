#include "core/error/error.h"

#include <utility>

#include "absl/strings/cord.h"
#include "absl/strings/str_cat.h"
#include "absl/strings/strip.h"

namespace normd {
namespace {

constexpr absl::string_view kField = "normd/field";
constexpr absl::string_view kReason = "normd/reason";
constexpr absl::string_view kResource = "normd/resource";
constexpr absl::string_view kMetadata = "normd/metadata/";

absl::Status With(absl::Status status, absl::string_view key, absl::string_view value) {
  status.SetPayload(key, absl::Cord(value));
  return status;
}

}  // namespace

absl::Status InvalidFieldError(absl::string_view field, absl::string_view message) {
  return With(absl::InvalidArgumentError(message), kField, field);
}

absl::Status PrefixField(absl::string_view prefix, absl::Status status) {
  const auto field = status.GetPayload(kField);
  if (!field.has_value()) return status;
  return With(std::move(status), kField, absl::StrCat(prefix, ".", std::string(*field)));
}

absl::Status WithReason(absl::Status status, absl::string_view reason) {
  return With(std::move(status), kReason, reason);
}

absl::Status WithResource(absl::Status status, absl::string_view resource) {
  return With(std::move(status), kResource, resource);
}

absl::Status WithMetadata(absl::Status status, absl::string_view key, absl::string_view value) {
  return With(std::move(status), absl::StrCat(kMetadata, key), value);
}

ErrorDetails DetailsOf(const absl::Status& status) {
  ErrorDetails details;
  status.ForEachPayload([&details](absl::string_view key, const absl::Cord& value) {
    if (key == kField) {
      details.field = std::string(value);
    } else if (key == kReason) {
      details.reason = std::string(value);
    } else if (key == kResource) {
      details.resource = std::string(value);
    } else if (absl::ConsumePrefix(&key, kMetadata)) {
      details.metadata.emplace(key, std::string(value));
    }
  });
  return details;
}

}  // namespace normd
