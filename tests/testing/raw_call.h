// A gRPC call by hand, which its client can leave at any point and by any way.
#ifndef NORMD_TESTS_TESTING_RAW_CALL_H_
#define NORMD_TESTS_TESTING_RAW_CALL_H_

#include <chrono>
#include <cstdint>
#include <memory>
#include <optional>
#include <string>
#include <utility>
#include <vector>

#include "absl/strings/str_cat.h"
#include "tests/testing/raw_http2.h"

namespace normd::testing {

// One call, the first on a connection of its own.
class RawCall {
 public:
  // `window`: of its answers, in bytes.
  RawCall(int port, const std::string& path, std::optional<std::chrono::seconds> deadline,
          uint32_t window = RawHttp2::kFirstWindow)
      : connection_(std::make_unique<RawHttp2>(port)) {
    if (window != RawHttp2::kFirstWindow) connection_->SetInitialWindow(window);
    std::vector<std::pair<std::string, std::string>> more;
    if (deadline) more.emplace_back("grpc-timeout", absl::StrCat(deadline->count(), "S"));
    connection_->SendHeaders(1, path, more);
  }

  const RawHttp2& connection() const { return *connection_; }

  // Of a message of some KiB.
  void SendPartOf(const std::string& message) {
    const std::string bytes = RawHttp2::Prefixed(message);
    connection_->SendFrame(RawHttp2::kData, 0, 1, bytes.substr(0, 1000));
    rest_ = bytes.substr(1000);
  }
  // Of the message that was sent in part.
  const std::string& rest() const { return rest_; }

  void HalfClose() {
    if (half_closed_) return;
    half_closed_ = true;
    connection_->SendFrame(RawHttp2::kData, RawHttp2::kEndStream, 1, "");
  }

  // Reads until there are so many answers, or the call's end.
  void Read(size_t answers) {
    while (!ended_ && Messages().size() < answers) {
      const auto frame = connection_->ReceiveOf(1);
      ended_ =
          !frame || frame->type == RawHttp2::kReset || (frame->flags & RawHttp2::kEndStream) != 0;
      if (!frame) continue;
      if (frame->type == RawHttp2::kData) received_ += frame->payload;
      if (frame->type == RawHttp2::kHeaders) trailers_ = *frame;
    }
  }

  // Lets everything come, and reads to the end.
  void ReadAll() {
    connection_->GrantWindow(1, 16 << 20);
    Read(SIZE_MAX);
  }

  // The messages that have come as a whole.
  std::vector<std::string> Messages() const { return RawHttp2::Messages(received_); }
  bool HasStatus(int code) const { return RawHttp2::HasStatus(trailers_, code); }

  void EndConnection() { connection_->SendEnd(); }
  void ResetConnection() {
    connection_->ResetAtEnd();
    connection_.reset();
  }

 private:
  std::unique_ptr<RawHttp2> connection_;
  std::string rest_;
  std::string received_;
  RawHttp2::Frame trailers_;
  bool half_closed_ = false;
  bool ended_ = false;
};

}  // namespace normd::testing

#endif  // NORMD_TESTS_TESTING_RAW_CALL_H_
