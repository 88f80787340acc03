#include "server/observability/admin_server.h"

#include <utility>

#include "core/error/error.h"
#include "server/observability/bounded_http_server.h"
#include "server/observability/channelz_pages.h"
#include "server/observability/metrics.h"

namespace normd::server {
namespace {

httplib::Server::Handler Probe(std::function<bool()> is_so, std::string yes, std::string no) {
  return [is_so = std::move(is_so), yes = std::move(yes), no = std::move(no)](
             const httplib::Request&, httplib::Response& response) {
    const bool so = is_so();
    response.status = so ? 200 : 503;
    response.set_content((so ? yes : no) + "\n", "text/plain");
  };
}

}  // namespace

AdminServer::AdminServer() : http_(std::make_unique<BoundedHttpServer>()) {}

AdminServer::~AdminServer() = default;

int AdminServer::port() const { return http_->port(); }

absl::StatusOr<std::unique_ptr<AdminServer>> AdminServer::Start(const std::string& address,
                                                                const Metrics& metrics,
                                                                Callbacks callbacks) {
  std::unique_ptr<AdminServer> server(new AdminServer);
  BoundedHttpServer& http = *server->http_;
  http.Get("/metrics", [&metrics](const httplib::Request&, httplib::Response& response) {
    response.set_content(metrics.Serialize(), "text/plain; version=0.0.4; charset=utf-8");
  });
  http.Get("/healthz", Probe(std::move(callbacks.is_alive), "ok", "not serving"));
  http.Get("/readyz", Probe(std::move(callbacks.is_ready), "ready", "not ready"));
  AddChannelzPages(http);
  NORMD_RETURN_IF_ERROR(http.Listen(address));
  return server;
}

}  // namespace normd::server
