#include "server/transport/listener_probe.h"

#include <netdb.h>
#include <poll.h>
#include <sys/socket.h>
#include <unistd.h>

#include <cerrno>
#include <memory>
#include <utility>

#include "spdlog/spdlog.h"

namespace normd::server {
namespace {

class Socket {
 public:
  explicit Socket(int family)
      : descriptor_(socket(family, SOCK_STREAM | SOCK_NONBLOCK | SOCK_CLOEXEC, 0)) {}
  ~Socket() {
    if (descriptor_ >= 0) close(descriptor_);
  }
  Socket(const Socket&) = delete;
  Socket& operator=(const Socket&) = delete;

  int get() const { return descriptor_; }

  bool WaitFor(short events, absl::Duration timeout) const {
    pollfd poll_descriptor = {descriptor_, events, 0};
    return poll(&poll_descriptor, 1, static_cast<int>(absl::ToInt64Milliseconds(timeout))) == 1;
  }

 private:
  const int descriptor_;
};

bool Answers(const addrinfo& address, absl::Duration timeout) {
  const Socket socket(address.ai_family);
  if (socket.get() < 0) return false;
  // The kernel answers for a listener that nobody serves: only what comes after tells.
  if (connect(socket.get(), address.ai_addr, address.ai_addrlen) != 0) {
    if (errno != EINPROGRESS || !socket.WaitFor(POLLOUT, timeout)) return false;
  }
  if (shutdown(socket.get(), SHUT_WR) != 0) return false;
  return socket.WaitFor(POLLIN, timeout);
}

}  // namespace

bool ListenerAnswers(const std::string& host, int port, absl::Duration timeout) {
  addrinfo hints{};
  hints.ai_flags = AI_NUMERICSERV;
  hints.ai_socktype = SOCK_STREAM;
  addrinfo* found = nullptr;
  if (getaddrinfo(host.c_str(), std::to_string(port).c_str(), &hints, &found) != 0) return false;
  const std::unique_ptr<addrinfo, decltype(&freeaddrinfo)> address(found, &freeaddrinfo);

  for (const addrinfo* next = address.get(); next != nullptr; next = next->ai_next) {
    if (Answers(*next, timeout)) return true;
  }
  return false;
}

ListenerProbe::ListenerProbe(Options options)
    : options_(std::move(options)), thread_([this] { Run(); }) {}

ListenerProbe::~ListenerProbe() {
  Stop();
  thread_.join();
}

void ListenerProbe::Stop() {
  const std::lock_guard lock(mutex_);
  stopping_ = true;
  stop_.notify_all();
}

void ListenerProbe::Run() {
  bool told = false;
  for (int in_a_row = 0;;) {
    {
      std::unique_lock lock(mutex_);
      if (stop_.wait_for(lock, absl::ToChronoMilliseconds(options_.interval),
                         [this] { return stopping_; })) {
        return;
      }
    }
    if (ListenerAnswers(options_.host, options_.port, options_.timeout)) {
      in_a_row = 0;
      alive_ = true;
      continue;
    }
    if (options_.has_time && !options_.has_time()) {
      spdlog::warn("port {} took no connection of ours: the server is busy", options_.port);
      continue;
    }
    {
      const std::lock_guard lock(mutex_);
      if (stopping_) return;
    }
    ++in_a_row;
    if (options_.on_failure) options_.on_failure();
    spdlog::warn("port {} took no connection of ours, {} of {} times", options_.port, in_a_row,
                 options_.failures_in_a_row);
    if (in_a_row < options_.failures_in_a_row) continue;
    alive_ = false;
    if (!std::exchange(told, true) && options_.on_dead) options_.on_dead();
  }
}

}  // namespace normd::server
