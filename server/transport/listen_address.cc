#include "server/transport/listen_address.h"

#include <arpa/inet.h>

#include "absl/strings/match.h"
#include "absl/strings/numbers.h"

namespace normd::server {

ListenAddress ParseListenAddress(absl::string_view address) {
  const size_t colon = address.rfind(':');
  if (absl::StartsWith(address, "[")) {
    const size_t bracket = address.find(']');
    if (bracket == absl::string_view::npos) return {std::string(address), ""};
    const bool has_port = colon == bracket + 1;
    return {std::string(address.substr(1, bracket - 1)),
            has_port ? std::string(address.substr(colon + 1)) : ""};
  }
  // More colons than one: an IPv6 address alone.
  if (colon == absl::string_view::npos || address.find(':') != colon) {
    return {std::string(address), ""};
  }
  return {std::string(address.substr(0, colon)), std::string(address.substr(colon + 1))};
}

bool IsUnixSocket(absl::string_view address) {
  return absl::StartsWith(address, "unix:") || absl::StartsWith(address, "unix-abstract:");
}

bool HasValidPort(absl::string_view address) {
  if (IsUnixSocket(address)) return true;
  const std::string port = ParseListenAddress(address).port;
  int number = 0;
  return absl::SimpleAtoi(port, &number) && number >= 0 && number <= 65535;
}

bool IsLoopback(absl::string_view address) {
  if (IsUnixSocket(address)) return true;
  const std::string host = ParseListenAddress(address).host;
  in_addr v4{};
  if (inet_pton(AF_INET, host.c_str(), &v4) == 1) return (ntohl(v4.s_addr) >> 24) == 127;
  in6_addr v6{};
  if (inet_pton(AF_INET6, host.c_str(), &v6) == 1) return IN6_IS_ADDR_LOOPBACK(&v6);
  return host == "localhost";
}

std::string ReachableHost(const ListenAddress& address) {
  if (address.host == "0.0.0.0" || address.host.empty()) return "127.0.0.1";
  return address.host == "::" ? "::1" : address.host;
}

}  // namespace normd::server
