// A server, and streams of NormalizeStream over TCP.
#ifndef NORMD_TESTS_SERVER_NORMALIZE_STREAM_FIXTURE_H_
#define NORMD_TESTS_SERVER_NORMALIZE_STREAM_FIXTURE_H_

#include <gtest/gtest.h>

#include <memory>
#include <string>

#include "normd/v1/session.grpc.pb.h"
#include "tests/testing/local_server.h"
#include "tests/testing/test_stream.h"

namespace normd::testing {

class NormalizeStreamTest : public ::testing::Test {
 protected:
  void SetUp() override { Restart({}); }

  void Restart(const server::ServerOptions& options) {
    channel_.reset();
    server_.reset();
    server_ = StartServer(options);
    ASSERT_NE(server_, nullptr);
    channel_ = Connect(*server_);
    sessions_ = v1::SessionService::NewStub(channel_);
  }

  void CreateSession(const std::string& id, int channels) {
    grpc::ClientContext context;
    v1::CreateSessionResponse response;
    const grpc::Status status =
        sessions_->CreateSession(&context, PooledSession(id, channels), &response);
    ASSERT_TRUE(status.ok()) << status.error_message();
  }

  grpc::Status DeleteSession(const std::string& id) {
    v1::DeleteSessionRequest request;
    request.set_name("sessions/" + id);
    grpc::ClientContext context;
    v1::DeleteSessionResponse response;
    return sessions_->DeleteSession(&context, request, &response);
  }

  void SetFrozen(const std::string& id, bool frozen) {
    v1::UpdateSessionRequest request;
    request.mutable_session()->set_name("sessions/" + id);
    request.mutable_session()->set_frozen(frozen);
    request.mutable_update_mask()->add_paths("frozen");
    grpc::ClientContext context;
    v1::UpdateSessionResponse response;
    const grpc::Status status = sessions_->UpdateSession(&context, request, &response);
    ASSERT_TRUE(status.ok()) << status.error_message();
  }

  static v1::Open OnSession(const std::string& id, int channels, v1::BatchNormMode mode) {
    v1::Open open;
    open.set_session("sessions/" + id);
    open.add_row_shape(channels);
    open.set_mode(mode);
    return open;
  }

  std::unique_ptr<server::Server> server_;
  std::shared_ptr<grpc::Channel> channel_;
  std::unique_ptr<v1::SessionService::Stub> sessions_;
};

}  // namespace normd::testing

#endif  // NORMD_TESTS_SERVER_NORMALIZE_STREAM_FIXTURE_H_
