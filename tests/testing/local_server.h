// A server of this process on a free port of loopback.
//
// Over TCP: the in-process transport of gRPC 1.51 may lose what was written before a call ends with
// an error.
#ifndef NORMD_TESTS_TESTING_LOCAL_SERVER_H_
#define NORMD_TESTS_TESTING_LOCAL_SERVER_H_

#include <gtest/gtest.h>

#include <memory>
#include <string>
#include <utility>

#include "grpcpp/create_channel.h"
#include "normd/v1/session.pb.h"
#include "server/server.h"

namespace normd::testing {

inline std::unique_ptr<server::Server> StartServer(server::ServerOptions options = {}) {
  options.listen = "127.0.0.1:0";
  if (options.threads == 0) options.threads = 2;
  auto server = server::Server::Start(options);
  EXPECT_TRUE(server.ok()) << server.status();
  return server.ok() ? *std::move(server) : nullptr;
}

inline std::string AddressOf(const server::Server& server) {
  return "127.0.0.1:" + std::to_string(server.port());
}

inline std::shared_ptr<grpc::Channel> Connect(const server::Server& server) {
  return grpc::CreateChannel(AddressOf(server), grpc::InsecureChannelCredentials());
}

// For a session that pools the statistics of all rows.
inline v1::CreateSessionRequest PooledSession(const std::string& id, int64_t channels) {
  v1::CreateSessionRequest request;
  request.set_session_id(id);
  v1::Session* session = request.mutable_session();
  session->set_channel_count(channels);
  session->mutable_spec()->mutable_batch_norm()->mutable_estimator()->mutable_cumulative();
  return request;
}

}  // namespace normd::testing

#endif  // NORMD_TESTS_TESTING_LOCAL_SERVER_H_
