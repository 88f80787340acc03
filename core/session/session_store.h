// Where sessions live. One conformance suite (tests/conformance) runs against every implementation.
#ifndef NORMD_CORE_SESSION_SESSION_STORE_H_
#define NORMD_CORE_SESSION_SESSION_STORE_H_

#include <memory>
#include <string>
#include <vector>

#include "absl/status/statusor.h"
#include "absl/strings/string_view.h"
#include "core/session/session.h"

namespace normd {

// Thread-safe. Names are "sessions/{session}".
class SessionStore {
 public:
  virtual ~SessionStore() = default;

  // Makes a session and keeps it; the store chooses the uid. Besides Session::Create's errors:
  // ALREADY_EXISTS, and RESOURCE_EXHAUSTED (reason TOO_MANY_SESSIONS) at its cap.
  virtual absl::StatusOr<std::shared_ptr<Session>> Create(SessionConfig config) = 0;

  // NOT_FOUND with the resource's name where there is none, or where it has expired.
  virtual absl::StatusOr<std::shared_ptr<Session>> Find(absl::string_view name) = 0;

  // At most `limit` sessions whose names follow `after`, in the order of names.
  virtual std::vector<std::shared_ptr<Session>> List(absl::string_view after, int limit) = 0;

  // NOT_FOUND where there is none; ABORTED where `etag` is not empty and differs.
  virtual absl::Status Delete(absl::string_view name, const std::string& etag) = 0;

  // Deletes the sessions that have been idle for their timeout. Returns how many.
  virtual int DeleteIdle() = 0;
};

}  // namespace normd

#endif  // NORMD_CORE_SESSION_SESSION_STORE_H_
