#include "server/observability/admin_server.h"

#include <gmock/gmock.h>
#include <gtest/gtest.h>
#include <netinet/in.h>
#include <sys/socket.h>
#include <unistd.h>

#include <atomic>
#include <memory>
#include <regex>
#include <string>
#include <vector>

#include "grpcpp/grpcpp.h"
#include "httplib.h"
#include "server/observability/metrics.h"

namespace normd::server {
namespace {

using ::testing::HasSubstr;

class AdminServerTest : public ::testing::Test {
 protected:
  void SetUp() override {
    metrics_.AddGauge("normd_answer", "The answer.", {}, [] { return 42; });
    auto server =
        AdminServer::Start("127.0.0.1:0", metrics_,
                           {[this] { return alive_.load(); }, [this] { return ready_.load(); }});
    ASSERT_TRUE(server.ok()) << server.status();
    server_ = *std::move(server);
  }

  // 0 where there is no answer.
  int StatusOf(const std::string& path) {
    const httplib::Result result = Client().Get(path);
    return result ? result->status : 0;
  }

  httplib::Client Client() const { return httplib::Client("127.0.0.1", server_->port()); }

  Metrics metrics_;
  std::atomic<bool> alive_ = true;
  std::atomic<bool> ready_ = true;
  std::unique_ptr<AdminServer> server_;
};

TEST_F(AdminServerTest, ServesMetricsAsText) {
  const httplib::Result result = Client().Get("/metrics");
  ASSERT_TRUE(result);
  EXPECT_EQ(result->status, 200);
  EXPECT_EQ(result->get_header_value("Content-Type"), "text/plain; version=0.0.4; charset=utf-8");
  EXPECT_EQ(result->body,
            "# HELP normd_answer The answer.\n# TYPE normd_answer gauge\nnormd_answer 42\n");
}

TEST_F(AdminServerTest, ProbesAnswerWhatIsSo) {
  EXPECT_EQ(StatusOf("/healthz"), 200);
  EXPECT_EQ(StatusOf("/readyz"), 200);
  ready_ = false;
  EXPECT_EQ(StatusOf("/healthz"), 200);
  EXPECT_EQ(StatusOf("/readyz"), 503);
  alive_ = false;
  EXPECT_EQ(StatusOf("/healthz"), 503);
}

TEST_F(AdminServerTest, AnythingElseIsNotFound) {
  for (const char* path : {"/", "/metrics/", "/metricsx", "/channelz/server/", "/channelz/server/x",
                           "/channelz/server/99999999999999999999", "/channelz/servers/1",
                           "/channelz/socket/-1", "/..", "/healthz%00"}) {
    EXPECT_EQ(StatusOf(path), 404) << path;
  }
}

TEST_F(AdminServerTest, OtherMethodsAreRefusedWithoutReadingABody) {
  const httplib::Result result = Client().Post("/metrics", std::string(1 << 20, 'x'), "text/plain");
  EXPECT_TRUE(!result || result->status == 405);  // the connection may be closed before that
  EXPECT_EQ(Client().Delete("/metrics")->status, 405);
  EXPECT_EQ(Client().Options("/metrics")->status, 405);
}

TEST_F(AdminServerTest, RequestsOfAnySizeAreRefused) {
  EXPECT_NE(StatusOf("/" + std::string(10'000, 'x')), 200);
  httplib::Headers headers;
  for (int i = 0; i < 1000; ++i) headers.emplace("x-" + std::to_string(i), std::string(100, 'y'));
  const httplib::Result result = Client().Get("/healthz", headers);
  EXPECT_TRUE(!result || result->status == 400);  // as above
  EXPECT_EQ(StatusOf("/healthz"), 200);
}

// As many as it has threads, and more.
TEST_F(AdminServerTest, SilentConnectionsHoldNothingUpForLong) {
  std::vector<int> sockets;
  sockaddr_in address = {};
  address.sin_family = AF_INET;
  address.sin_port = htons(server_->port());
  address.sin_addr.s_addr = htonl(INADDR_LOOPBACK);
  for (int i = 0; i < 6; ++i) {
    sockets.push_back(socket(AF_INET, SOCK_STREAM, 0));
    ASSERT_EQ(connect(sockets.back(), reinterpret_cast<sockaddr*>(&address), sizeof address), 0);
    ASSERT_EQ(send(sockets.back(), "GET /he", 7, 0), 7);
  }
  httplib::Client client("127.0.0.1", server_->port());
  client.set_read_timeout(60);
  const httplib::Result result = client.Get("/healthz");
  ASSERT_TRUE(result);
  EXPECT_EQ(result->status, 200);
  server_.reset();  // returns though some may still be open
  for (const int socket : sockets) close(socket);
}

TEST_F(AdminServerTest, AnAddressThatIsTakenOrNoneIsNamed) {
  const std::string taken = "127.0.0.1:" + std::to_string(server_->port());
  const auto second = AdminServer::Start(taken, metrics_, {});
  EXPECT_TRUE(absl::IsUnavailable(second.status()));
  EXPECT_THAT(std::string(second.status().message()), HasSubstr(taken));
  for (const char* address : {"", "9464", "127.0.0.1", "127.0.0.1:", "127.0.0.1:x", ":9464",
                              "127.0.0.1:65536", "127.0.0.1:-1", "::1:9464"}) {
    const auto none = AdminServer::Start(address, metrics_, {});
    EXPECT_TRUE(absl::IsInvalidArgument(none.status())) << address;
    EXPECT_THAT(std::string(none.status().message()), HasSubstr(address));
  }
}

TEST_F(AdminServerTest, ServesIpv6) {
  const auto server = AdminServer::Start("[::1]:0", metrics_, {[] { return true; }, nullptr});
  if (absl::IsUnavailable(server.status())) GTEST_SKIP() << "no IPv6 here";
  ASSERT_TRUE(server.ok()) << server.status();
  EXPECT_EQ(httplib::Client("::1", (*server)->port()).Get("/healthz")->status, 200);
}

TEST_F(AdminServerTest, ChannelzTellsOfServers) {
  grpc::ServerBuilder builder;
  builder.AddListeningPort("127.0.0.1:0", grpc::InsecureServerCredentials());
  const auto queue = builder.AddCompletionQueue();
  const auto grpc_server = builder.BuildAndStart();
  ASSERT_NE(grpc_server, nullptr);
  const httplib::Result servers = Client().Get("/channelz/servers");
  ASSERT_TRUE(servers);
  EXPECT_EQ(servers->status, 200);
  EXPECT_EQ(servers->get_header_value("Content-Type"), "application/json");
  EXPECT_THAT(servers->body, HasSubstr("\"serverId\""));
  EXPECT_THAT(servers->body, HasSubstr("chttp2 listener ipv4:127.0.0.1:"));
  // The id, a number as a string: proto3's JSON.
  std::smatch id;
  ASSERT_TRUE(std::regex_search(servers->body, id, std::regex("\"serverId\":\"(\\d+)\"")))
      << servers->body;
  const httplib::Result one = Client().Get("/channelz/server/" + id[1].str());
  EXPECT_EQ(one->status, 200);
  EXPECT_THAT(one->body, HasSubstr("\"serverId\":\"" + id[1].str() + "\""));
  EXPECT_EQ(StatusOf("/channelz/sockets/" + id[1].str()), 200);
  EXPECT_EQ(StatusOf("/channelz/server/999999"), 404);
  EXPECT_EQ(StatusOf("/channelz/sockets/999999"), 404);
  EXPECT_EQ(StatusOf("/channelz/socket/999999"), 404);
  EXPECT_EQ(StatusOf("/channelz/servers?start=1000000000"), 200);
  EXPECT_EQ(StatusOf("/channelz/servers?start=x"), 400);
  grpc_server->Shutdown();
  queue->Shutdown();
  void* tag = nullptr;
  bool ok = false;
  while (queue->Next(&tag, &ok)) {
  }
}

}  // namespace
}  // namespace normd::server
