// A TCP proxy on loopback that can fall silent, as a network does that drops packets: both sides
// keep their connections and hear nothing more.
#ifndef NORMD_TESTS_TESTING_SEVERABLE_PROXY_H_
#define NORMD_TESTS_TESTING_SEVERABLE_PROXY_H_

#include <netinet/in.h>
#include <poll.h>
#include <sys/socket.h>
#include <unistd.h>

#include <atomic>
#include <string>
#include <thread>

namespace normd::testing {

// Takes one connection.
class SeverableProxy {
 public:
  explicit SeverableProxy(int server_port) : listener_(socket(AF_INET, SOCK_STREAM, 0)) {
    sockaddr_in address = Loopback(0);
    socklen_t size = sizeof(address);
    bind(listener_, reinterpret_cast<sockaddr*>(&address), size);
    listen(listener_, 1);
    getsockname(listener_, reinterpret_cast<sockaddr*>(&address), &size);
    port_ = ntohs(address.sin_port);
    thread_ = std::thread([this, server_port] { Forward(server_port); });
  }

  ~SeverableProxy() {
    stopping_ = true;
    thread_.join();
    close(listener_);
  }

  SeverableProxy(const SeverableProxy&) = delete;
  SeverableProxy& operator=(const SeverableProxy&) = delete;

  std::string address() const { return "127.0.0.1:" + std::to_string(port_); }
  void Sever() { severed_ = true; }

 private:
  static sockaddr_in Loopback(int port) {
    sockaddr_in address = {};
    address.sin_family = AF_INET;
    address.sin_addr.s_addr = htonl(INADDR_LOOPBACK);
    address.sin_port = htons(static_cast<uint16_t>(port));
    return address;
  }

  static bool IsReadable(int socket) {
    pollfd wait = {socket, POLLIN, 0};
    return poll(&wait, 1, 10) > 0;
  }

  void Forward(int server_port) {
    while (!stopping_ && !IsReadable(listener_)) {
    }
    if (stopping_) return;
    const int client = accept(listener_, nullptr, nullptr);
    const int server = socket(AF_INET, SOCK_STREAM, 0);
    const sockaddr_in address = Loopback(server_port);
    connect(server, reinterpret_cast<const sockaddr*>(&address), sizeof(address));
    while (!stopping_) {
      Pass(client, server);
      Pass(server, client);
    }
    close(client);
    close(server);
  }

  void Pass(int from, int to) const {
    char buffer[64 << 10];
    if (!IsReadable(from)) return;
    const ssize_t size = read(from, buffer, sizeof(buffer));
    for (ssize_t sent = 0; !severed_ && sent < size;) {
      const ssize_t more = write(to, buffer + sent, size - sent);
      if (more <= 0) return;
      sent += more;
    }
  }

  const int listener_;
  int port_ = 0;
  std::atomic<bool> severed_ = false;
  std::atomic<bool> stopping_ = false;
  std::thread thread_;
};

}  // namespace normd::testing

#endif  // NORMD_TESTS_TESTING_SEVERABLE_PROXY_H_
