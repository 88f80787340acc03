#include "server/transport/listen_address.h"

#include <gtest/gtest.h>

namespace normd::server {
namespace {

TEST(ListenAddressTest, LoopbackIsWhatOnlyThisMachineReaches) {
  for (const char* address : {"127.0.0.1:50051", "127.255.0.9:0", "[::1]:50051", "localhost:1",
                              "unix:/run/normd.sock", "unix-abstract:normd"}) {
    EXPECT_TRUE(IsLoopback(address)) << address;
  }
  for (const char* address : {"0.0.0.0:50051", "[::]:50051", "10.0.0.1:50051", "128.0.0.1:1",
                              "[fe80::1]:1", "localhost.example.com:1", "127.0.0.1.example.com:1",
                              ":50051", "", "[::ffff:10.0.0.1]:1"}) {
    EXPECT_FALSE(IsLoopback(address)) << address;
  }
}

TEST(ListenAddressTest, TakesHostAndPortApart) {
  const auto parts = [](absl::string_view address) {
    const ListenAddress parsed = ParseListenAddress(address);
    return std::pair(parsed.host, parsed.port);
  };
  EXPECT_EQ(parts("host:1"), std::pair(std::string("host"), std::string("1")));
  EXPECT_EQ(parts("[::1]:2"), std::pair(std::string("::1"), std::string("2")));
  EXPECT_EQ(parts("[::1]"), std::pair(std::string("::1"), std::string()));
  EXPECT_EQ(parts("::1"), std::pair(std::string("::1"), std::string()));
  EXPECT_EQ(parts("host"), std::pair(std::string("host"), std::string()));
}

TEST(ListenAddressTest, PortsAreNumbersWithinRange) {
  for (const char* address : {"127.0.0.1:0", "[::1]:65535", "host:1", "unix:/run/normd.sock"}) {
    EXPECT_TRUE(HasValidPort(address)) << address;
  }
  for (const char* address :
       {"127.0.0.1", "127.0.0.1:65536", "127.0.0.1:-1", "host:http", "[::1]", "::1", ""}) {
    EXPECT_FALSE(HasValidPort(address)) << address;
  }
}

TEST(ListenAddressTest, AllAddressesAreReachedByLoopback) {
  EXPECT_EQ(ReachableHost({"0.0.0.0", "1"}), "127.0.0.1");
  EXPECT_EQ(ReachableHost({"::", "1"}), "::1");
  EXPECT_EQ(ReachableHost({"10.0.0.1", "1"}), "10.0.0.1");
}

}  // namespace
}  // namespace normd::server
