// Notices when the server's own port no longer takes connections.
//
// gRPC 1.51 gives up a listener for good when accept() fails once, as without file descriptors
// (CVE-2023-4785): the process lives on and looks well.
#ifndef NORMD_SERVER_TRANSPORT_LISTENER_PROBE_H_
#define NORMD_SERVER_TRANSPORT_LISTENER_PROBE_H_

#include <atomic>
#include <condition_variable>
#include <functional>
#include <mutex>
#include <string>
#include <thread>

#include "absl/time/time.h"

namespace normd::server {

// Whether the listener at `host` and `port` takes a connection: it must say something, or close it,
// after we have closed our side. With TLS and without.
bool ListenerAnswers(const std::string& host, int port, absl::Duration timeout);

class ListenerProbe {
 public:
  struct Options {
    std::string host;
    int port = 0;
    absl::Duration interval = absl::Seconds(5);
    absl::Duration timeout = absl::Seconds(2);
    int failures_in_a_row = 3;  // until on_dead
    // On the probe's thread. Whether those who accept connections have time to: a server that is
    // busy takes none either.
    std::function<bool()> has_time;
    std::function<void()> on_failure;  // each time
    std::function<void()> on_dead;     // once
  };

  // Starts a thread that probes after each interval.
  explicit ListenerProbe(Options options);
  ~ListenerProbe();

  ListenerProbe(const ListenerProbe&) = delete;
  ListenerProbe& operator=(const ListenerProbe&) = delete;

  // Probes no more; the thread is joined when this is destroyed.
  void Stop();

  // False from failures_in_a_row on until a probe succeeds.
  bool alive() const { return alive_; }

 private:
  void Run();

  const Options options_;
  std::atomic<bool> alive_ = true;
  std::mutex mutex_;
  std::condition_variable stop_;
  bool stopping_ = false;  // guarded by mutex_
  std::thread thread_;
};

}  // namespace normd::server

#endif  // NORMD_SERVER_TRANSPORT_LISTENER_PROBE_H_
