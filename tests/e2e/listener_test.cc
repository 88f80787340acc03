// A server that has run out of file descriptors.
#include <gtest/gtest.h>

#include <memory>
#include <vector>

#include "absl/strings/str_cat.h"
#include "grpc/health/v1/health.grpc.pb.h"
#include "grpcpp/grpcpp.h"
#include "tests/testing/connect.h"
#include "tests/testing/raw_http2.h"
#include "tests/testing/server_process.h"
#include "tests/testing/temporary_folder.h"

namespace normd {
namespace {

bool Serves(const testing::ServerProcess& server) {
  grpc::ClientContext context;
  context.set_deadline(std::chrono::system_clock::now() + std::chrono::seconds(5));
  grpc::health::v1::HealthCheckResponse response;
  return grpc::health::v1::Health::NewStub(testing::Connect(server.address()))
      ->Check(&context, {}, &response)
      .ok();
}

// Containers often have no IPv6.
bool HasIpv6() {
  const int listener = socket(AF_INET6, SOCK_STREAM, 0);
  sockaddr_in6 address = {};
  address.sin6_family = AF_INET6;
  address.sin6_addr = in6addr_loopback;
  const bool bound =
      bind(listener, reinterpret_cast<const sockaddr*>(&address), sizeof(address)) == 0;
  close(listener);
  return bound;
}

// The probe must not take a listener for dead that it cannot, or need not, connect to.
TEST(ListenerTest, IsProbedByEveryKindOfAddress) {
  const testing::TemporaryFolder folder;
  std::vector<std::string> addresses = {"localhost:0", "unix:" + folder / "socket"};
  if (HasIpv6()) addresses.push_back("[::1]:0");
  for (const std::string& address : addresses) {
    testing::ServerProcess server(NORMD_SERVER_BINARY,
                                  {"--listen=" + address, "--listener_probe_interval=10ms"});
    ASSERT_NE(server.port(), 0) << server.Log();
    usleep(300'000);  // far more than three probes
    EXPECT_FALSE(server.HasEnded()) << address << server.Log();
    EXPECT_EQ(server.Log().find("took no connection"), std::string::npos) << server.Log();
  }
}

// gRPC 1.51's listener may never accept again (CVE-2023-4785). Then the process must not live on as
// if nothing were: it ends, so that whoever runs it starts another.
TEST(ListenerTest, AcceptsAgainOrEndsTheProcess) {
#if defined(__SANITIZE_ADDRESS__)
  GTEST_SKIP() << "UndefinedBehaviorSanitizer needs a pipe to look at an object, and takes it for "
                  "none where there are no descriptors";
#endif
  testing::ServerProcess server(
      std::vector<std::string>{"/usr/bin/prlimit", "--nofile=64", NORMD_SERVER_BINARY},
      {"--listener_probe_interval=200ms", "--drain_timeout=1s"});
  ASSERT_NE(server.port(), 0) << server.Log();
  ASSERT_TRUE(Serves(server));
  std::vector<std::unique_ptr<testing::LoopbackSocket>> connections;
  for (int i = 0; i < 300; ++i) {
    connections.push_back(std::make_unique<testing::LoopbackSocket>(server.port()));
  }
  usleep(100'000);  // whatever it did not accept by then waits in the kernel
  connections.clear();
  bool serves = false;
  for (int i = 0; i < 600 && !serves && !server.HasEnded(); ++i) {
    serves = Serves(server);
    usleep(100'000);
  }
  if (serves) {
    RecordProperty("outcome", "accepts again");
  } else {
    RecordProperty("outcome", "ended");
    ASSERT_TRUE(server.HasEnded()) << server.Log();
    EXPECT_EQ(server.Wait(), 1) << server.Log();
    EXPECT_NE(server.Log().find("the listener died"), std::string::npos) << server.Log();
  }
}

}  // namespace
}  // namespace normd
