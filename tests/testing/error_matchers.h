// Matchers of what core's errors carry. They take an absl::Status or an absl::StatusOr.
#ifndef NORMD_TESTS_TESTING_ERROR_MATCHERS_H_
#define NORMD_TESTS_TESTING_ERROR_MATCHERS_H_

#include <gmock/gmock.h>

#include <string>

#include "absl/status/status.h"
#include "absl/status/statusor.h"
#include "core/error/error.h"

namespace normd::testing {

inline const absl::Status& StatusOf(const absl::Status& status) { return status; }

template <class T>
const absl::Status& StatusOf(const absl::StatusOr<T>& result) {
  return result.status();
}

MATCHER(IsOk, "") {
  *result_listener << StatusOf(arg).ToString();
  return arg.ok();
}

// INVALID_ARGUMENT about the field of that path.
MATCHER_P(IsInvalidField, field, "") {
  const absl::Status& status = StatusOf(arg);
  *result_listener << status.ToString();
  return absl::IsInvalidArgument(status) && DetailsOf(status).field == field;
}

// Any error with that code and reason.
MATCHER_P2(IsError, code, reason, "") {
  const absl::Status& status = StatusOf(arg);
  *result_listener << status.ToString();
  return status.code() == code && DetailsOf(status).reason == reason;
}

}  // namespace normd::testing

#endif  // NORMD_TESTS_TESTING_ERROR_MATCHERS_H_
