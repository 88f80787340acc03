// Addresses to listen on.
#ifndef NORMD_SERVER_TRANSPORT_LISTEN_ADDRESS_H_
#define NORMD_SERVER_TRANSPORT_LISTEN_ADDRESS_H_

#include <string>

#include "absl/strings/string_view.h"

namespace normd::server {

// HOST:PORT, taken apart; [HOST]:PORT for IPv6. What has no port is all host.
struct ListenAddress {
  std::string host;  // without brackets
  std::string port;
};

ListenAddress ParseListenAddress(absl::string_view address);

// Whether it is a Unix socket: unix:PATH, unix-abstract:NAME.
bool IsUnixSocket(absl::string_view address);

// Whether it has a port of 0 to 65535, or is a Unix socket.
bool HasValidPort(absl::string_view address);

// Whether only this machine can reach it: 127.0.0.0/8, ::1, localhost, or a Unix socket.
bool IsLoopback(absl::string_view address);

// The host that reaches such a listener from this machine: loopback where it listens on all
// addresses.
std::string ReachableHost(const ListenAddress& address);

}  // namespace normd::server

#endif  // NORMD_SERVER_TRANSPORT_LISTEN_ADDRESS_H_
