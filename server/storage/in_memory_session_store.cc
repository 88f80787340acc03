#include "server/storage/in_memory_session_store.h"

#include <utility>

#include "absl/strings/str_cat.h"
#include "absl/strings/str_format.h"
#include "core/error/error.h"

namespace normd::server {
namespace {

absl::Status UnknownSessionError(absl::string_view name) {
  return WithResource(
      WithReason(absl::NotFoundError(absl::StrCat(name, " does not exist")), "SESSION_NOT_FOUND"),
      name);
}

absl::Status LimitError(absl::string_view reason, absl::string_view what, int64_t limit) {
  return WithMetadata(WithReason(absl::ResourceExhaustedError(absl::StrCat(
                                     "this server's sessions are at their limit of ", limit, " ",
                                     what, ": delete some, or wait for idle ones to expire")),
                                 reason),
                      "limit", absl::StrCat(limit));
}

// A session whose memory counts for as long as anyone holds it: a stream may outlive its session's
// deletion.
struct CountedSession {
  CountedSession(std::shared_ptr<Session> session, int64_t bytes,
                 std::shared_ptr<std::atomic<int64_t>> total)
      : session(std::move(session)), bytes(bytes), total(std::move(total)) {
    *this->total += bytes;
  }
  ~CountedSession() { *total -= bytes; }
  CountedSession(const CountedSession&) = delete;
  CountedSession& operator=(const CountedSession&) = delete;

  std::shared_ptr<Session> session;
  int64_t bytes;
  std::shared_ptr<std::atomic<int64_t>> total;
};

}  // namespace

InMemorySessionStore::InMemorySessionStore(const Options& options, Clock clock)
    : options_(options), clock_(std::move(clock)) {}

std::string InMemorySessionStore::NewUidLocked() {
  return absl::StrFormat("%016x%016x", absl::Uniform<uint64_t>(random_),
                         absl::Uniform<uint64_t>(random_));
}

InMemorySessionStore::Sessions::iterator InMemorySessionStore::EraseExpiredLocked(
    Sessions::iterator session) {
  ++expired_count_;
  return sessions_.erase(session);
}

InMemorySessionStore::Sessions::iterator InMemorySessionStore::FindLocked(absl::string_view name) {
  const auto found = sessions_.find(name);
  if (found == sessions_.end() || !found->second->DeleteIfIdle()) return found;
  EraseExpiredLocked(found);
  return sessions_.end();
}

int InMemorySessionStore::DeleteIdleLocked() {
  int count = 0;
  for (auto it = sessions_.begin(); it != sessions_.end();) {
    const bool idle = it->second->DeleteIfIdle();
    count += idle ? 1 : 0;
    it = idle ? EraseExpiredLocked(it) : std::next(it);
  }
  return count;
}

absl::StatusOr<std::shared_ptr<Session>> InMemorySessionStore::Create(SessionConfig config) {
  const std::lock_guard lock(mutex_);
  if (FindLocked(config.name) != sessions_.end()) {
    return WithResource(
        WithReason(absl::AlreadyExistsError(absl::StrCat(config.name, " exists already")),
                   "SESSION_EXISTS"),
        config.name);
  }
  // Before anything is allocated for it.
  const int64_t bytes = Session::ByteSize(config.channels);
  const auto too_many = [&] {
    return static_cast<int64_t>(sessions_.size()) >= options_.max_sessions;
  };
  const auto too_large = [&] { return bytes > options_.max_session_bytes - *session_bytes_; };
  if (too_many() || too_large()) DeleteIdleLocked();
  if (too_many()) return LimitError("TOO_MANY_SESSIONS", "sessions", options_.max_sessions);
  if (too_large()) return LimitError("TOO_MANY_SESSION_BYTES", "bytes", options_.max_session_bytes);
  config.uid = NewUidLocked();
  absl::StatusOr<std::shared_ptr<Session>> session = Session::Create(std::move(config), clock_);
  if (!session.ok()) return session.status();
  auto counted = std::make_shared<CountedSession>(*std::move(session), bytes, session_bytes_);
  Session* const bare = counted->session.get();
  const std::shared_ptr<Session> result(std::move(counted), bare);
  sessions_.emplace(result->name(), result);
  return result;
}

absl::StatusOr<std::shared_ptr<Session>> InMemorySessionStore::Find(absl::string_view name) {
  const std::lock_guard lock(mutex_);
  const auto found = FindLocked(name);
  if (found == sessions_.end()) return UnknownSessionError(name);
  return found->second;
}

std::vector<std::shared_ptr<Session>> InMemorySessionStore::List(absl::string_view after,
                                                                 int limit) {
  const std::lock_guard lock(mutex_);
  std::vector<std::shared_ptr<Session>> result;
  for (auto it = sessions_.upper_bound(after);
       it != sessions_.end() && static_cast<int>(result.size()) < limit;) {
    if (it->second->DeleteIfIdle()) {
      it = EraseExpiredLocked(it);
    } else {
      result.push_back(it->second);
      ++it;
    }
  }
  return result;
}

absl::Status InMemorySessionStore::Delete(absl::string_view name, const std::string& etag) {
  const std::lock_guard lock(mutex_);
  const auto found = FindLocked(name);
  if (found == sessions_.end()) return UnknownSessionError(name);
  NORMD_RETURN_IF_ERROR(found->second->Delete(etag));
  sessions_.erase(found);
  return absl::OkStatus();
}

int64_t InMemorySessionStore::session_count() const {
  const std::lock_guard lock(mutex_);
  return static_cast<int64_t>(sessions_.size());
}

int64_t InMemorySessionStore::expired_count() const {
  const std::lock_guard lock(mutex_);
  return expired_count_;
}

int InMemorySessionStore::DeleteIdle() {
  const std::lock_guard lock(mutex_);
  return DeleteIdleLocked();
}

}  // namespace normd::server
