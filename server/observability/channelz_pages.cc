#include "server/observability/channelz_pages.h"

#include <cstdint>
#include <functional>
#include <memory>
#include <string>

#include "absl/strings/numbers.h"
#include "grpc/grpc.h"
#include "grpc/support/alloc.h"

namespace normd::server {
namespace {

constexpr intptr_t kSocketsAPage = 500;

constexpr char kIndex[] =
    "/channelz/servers\n"
    "/channelz/server/{server}\n"
    "/channelz/sockets/{server}\n"
    "/channelz/socket/{socket}\n"
    "?start={id} begins a list at an id.\n";

// `json` is gRPC's, null where there is no such id.
void Answer(char* json, httplib::Response& response) {
  if (json == nullptr) {
    response.status = 404;
    return;
  }
  response.set_content(std::string(json), "application/json");
  gpr_free(json);
}

// False for what is no number from 0 to 2^63 - 1.
bool ParseId(const std::string& text, intptr_t* id) {
  int64_t value = 0;
  if (!absl::SimpleAtoi(text, &value) || value < 0) return false;
  *id = static_cast<intptr_t>(value);
  return true;
}

// Answers by `get`, whose arguments are the id in the path, 0 where there is none, and ?start.
httplib::Server::Handler Page(std::function<char*(intptr_t id, intptr_t start)> get) {
  return [get = std::move(get)](const httplib::Request& request, httplib::Response& response) {
    intptr_t id = 0;
    intptr_t start = 0;
    const bool has_id = request.matches.size() < 2 || ParseId(request.matches[1], &id);
    const bool has_start =
        !request.has_param("start") || ParseId(request.get_param_value("start"), &start);
    if (has_id && has_start) {
      Answer(get(id, start), response);
    } else {
      response.status = has_id ? 400 : 404;
    }
  };
}

}  // namespace

void AddChannelzPages(httplib::Server& http) {
  http.Get("/channelz", [](const httplib::Request&, httplib::Response& response) {
    response.set_content(kIndex, "text/plain");
  });
  http.Get("/channelz/servers",
           Page([](intptr_t /*id*/, intptr_t start) { return grpc_channelz_get_servers(start); }));
  http.Get(R"(/channelz/server/(\d{1,19}))",
           Page([](intptr_t id, intptr_t /*start*/) { return grpc_channelz_get_server(id); }));
  http.Get(R"(/channelz/sockets/(\d{1,19}))", Page([](intptr_t id, intptr_t start) {
             return grpc_channelz_get_server_sockets(id, start, kSocketsAPage);
           }));
  http.Get(R"(/channelz/socket/(\d{1,19}))",
           Page([](intptr_t id, intptr_t /*start*/) { return grpc_channelz_get_socket(id); }));
}

}  // namespace normd::server
