#include "server/observability/bounded_http_server.h"

#include <poll.h>
#include <sys/eventfd.h>
#include <sys/socket.h>
#include <unistd.h>

#include <algorithm>
#include <chrono>
#include <condition_variable>
#include <deque>
#include <functional>
#include <mutex>
#include <utility>
#include <vector>

#include "absl/strings/numbers.h"
#include "absl/strings/str_cat.h"
#include "server/transport/listen_address.h"
#include "spdlog/spdlog.h"

namespace normd::server {
namespace {

using Clock = std::chrono::steady_clock;

constexpr auto kRequestTime = std::chrono::seconds(2);
constexpr auto kResponseTime = std::chrono::seconds(10);

// A connection: what may still be read of it, and until when.
class BoundedStream final : public httplib::Stream {
 public:
  BoundedStream(socket_t socket, int stop_event) : socket_(socket), stop_event_(stop_event) {}

  bool is_readable() const override { return WaitFor(POLLIN, read_deadline_); }
  bool is_writable() const override { return WaitFor(POLLOUT, write_deadline_); }

  ssize_t read(char* data, size_t size) override {
    size = std::min(size, bytes_left_);
    if (size == 0 || !is_readable()) return -1;
    const ssize_t count = recv(socket_, data, size, 0);
    if (count > 0) bytes_left_ -= static_cast<size_t>(count);
    return count;
  }

  ssize_t write(const char* data, size_t size) override {
    if (!is_writable()) return -1;
    return send(socket_, data, size, MSG_NOSIGNAL | MSG_DONTWAIT);
  }

  // Lets the client read the answer to a request that was not read to its end: closing at once
  // would reset the connection.
  void Linger() {
    ::shutdown(socket_, SHUT_WR);
    char discarded[1024];
    while (is_readable() && recv(socket_, discarded, sizeof discarded, 0) > 0) {
    }
  }

  void get_remote_ip_and_port(std::string& /*ip*/, int& /*port*/) const override {}
  void get_local_ip_and_port(std::string& /*ip*/, int& /*port*/) const override {}
  socket_t socket() const override { return socket_; }

 private:
  bool WaitFor(short events, Clock::time_point deadline) const {
    for (;;) {
      const auto left = std::chrono::ceil<std::chrono::milliseconds>(deadline - Clock::now());
      if (left.count() <= 0) return false;
      pollfd wanted[] = {{socket_, events, 0}, {stop_event_, POLLIN, 0}};
      const int ready = poll(wanted, 2, static_cast<int>(left.count()));
      if (ready < 0 && errno == EINTR) continue;
      return ready > 0 && wanted[1].revents == 0;
    }
  }

  const socket_t socket_;
  const int stop_event_;
  const Clock::time_point read_deadline_ = Clock::now() + kRequestTime;
  const Clock::time_point write_deadline_ = read_deadline_ + kResponseTime;
  size_t bytes_left_ = BoundedHttpServer::kMaxRequestBytes;
};

// Threads that take tasks from a queue; who adds to a full one waits.
class BoundedTaskQueue final : public httplib::TaskQueue {
 public:
  BoundedTaskQueue() {
    for (int i = 0; i < BoundedHttpServer::kThreads; ++i) threads_.emplace_back([this] { Run(); });
  }

  void enqueue(std::function<void()> task) override {
    std::unique_lock lock(mutex_);
    changed_.wait(lock, [this] { return tasks_.size() < BoundedHttpServer::kMaxWaiting; });
    tasks_.push_back(std::move(task));
    changed_.notify_all();
  }

  // Returns when all tasks are done.
  void shutdown() override {
    {
      const std::lock_guard lock(mutex_);
      shut_down_ = true;
      changed_.notify_all();
    }
    for (std::thread& thread : threads_) thread.join();
  }

 private:
  void Run() {
    std::unique_lock lock(mutex_);
    for (;;) {
      changed_.wait(lock, [this] { return shut_down_ || !tasks_.empty(); });
      if (tasks_.empty()) return;
      const std::function<void()> task = std::move(tasks_.front());
      tasks_.pop_front();
      changed_.notify_all();
      lock.unlock();
      task();
      lock.lock();
    }
  }

  std::mutex mutex_;  // guards what follows
  std::condition_variable changed_;
  std::deque<std::function<void()>> tasks_;
  bool shut_down_ = false;
  std::vector<std::thread> threads_;
};

}  // namespace

BoundedHttpServer::BoundedHttpServer() : stop_event_(eventfd(0, EFD_CLOEXEC)) {
  new_task_queue = [] { return new BoundedTaskQueue; };
  // Not httplib's default, which lets a second server share the port.
  set_socket_options([](socket_t socket) {
    const int yes = 1;
    setsockopt(socket, SOL_SOCKET, SO_REUSEADDR, &yes, sizeof yes);
  });
  set_pre_routing_handler([](const httplib::Request& request, httplib::Response& response) {
    if (request.method == "GET" || request.method == "HEAD") return HandlerResponse::Unhandled;
    response.status = 405;
    response.set_header("Allow", "GET, HEAD");
    return HandlerResponse::Handled;
  });
}

BoundedHttpServer::~BoundedHttpServer() {
  Stop();
  if (stop_event_ >= 0) close(stop_event_);
}

absl::Status BoundedHttpServer::Listen(const std::string& address) {
  const ListenAddress parsed = ParseListenAddress(address);
  const std::string& host = parsed.host;
  int port = 0;
  if (host.empty() || !absl::SimpleAtoi(parsed.port, &port) || port < 0 || port > 65535) {
    return absl::InvalidArgumentError(absl::StrCat(address, " is no HOST:PORT"));
  }
  const int bound = port == 0 ? bind_to_any_port(host) : bind_to_port(host, port) ? port : -1;
  if (stop_event_ < 0 || bound <= 0) {
    return absl::UnavailableError(
        absl::StrCat("cannot listen on ", address, ": is the address right, and the port free?"));
  }
  host_ = host;
  port_ = bound;
  thread_ = std::thread([this] { Run(); });
  return absl::OkStatus();
}

void BoundedHttpServer::Run() {
  // httplib stops listening where accept fails in a way that it does not know.
  listen_after_bind();
  while (!stopping_) {
    spdlog::warn("port {} was closed by an error: it is opened again", port_);
    std::this_thread::sleep_for(std::chrono::milliseconds(100));
    if (!stopping_ && bind_to_port(host_, port_)) listen_after_bind();
  }
  ended_ = true;
}

void BoundedHttpServer::Stop() {
  if (!thread_.joinable()) return;
  stopping_ = true;
  eventfd_write(stop_event_, 1);
  // Nothing comes of a stop that comes just before it listens.
  while (!ended_) {
    stop();
    std::this_thread::sleep_for(std::chrono::milliseconds(1));
  }
  thread_.join();
}

bool BoundedHttpServer::process_and_close_socket(socket_t socket) {
  BoundedStream stream(socket, stop_event_);
  bool closed = false;
  const bool answered = process_request(stream, true, closed, [](httplib::Request&) {});
  if (answered) stream.Linger();
  close(socket);
  return answered;
}

}  // namespace normd::server
