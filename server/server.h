// The composition root: builds the server's parts, starts, drains and stops them.
#ifndef NORMD_SERVER_SERVER_H_
#define NORMD_SERVER_SERVER_H_

#include <cstdint>
#include <memory>
#include <string>
#include <vector>

#include "absl/status/statusor.h"
#include "absl/time/time.h"
#include "core/session/session.h"
#include "grpcpp/server.h"
#include "server/async/event_loop.h"
#include "server/rpc/comparison_service.h"
#include "server/rpc/health_service.h"
#include "server/rpc/normalization_service.h"
#include "server/rpc/session_service.h"
#include "server/storage/in_memory_session_store.h"

namespace normd::server {

struct ServerOptions {
  std::string listen = "127.0.0.1:50051";  // port 0: any free one
  int threads = 0;                         // event loops, a thread each; 0: one per processor
  int64_t max_message_bytes = 4 << 20;
  int64_t max_row_elements = 1 << 20;  // and at most what a message holds
  int max_streams = 10'000;
  InMemorySessionStore::Options sessions = {};
  absl::Duration session_idle_timeout = absl::Hours(1);  // infinite: never
  absl::Duration drain_timeout = absl::Seconds(10);
  // A client that says nothing for so long is asked whether it lives, and has as long to answer as
  // the timeout says.
  absl::Duration keepalive_time = absl::Minutes(1);
  absl::Duration keepalive_timeout = absl::Seconds(20);
  bool reflection = true;
  Clock clock = [] { return absl::Now(); };
};

class Server {
 public:
  // Starts serving. INVALID_ARGUMENT with the field's name for options out of their range,
  // UNAVAILABLE where the address cannot be bound.
  static absl::StatusOr<std::unique_ptr<Server>> Start(const ServerOptions& options);

  // Drains, if Drain was not called.
  ~Server();

  // The port that was bound.
  int port() const { return port_; }

  // Tells health watchers NOT_SERVING, ends every stream after what is in flight with its last
  // message and UNAVAILABLE, refuses new ones, and returns when all calls have ended, or were
  // cancelled because they had not within the drain timeout.
  void Drain();

 private:
  explicit Server(const ServerOptions& options);

  Task DeleteIdleSessions(EventLoop& loop);

  const ServerOptions options_;
  InMemorySessionStore store_;
  OpenStreams streams_;
  NormalizationService normalization_;
  ComparisonService comparison_;
  SessionService session_;
  HealthService health_;
  std::vector<std::unique_ptr<EventLoop>> loops_;
  std::unique_ptr<grpc::Server> grpc_server_;
  int port_ = 0;
  bool drained_ = false;
};

}  // namespace normd::server

#endif  // NORMD_SERVER_SERVER_H_
