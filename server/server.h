// The composition root: builds the server's parts, starts, drains and stops them.
#ifndef NORMD_SERVER_SERVER_H_
#define NORMD_SERVER_SERVER_H_

#include <condition_variable>
#include <memory>
#include <mutex>
#include <vector>

#include "absl/status/statusor.h"
#include "grpcpp/server.h"
#include "server/async/event_loop.h"
#include "server/observability/admin_server.h"
#include "server/observability/metrics.h"
#include "server/observability/queue_delay.h"
#include "server/rpc/admission.h"
#include "server/rpc/comparison_service.h"
#include "server/rpc/health_service.h"
#include "server/rpc/normalization_service.h"
#include "server/rpc/session_service.h"
#include "server/server_options.h"
#include "server/storage/in_memory_session_store.h"
#include "server/transport/listener_probe.h"
#include "server/transport/tls_credentials.h"

namespace normd::server {

class Server {
 public:
  // Starts serving. INVALID_ARGUMENT with the field's name for options out of their range,
  // UNAVAILABLE where the address cannot be bound.
  static absl::StatusOr<std::unique_ptr<Server>> Start(const ServerOptions& options);

  // Drains, if Drain was not called.
  ~Server();

  // The port that was bound.
  int port() const { return port_; }

  // The admin server's port; 0 where there is none.
  int admin_port() const { return admin_ == nullptr ? 0 : admin_->port(); }

  // False once the server does not reach its own port any more; on_listener_dead was called.
  bool listener_alive() const;

  // Health checks say NOT_SERVING; everything else goes on for the drain delay. Then ends every
  // stream after what is in flight with its last message and UNAVAILABLE, refuses new ones, and
  // returns when all calls have ended, or were cancelled because they had not within the drain
  // timeout.
  void Drain();

  // Cuts a drain short that is under way or comes: no delay, and calls are cancelled at once. From
  // any thread.
  void HurryDrain();

 private:
  explicit Server(const ServerOptions& options);

  bool is_ready() const;
  absl::Status Listen();
  absl::Status StartAdmin();
  void AddMetrics();
  void StartProbe();
  bool LoopsHaveTime() const;
  Task DeleteIdleSessions(EventLoop& loop);
  Task ReturnFreeMemory(EventLoop& loop);
  Task CancelUnreadStreams(EventLoop& loop);
  Task ReloadCertificates(EventLoop& loop);
  // Waits until the streams have ended, and then for as long as their last messages may be on the
  // way. A connection that is closed while its client writes is reset, and what the client has not
  // read by then is lost to it: `closed`, and the status.
  void LetClientsRead(absl::Time deadline);

  const ServerOptions options_;
  Metrics metrics_;
  InMemorySessionStore store_;
  Admission admission_;
  NormalizationService normalization_;
  ComparisonService comparison_;
  SessionService session_;
  HealthService health_;
  std::vector<std::unique_ptr<EventLoop>> loops_;
  std::shared_ptr<ReloadingCertificates> certificates_;  // null: plaintext
  std::shared_ptr<grpc::ServerCredentials> credentials_;
  std::unique_ptr<grpc::Server> grpc_server_;
  std::unique_ptr<ListenerProbe> probe_;
  int port_ = 0;

  enum class Phase { kServing, kDelaying, kEnding };
  mutable std::mutex drain_mutex_;  // guards what follows
  std::condition_variable hurry_;
  Phase phase_ = Phase::kServing;
  bool hurried_ = false;

  // Made at the start, and gone before all of the above, which they ask.
  std::unique_ptr<QueueDelaySampler> queue_delay_;
  std::unique_ptr<AdminServer> admin_;
};

}  // namespace normd::server

#endif  // NORMD_SERVER_SERVER_H_
