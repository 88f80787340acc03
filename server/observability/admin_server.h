// What an operator asks the process, over plain HTTP on a port of its own:
//
//   GET /metrics             Prometheus' text format 0.0.4
//   GET /healthz             200 while it is alive, 503 otherwise
//   GET /readyz              200 while it takes new streams, 503 otherwise
//   GET /channelz            the paths below it, which answer in channelz' JSON
//
// Anything else is 404. It has no authentication: it is for loopback or a network of one's own.
#ifndef NORMD_SERVER_OBSERVABILITY_ADMIN_SERVER_H_
#define NORMD_SERVER_OBSERVABILITY_ADMIN_SERVER_H_

#include <functional>
#include <memory>
#include <string>

#include "absl/status/statusor.h"

namespace normd::server {

class BoundedHttpServer;
class Metrics;

class AdminServer {
 public:
  // Called from threads of the admin server's, several at a time.
  struct Callbacks {
    std::function<bool()> is_alive;
    std::function<bool()> is_ready;
  };

  // Serves HOST:PORT; port 0 takes any free one. `metrics`, and what the callbacks use, must
  // outlive it. INVALID_ARGUMENT where it is no such address, UNAVAILABLE where it cannot be bound;
  // both name it.
  static absl::StatusOr<std::unique_ptr<AdminServer>> Start(const std::string& address,
                                                            const Metrics& metrics,
                                                            Callbacks callbacks);

  // Ends what is under way, within moments.
  ~AdminServer();

  // The port that was bound.
  int port() const;

 private:
  AdminServer();

  std::unique_ptr<BoundedHttpServer> http_;
};

}  // namespace normd::server

#endif  // NORMD_SERVER_OBSERVABILITY_ADMIN_SERVER_H_
