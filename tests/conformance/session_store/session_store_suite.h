// The fixture of the suite that every SessionStore must pass. The tests are in
// session_store_test.cc; an implementation joins by INSTANTIATE_TEST_SUITE_P in a file of its own.
#ifndef NORMD_TESTS_CONFORMANCE_SESSION_STORE_SESSION_STORE_SUITE_H_
#define NORMD_TESTS_CONFORMANCE_SESSION_STORE_SESSION_STORE_SUITE_H_

#include <gtest/gtest.h>

#include <cstdint>
#include <functional>
#include <memory>
#include <ostream>
#include <string>
#include <utility>
#include <vector>

#include "core/session/session_store.h"
#include "tests/testing/fake_clock.h"

namespace normd {

struct SessionStoreLimits {
  int64_t max_sessions = 1000;
  int64_t max_session_bytes = int64_t{1} << 30;
};

// An implementation: makes an empty store with these limits and that clock.
struct SessionStoreFactory {
  std::string name;
  std::function<std::unique_ptr<SessionStore>(const SessionStoreLimits&, Clock)> make;

  friend void PrintTo(const SessionStoreFactory& factory, std::ostream* out) {
    *out << factory.name;
  }
};

class SessionStoreTest : public ::testing::TestWithParam<SessionStoreFactory> {
 protected:
  void SetUp() override { Restart({}); }
  void Restart(const SessionStoreLimits& limits) {
    store_.reset();
    store_ = GetParam().make(limits, clock_);
  }

  static SessionConfig Config(std::string name, int64_t channels = 2) {
    return {.name = std::move(name),
            .spec = {.method = Method::kBatchNorm, .estimator = Cumulative{}},
            .channels = channels,
            .idle_timeout = absl::Seconds(10)};
  }
  absl::StatusOr<std::shared_ptr<Session>> Create(const std::string& name, int64_t channels = 2) {
    return store_->Create(Config(name, channels));
  }
  std::vector<std::string> Names(absl::string_view after = "", int limit = 1000) {
    std::vector<std::string> names;
    for (const auto& session : store_->List(after, limit)) names.push_back(session->name());
    return names;
  }

  testing::FakeClock clock_;
  std::unique_ptr<SessionStore> store_;
};

}  // namespace normd

#endif  // NORMD_TESTS_CONFORMANCE_SESSION_STORE_SESSION_STORE_SUITE_H_
