// A connection to a server, shared with no other channel.
#ifndef NORMD_TESTS_TESTING_CONNECT_H_
#define NORMD_TESTS_TESTING_CONNECT_H_

#include <grpcpp/grpcpp.h>

#include <memory>
#include <string>

namespace normd::testing {

// In plaintext.
inline std::shared_ptr<grpc::Channel> Connect(const std::string& address,
                                              grpc::ChannelArguments arguments = {}) {
  arguments.SetInt(GRPC_ARG_USE_LOCAL_SUBCHANNEL_POOL, 1);
  return grpc::CreateCustomChannel(address, grpc::InsecureChannelCredentials(), arguments);
}

}  // namespace normd::testing

#endif  // NORMD_TESTS_TESTING_CONNECT_H_
