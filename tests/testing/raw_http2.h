// HTTP/2 frames by hand: for what no gRPC client would send.
#ifndef NORMD_TESTS_TESTING_RAW_HTTP2_H_
#define NORMD_TESTS_TESTING_RAW_HTTP2_H_

#include <netinet/in.h>
#include <sys/socket.h>
#include <sys/time.h>
#include <unistd.h>

#include <algorithm>
#include <cstdint>
#include <map>
#include <optional>
#include <string>
#include <utility>
#include <vector>

namespace normd::testing {

// A TCP connection to loopback. Reads give up after a minute.
class LoopbackSocket {
 public:
  explicit LoopbackSocket(int port) : socket_(socket(AF_INET, SOCK_STREAM, 0)) {
    const timeval patience = {60, 0};
    setsockopt(socket_, SOL_SOCKET, SO_RCVTIMEO, &patience, sizeof(patience));
    sockaddr_in address = {};
    address.sin_family = AF_INET;
    address.sin_addr.s_addr = htonl(INADDR_LOOPBACK);
    address.sin_port = htons(static_cast<uint16_t>(port));
    connect(socket_, reinterpret_cast<const sockaddr*>(&address), sizeof(address));
  }
  ~LoopbackSocket() { close(socket_); }
  LoopbackSocket(const LoopbackSocket&) = delete;
  LoopbackSocket& operator=(const LoopbackSocket&) = delete;

  void Send(const std::string& bytes) const {
    for (size_t sent = 0; sent < bytes.size();) {
      const ssize_t more = send(socket_, bytes.data() + sent, bytes.size() - sent, MSG_NOSIGNAL);
      if (more <= 0) return;
      sent += more;
    }
  }

  // So many bytes; fewer where the other side has closed, or in a minute.
  std::string Receive(size_t size) const {
    std::string bytes(size, '\0');
    size_t received = 0;
    while (received < size) {
      const ssize_t more = recv(socket_, bytes.data() + received, size - received, 0);
      if (more <= 0) {
        closed_ = more == 0 || errno == ECONNRESET;
        break;
      }
      received += more;
    }
    bytes.resize(received);
    return bytes;
  }

  // Says that no more comes: FIN.
  void SendEnd() const { shutdown(socket_, SHUT_WR); }

  // Its end is a reset.
  void ResetAtEnd() const {
    const linger at_once = {1, 0};
    setsockopt(socket_, SOL_SOCKET, SO_LINGER, &at_once, sizeof(at_once));
  }

  // Whether the other side has closed, as far as Receive knows.
  bool closed() const { return closed_; }

 private:
  const int socket_;
  mutable bool closed_ = false;
};

// A client that acknowledges nothing by itself, neither settings nor pings, and grants no more
// window than there is at first.
class RawHttp2 {
 public:
  enum FrameType {
    kData = 0,
    kHeaders = 1,
    kReset = 3,
    kSettings = 4,
    kPing = 6,
    kGoAway = 7,
    kWindowUpdate = 8
  };
  static constexpr int kAck = 1;        // of settings and pings
  static constexpr int kEndStream = 1;  // of data and headers
  static constexpr int64_t kFirstWindow = 65'535;
  struct Frame {
    int type = 0;
    int flags = 0;
    uint32_t stream = 0;
    std::string payload;
  };

  explicit RawHttp2(int port) : socket_(port) {
    socket_.Send("PRI * HTTP/2.0\r\n\r\nSM\r\n\r\n");
    SendFrame(kSettings, 0, 0, "");
  }

  // Opens a gRPC call; `stream` is odd, and larger than any before.
  void SendHeaders(uint32_t stream, const std::string& path,
                   const std::vector<std::pair<std::string, std::string>>& more = {}) const {
    std::string block = Header(":method", "POST") + Header(":scheme", "http") +
                        Header(":path", path) + Header(":authority", "localhost") +
                        Header("te", "trailers") + Header("content-type", "application/grpc");
    for (const auto& [name, value] : more) block += Header(name, value);
    SendFrame(kHeaders, 4, stream, block);  // END_HEADERS
  }

  // A gRPC message, of 16 KiB at most.
  void SendMessage(uint32_t stream, const std::string& message, bool compressed = false) const {
    SendFrame(kData, 0, stream, Prefixed(message, compressed));
  }

  // A gRPC message of any size, as fast as the server grants window for it; what else comes
  // meanwhile is lost. False where the stream or the connection ends before.
  bool SendLargeMessage(uint32_t stream, const std::string& message) const {
    const std::string bytes = Prefixed(message);
    for (size_t sent = 0; sent < bytes.size();) {
      const int64_t window = std::min(window_, kFirstWindow + granted_[stream]);
      const auto size = static_cast<size_t>(std::clamp<int64_t>(window, 0, 16 << 10));
      if (size > 0) {
        const std::string payload = bytes.substr(sent, size);
        SendFrame(kData, 0, stream, payload);
        sent += payload.size();
        continue;
      }
      const auto frame = Receive();
      if (!frame) return false;
      if (frame->stream == stream && (frame->type == kHeaders || frame->type == kReset)) {
        return false;
      }
    }
    return true;
  }

  void GrantWindow(uint32_t stream, uint32_t bytes) const {
    SendFrame(kWindowUpdate, 0, 0, BigEndian(bytes, 4));
    SendFrame(kWindowUpdate, 0, stream, BigEndian(bytes, 4));
  }

  // The window of every stream that is opened after this.
  void SetInitialWindow(uint32_t bytes) const {
    SendFrame(kSettings, 0, 0, std::string("\0\4", 2) + BigEndian(bytes, 4));
  }

  void SendEnd() const { socket_.SendEnd(); }
  void ResetAtEnd() const { socket_.ResetAtEnd(); }

  void SendFrame(int type, int flags, uint32_t stream, const std::string& payload) const {
    if (type == kData) {
      window_ -= static_cast<int64_t>(payload.size());
      granted_[stream] -= static_cast<int64_t>(payload.size());
    }
    socket_.Send(BigEndian(payload.size(), 3) + static_cast<char>(type) + static_cast<char>(flags) +
                 BigEndian(stream, 4) + payload);
  }

  // The next frame; none at the end of the connection.
  std::optional<Frame> Receive() const {
    const std::string header = socket_.Receive(9);
    if (header.size() < 9) return std::nullopt;
    Frame frame = {header[3], header[4], Number(header, 5, 4),
                   socket_.Receive(Number(header, 0, 3))};
    if (frame.type == kWindowUpdate) {
      (frame.stream == 0 ? window_ : granted_[frame.stream]) += Number(frame.payload, 0, 4);
    }
    return frame;
  }

  // The next frame of that stream that is data, headers or a reset.
  std::optional<Frame> ReceiveOf(uint32_t stream) const {
    std::optional<Frame> frame;
    do {
      frame = Receive();
    } while (frame && (frame->stream != stream || frame->type > kReset || frame->type == 2));
    return frame;
  }

  // Every message of a stream whose frames have these payloads, one after the other; without what
  // is not whole.
  static std::vector<std::string> Messages(const std::string& payloads) {
    std::vector<std::string> messages;
    for (size_t at = 0; at + 5 <= payloads.size();) {
      const size_t size = Number(payloads, at + 1, 4);
      if (at + 5 + size > payloads.size()) break;
      messages.push_back(payloads.substr(at + 5, size));
      at += 5 + size;
    }
    return messages;
  }

  static std::string Prefixed(const std::string& message, bool compressed = false) {
    return std::string(1, compressed ? '\1' : '\0') + BigEndian(message.size(), 4) + message;
  }

  // Waits until the server has taken all that was sent: it acknowledges a ping in its turn. What
  // else comes meanwhile is lost. False where the connection ends before.
  bool RoundTrip() const {
    SendFrame(kPing, 0, 0, std::string(8, '\0'));
    for (auto frame = Receive(); frame; frame = Receive()) {
      if (frame->type == kPing && frame->flags == kAck) return true;
    }
    return false;
  }

  // Whether headers hold that status as gRPC writes the first of a connection: as it is.
  static bool HasStatus(const Frame& headers, int status) {
    const std::string value = std::to_string(status);
    return headers.payload.find(std::string("grpc-status") + static_cast<char>(value.size()) +
                                value) != std::string::npos;
  }

 private:
  static std::string BigEndian(uint64_t number, int bytes) {
    std::string result;
    for (int i = bytes - 1; i >= 0; --i) result += static_cast<char>(number >> (8 * i));
    return result;
  }

  static uint32_t Number(const std::string& bytes, size_t begin, size_t size) {
    uint32_t result = 0;
    for (size_t i = begin; i < begin + size; ++i) {
      result = result << 8 | static_cast<unsigned char>(bytes[i]);
    }
    return result;
  }

  // HPACK: a literal that enters no table, not Huffman coded.
  static std::string Header(const std::string& name, const std::string& value) {
    return std::string(1, '\0') + Length(name.size()) + name + Length(value.size()) + value;
  }

  static std::string Length(size_t length) {
    if (length < 127) return std::string(1, static_cast<char>(length));
    std::string result(1, '\x7F');
    for (length -= 127; length >= 128; length >>= 7) result += static_cast<char>(length | 0x80);
    return result + static_cast<char>(length);
  }

  const LoopbackSocket socket_;
  // What may be sent: what larger windows the server's settings offer are not acknowledged.
  mutable int64_t window_ = kFirstWindow;
  mutable std::map<uint32_t, int64_t> granted_;  // to streams, beside the first window
};

}  // namespace normd::testing

#endif  // NORMD_TESTS_TESTING_RAW_HTTP2_H_
