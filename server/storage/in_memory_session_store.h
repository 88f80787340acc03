// Sessions in the process's memory: gone when it ends.
#ifndef NORMD_SERVER_STORAGE_IN_MEMORY_SESSION_STORE_H_
#define NORMD_SERVER_STORAGE_IN_MEMORY_SESSION_STORE_H_

#include <atomic>
#include <cstdint>
#include <functional>
#include <map>
#include <memory>
#include <mutex>
#include <string>
#include <vector>

#include "absl/random/random.h"
#include "core/session/session_store.h"

namespace normd::server {

class InMemorySessionStore final : public SessionStore {
 public:
  struct Options {
    int64_t max_sessions = 10'000;
    int64_t max_session_bytes = int64_t{1} << 30;  // held by anyone, also after deletion
  };

  InMemorySessionStore(const Options& options, Clock clock);

  absl::StatusOr<std::shared_ptr<Session>> Create(SessionConfig config) override;
  absl::StatusOr<std::shared_ptr<Session>> Find(absl::string_view name) override;
  std::vector<std::shared_ptr<Session>> List(absl::string_view after, int limit) override;
  absl::Status Delete(absl::string_view name, const std::string& etag) override;
  int DeleteIdle() override;

  int64_t session_count() const;
  int64_t session_bytes() const { return *session_bytes_; }  // held by anyone
  int64_t expired_count() const;                             // since the start

 private:
  using Sessions = std::map<std::string, std::shared_ptr<Session>, std::less<>>;

  // The live session of that name, or end(). Forgets one that has expired.
  Sessions::iterator FindLocked(absl::string_view name);
  Sessions::iterator EraseExpiredLocked(Sessions::iterator session);
  int DeleteIdleLocked();
  std::string NewUidLocked();

  const Options options_;
  const Clock clock_;
  // Of all sessions that are held by anyone.
  const std::shared_ptr<std::atomic<int64_t>> session_bytes_ =
      std::make_shared<std::atomic<int64_t>>(0);
  mutable std::mutex mutex_;  // guards what follows; taken before a session's own
  Sessions sessions_;
  int64_t expired_count_ = 0;
  absl::BitGen random_;
};

}  // namespace normd::server

#endif  // NORMD_SERVER_STORAGE_IN_MEMORY_SESSION_STORE_H_
