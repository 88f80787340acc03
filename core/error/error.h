// What an error knows besides its code and message, carried as absl::Status payloads so that core
// needs no protobuf: the path of the field that is wrong, a reason for programs, the resource, and
// further values. server/rpc turns them into google.rpc details.
#ifndef NORMD_CORE_ERROR_ERROR_H_
#define NORMD_CORE_ERROR_ERROR_H_

#include <map>
#include <string>

#include "absl/status/status.h"
#include "absl/strings/string_view.h"

namespace normd {

// The details of one error; what is empty is not known.
struct ErrorDetails {
  std::string field;     // path of the wrong field, such as "spec.batch_norm.epsilon.value"
  std::string reason;    // UPPER_SNAKE_CASE, such as "FROZEN"
  std::string resource;  // name of the resource, such as "sessions/x"
  std::map<std::string, std::string> metadata;
};

// INVALID_ARGUMENT about one field of a request.
absl::Status InvalidFieldError(absl::string_view field, absl::string_view message);

// `status` with a field's path put in front of the path that it has, joined by a dot: conversion
// code prefixes on the way out. An error without a field comes back unchanged.
absl::Status PrefixField(absl::string_view prefix, absl::Status status);

// `status` with a reason, a resource's name or a metadata value added.
absl::Status WithReason(absl::Status status, absl::string_view reason);
absl::Status WithResource(absl::Status status, absl::string_view resource);
absl::Status WithMetadata(absl::Status status, absl::string_view key, absl::string_view value);

// Everything that was added to `status`.
ErrorDetails DetailsOf(const absl::Status& status);

}  // namespace normd

// Returns from the enclosing function where `expression`, an absl::Status, is not OK.
#define NORMD_RETURN_IF_ERROR(expression)                                                  \
  do {                                                                                     \
    if (absl::Status normd_status = (expression); !normd_status.ok()) return normd_status; \
  } while (false)

#endif  // NORMD_CORE_ERROR_ERROR_H_
