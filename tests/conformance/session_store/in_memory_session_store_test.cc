#include "server/storage/in_memory_session_store.h"

#include "tests/conformance/session_store/session_store_suite.h"

namespace normd {
namespace {

std::unique_ptr<SessionStore> MakeInMemory(const SessionStoreLimits& limits, Clock clock) {
  return std::make_unique<server::InMemorySessionStore>(
      server::InMemorySessionStore::Options{.max_sessions = limits.max_sessions,
                                            .max_session_bytes = limits.max_session_bytes},
      std::move(clock));
}

INSTANTIATE_TEST_SUITE_P(, SessionStoreTest,
                         ::testing::Values(SessionStoreFactory{"InMemory", MakeInMemory}),
                         [](const auto& info) { return info.param.name; });

}  // namespace
}  // namespace normd
