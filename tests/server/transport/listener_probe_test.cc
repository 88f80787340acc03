#include "server/transport/listener_probe.h"

#include <gtest/gtest.h>
#include <netinet/in.h>
#include <sys/socket.h>
#include <unistd.h>

#include <atomic>
#include <condition_variable>
#include <mutex>
#include <thread>

#include "tests/testing/local_server.h"

namespace normd::server {
namespace {

// A port that takes connections into the kernel's queue, where nobody serves them: what is left of
// a listener that gRPC gave up.
class DeafListener {
 public:
  DeafListener() : descriptor_(socket(AF_INET, SOCK_STREAM, 0)) {
    sockaddr_in address{};
    address.sin_family = AF_INET;
    address.sin_addr.s_addr = htonl(INADDR_LOOPBACK);
    auto* const generic = reinterpret_cast<sockaddr*>(&address);
    socklen_t size = sizeof(address);
    EXPECT_EQ(bind(descriptor_, generic, size), 0);
    EXPECT_EQ(listen(descriptor_, 16), 0);
    EXPECT_EQ(getsockname(descriptor_, generic, &size), 0);
    port_ = ntohs(address.sin_port);
  }
  ~DeafListener() { close(descriptor_); }

  int port() const { return port_; }

 private:
  int descriptor_;
  int port_ = 0;
};

TEST(ListenerProbeTest, AServerAnswers) {
  const auto server = testing::StartServer();
  ASSERT_NE(server, nullptr);
  EXPECT_TRUE(ListenerAnswers("127.0.0.1", server->port(), absl::Seconds(10)));
}

TEST(ListenerProbeTest, AConnectionThatNobodyServesIsNoAnswer) {
  const DeafListener listener;
  EXPECT_FALSE(ListenerAnswers("127.0.0.1", listener.port(), absl::Milliseconds(100)));
}

TEST(ListenerProbeTest, APortWithoutAListenerIsNoAnswer) {
  const int port = DeafListener().port();
  EXPECT_FALSE(ListenerAnswers("127.0.0.1", port, absl::Seconds(10)));
}

TEST(ListenerProbeTest, NamesAreResolved) {
  const auto server = testing::StartServer();
  ASSERT_NE(server, nullptr);
  EXPECT_TRUE(ListenerAnswers("localhost", server->port(), absl::Seconds(10)));
}

// A server that is busy takes no connection either: it must not be ended for that.
TEST(ListenerProbeTest, WhoHasNoTimeIsNotDead) {
  const DeafListener listener;
  std::atomic<int> asked = 0;
  ListenerProbe::Options options;
  options.host = "127.0.0.1";
  options.port = listener.port();
  options.interval = absl::Milliseconds(1);
  options.timeout = absl::Milliseconds(1);
  options.has_time = [&asked] {
    ++asked;
    return false;
  };
  options.on_dead = [] { ADD_FAILURE(); };
  const ListenerProbe probe(options);
  while (asked < 10) std::this_thread::yield();
  EXPECT_TRUE(probe.alive());
}

TEST(ListenerProbeTest, TellsOnceAfterFailuresInARow) {
  const DeafListener listener;
  std::mutex mutex;
  std::condition_variable changed;
  int told = 0;
  ListenerProbe::Options options;
  options.host = "127.0.0.1";
  options.port = listener.port();
  options.interval = absl::Milliseconds(1);
  options.timeout = absl::Milliseconds(10);
  int failures = 0;
  options.on_failure = [&] {
    const std::lock_guard lock(mutex);
    ++failures;
  };
  options.on_dead = [&] {
    const std::lock_guard lock(mutex);
    ++told;
    changed.notify_all();
  };
  ListenerProbe probe(options);
  std::unique_lock lock(mutex);
  changed.wait(lock, [&] { return told > 0; });
  EXPECT_FALSE(probe.alive());
  EXPECT_GE(failures, 3);
  changed.wait_for(lock, std::chrono::milliseconds(100));
  EXPECT_EQ(told, 1);
}

}  // namespace
}  // namespace normd::server
