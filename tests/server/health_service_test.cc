#include <gtest/gtest.h>

#include <thread>

#include "grpc/health/v1/health.grpc.pb.h"
#include "grpcpp/grpcpp.h"
#include "tests/testing/local_server.h"

namespace normd::server {
namespace {

using grpc::health::v1::Health;
using grpc::health::v1::HealthCheckRequest;
using grpc::health::v1::HealthCheckResponse;

class HealthServiceTest : public ::testing::Test {
 protected:
  void SetUp() override { ASSERT_NE(server_, nullptr); }

  std::unique_ptr<Server> server_ = testing::StartServer();
  std::unique_ptr<Health::Stub> stub_ = Health::NewStub(testing::Connect(*server_));
};

TEST_F(HealthServiceTest, CheckKnowsTheServices) {
  for (const char* service : {"", "normd.v1.NormalizationService", "normd.v1.SessionService"}) {
    grpc::ClientContext context;
    HealthCheckRequest request;
    request.set_service(service);
    HealthCheckResponse response;
    ASSERT_TRUE(stub_->Check(&context, request, &response).ok()) << service;
    EXPECT_EQ(response.status(), HealthCheckResponse::SERVING);
  }
  grpc::ClientContext context;
  HealthCheckRequest request;
  request.set_service("other");
  HealthCheckResponse response;
  EXPECT_EQ(stub_->Check(&context, request, &response).error_code(), grpc::StatusCode::NOT_FOUND);
}

TEST_F(HealthServiceTest, WatchersHearOfTheDrain) {
  grpc::ClientContext context;
  const auto reader = stub_->Watch(&context, {});
  HealthCheckResponse response;
  ASSERT_TRUE(reader->Read(&response));
  EXPECT_EQ(response.status(), HealthCheckResponse::SERVING);
  std::thread drain([&] { server_->Drain(); });
  ASSERT_TRUE(reader->Read(&response));
  EXPECT_EQ(response.status(), HealthCheckResponse::NOT_SERVING);
  EXPECT_FALSE(reader->Read(&response));
  EXPECT_EQ(reader->Finish().error_code(), grpc::StatusCode::UNAVAILABLE);
  drain.join();
}

TEST_F(HealthServiceTest, WatchesCountAsStreams) {
  ServerOptions options;
  options.max_streams = 1;
  const auto server = testing::StartServer(options);
  ASSERT_NE(server, nullptr);
  const auto stub = Health::NewStub(testing::Connect(*server));
  grpc::ClientContext first;
  const auto reader = stub->Watch(&first, {});
  HealthCheckResponse response;
  ASSERT_TRUE(reader->Read(&response));
  grpc::ClientContext second;
  const auto refused = stub->Watch(&second, {});
  EXPECT_FALSE(refused->Read(&response));
  EXPECT_EQ(refused->Finish().error_code(), grpc::StatusCode::RESOURCE_EXHAUSTED);
  first.TryCancel();
  EXPECT_FALSE(reader->Finish().ok());
}

TEST_F(HealthServiceTest, AWatcherMayLeave) {
  {
    grpc::ClientContext context;
    HealthCheckRequest request;
    request.set_service("other");
    const auto reader = stub_->Watch(&context, request);
    HealthCheckResponse response;
    ASSERT_TRUE(reader->Read(&response));
    EXPECT_EQ(response.status(), HealthCheckResponse::SERVICE_UNKNOWN);
    context.TryCancel();
    EXPECT_EQ(reader->Finish().error_code(), grpc::StatusCode::CANCELLED);
  }
  server_->Drain();  // must not wait for it
}

}  // namespace
}  // namespace normd::server
