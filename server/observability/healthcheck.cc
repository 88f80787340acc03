#include "server/observability/healthcheck.h"

#include <chrono>
#include <cstdio>

#include "absl/strings/ascii.h"
#include "absl/strings/numbers.h"
#include "absl/strings/str_cat.h"
#include "httplib.h"
#include "server/transport/listen_address.h"

namespace normd::server {
namespace {

constexpr char kDefaultAddress[] = "127.0.0.1:9464";
constexpr auto kTimeout = std::chrono::seconds(2);

int Say(const std::string& answer, int code) {
  std::printf("%s\n", answer.c_str());
  return code;
}

}  // namespace

int RunHealthcheck(const std::string& listen) {
  const std::string address = listen.empty() ? kDefaultAddress : listen;
  const ListenAddress parsed = ParseListenAddress(address);
  int port = 0;
  if (!absl::SimpleAtoi(parsed.port, &port) || port <= 0 || port > 65535) {
    return Say(absl::StrCat(address, " is no HOST:PORT to ask"), 1);
  }
  httplib::Client client(ReachableHost(parsed), port);
  client.set_connection_timeout(kTimeout);
  client.set_read_timeout(kTimeout);
  const httplib::Result result = client.Get("/readyz");
  if (!result) {
    return Say(absl::StrCat("no answer from ", address, ": ", httplib::to_string(result.error())),
               1);
  }
  return Say(absl::StrCat(result->status, " ", absl::StripAsciiWhitespace(result->body)),
             result->status == 200 ? 0 : 1);
}

}  // namespace normd::server
