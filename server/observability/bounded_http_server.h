// An HTTP/1.1 server that nobody can keep busy for long: cpp-httplib's, which takes headers of any
// number and length, behind a bound on what is read, and how long.
#ifndef NORMD_SERVER_OBSERVABILITY_BOUNDED_HTTP_SERVER_H_
#define NORMD_SERVER_OBSERVABILITY_BOUNDED_HTTP_SERVER_H_

#include <atomic>
#include <cstddef>
#include <string>
#include <thread>

#include "absl/status/status.h"
#include "httplib.h"

namespace normd::server {

// One request a connection; only GET and HEAD, and so without a body. Handlers are added by Get
// before Listen.
class BoundedHttpServer final : public httplib::Server {
 public:
  static constexpr size_t kMaxRequestBytes = 16 << 10;  // above it: 400, or the connection's end
  static constexpr int kThreads = 4;
  static constexpr size_t kMaxWaiting = 16;  // connections; further ones wait to be accepted

  BoundedHttpServer();
  ~BoundedHttpServer() override;

  // Serves `address`, HOST:PORT; port 0 takes any free one. INVALID_ARGUMENT where it is no such
  // address, UNAVAILABLE where it cannot be bound; both name it.
  absl::Status Listen(const std::string& address);

  int port() const { return port_; }

  // Ends requests that are under way within moments, and returns when all have ended.
  void Stop();

 private:
  bool process_and_close_socket(socket_t socket) override;
  void Run();

  std::string host_;
  int port_ = 0;
  int stop_event_ = -1;  // readable once stopped
  std::atomic<bool> stopping_ = false;
  std::atomic<bool> ended_ = false;
  std::thread thread_;
};

}  // namespace normd::server

#endif  // NORMD_SERVER_OBSERVABILITY_BOUNDED_HTTP_SERVER_H_
