// Every end that a client can put to a call, and a server that tells what became of the call.
#ifndef NORMD_TESTS_TESTING_ENDS_FIXTURE_H_
#define NORMD_TESTS_TESTING_ENDS_FIXTURE_H_

#include <gtest/gtest.h>

#include <chrono>
#include <map>
#include <memory>
#include <optional>
#include <ostream>
#include <set>
#include <string>
#include <thread>

#include "absl/strings/match.h"
#include "absl/strings/numbers.h"
#include "absl/strings/str_cat.h"
#include "absl/strings/str_split.h"
#include "absl/strings/strip.h"
#include "tests/testing/gated_clock.h"
#include "tests/testing/local_server.h"
#include "tests/testing/raw_call.h"
#include "tests/testing/scrape.h"

namespace normd::testing {

inline constexpr int kRowSize = 1024;  // float32s

enum class End { kCancel, kDeadline, kHalfClose, kConnectionEnds, kConnectionReset, kGoAway };
inline constexpr End kEnds[] = {End::kCancel,         End::kDeadline,        End::kHalfClose,
                                End::kConnectionEnds, End::kConnectionReset, End::kGoAway};
inline constexpr const char* kEndNames[] = {"Cancel",         "Deadline",        "HalfClose",
                                            "ConnectionEnds", "ConnectionReset", "GoAway"};

inline void PrintTo(End end, std::ostream* out) { *out << kEndNames[static_cast<int>(end)]; }

// Those after which the client reads all that comes.
inline bool IsPeaceful(End end) { return end == End::kHalfClose || end == End::kGoAway; }

// Its test fails where the server holds anything of a call at the end.
class EndsFixture : public ::testing::Test {
 protected:
  static constexpr auto kDeadline = std::chrono::seconds(1);
  static constexpr uint32_t kNoWindow = 2000;  // for `opened`, and no result

  static std::optional<std::chrono::seconds> DeadlineFor(End end) {
    if (end == End::kDeadline) return kDeadline;
    return std::nullopt;
  }

  void SetUp() override {
    server::ServerOptions options;
    options.admin_listen = "127.0.0.1:0";
    options.drain_timeout = absl::Milliseconds(100);
    options.clock = clock_;
    server_ = StartServer(options);
    ASSERT_NE(server_, nullptr);
  }

  void TearDown() override {
    if (server_ == nullptr) return;
    WaitFor("nothing is held", [this] {
      Samples samples = Scrape(server_->admin_port());
      return samples["normd_streams"] == 0 && samples["normd_bytes_in_flight"] == 0 &&
             samples["normd_comparison_bytes"] == 0;
    });
    server_.reset();  // returns
  }

  // What happened to a method's calls.
  struct Calls {
    double started = 0;
    double received = 0;
    std::map<std::string, double> handled;  // by code

    double all_handled() const {
      double sum = 0;
      for (const auto& [code, count] : handled) sum += count;
      return sum;
    }
  };

  Calls CallsOf(const std::string& method) {
    Calls calls;
    // Not by Scrape, which checks every line: this is asked often.
    const httplib::Result metrics =
        httplib::Client("127.0.0.1", server_->admin_port()).Get("/metrics");
    EXPECT_TRUE(metrics && metrics->status == 200);
    if (!metrics) return calls;
    for (absl::string_view line : absl::StrSplit(metrics->body, '\n')) {
      if (!absl::StrContains(line, absl::StrCat("grpc_method=\"", method, "\""))) continue;
      double value = 0;
      EXPECT_TRUE(absl::SimpleAtod(line.substr(line.rfind(' ') + 1), &value)) << line;
      if (absl::StartsWith(line, "grpc_server_started_total{")) calls.started = value;
      if (absl::StartsWith(line, "grpc_server_msg_received_total{")) calls.received = value;
      if (absl::ConsumePrefix(&line, "grpc_server_handled_total{grpc_code=\"")) {
        calls.handled[std::string(line.substr(0, line.find('"')))] = value;
      }
    }
    return calls;
  }

  template <typename Condition>
  void WaitFor(const char* what, Condition condition) {
    for (int i = 0; i < 10'000; ++i) {
      if (condition()) return;
      std::this_thread::sleep_for(std::chrono::milliseconds(2));
    }
    ADD_FAILURE() << what << ", one would expect";
  }

  // The codes of the calls that ended since.
  std::multiset<std::string> EndedSince(const Calls& before, const std::string& method) {
    std::multiset<std::string> codes;
    for (const auto& [code, count] : CallsOf(method).handled) {
      const auto found = before.handled.find(code);
      const double earlier = found == before.handled.end() ? 0 : found->second;
      for (double i = earlier; i < count; ++i) codes.insert(code);
    }
    return codes;
  }

  static void Put(End end, RawCall& client) {
    const RawHttp2& connection = client.connection();
    switch (end) {
      case End::kCancel:
        connection.SendFrame(RawHttp2::kReset, 0, 1, std::string("\0\0\0\x08", 4));
        break;
      case End::kDeadline:
        break;  // passes by itself
      case End::kConnectionEnds:
        client.EndConnection();
        break;
      case End::kConnectionReset:
        client.ResetConnection();
        break;
      case End::kGoAway:  // it opens no more streams; those that it has go on
        connection.SendFrame(RawHttp2::kGoAway, 0, 0, std::string(8, '\0'));
        if (!client.rest().empty()) connection.SendFrame(RawHttp2::kData, 0, 1, client.rest());
        [[fallthrough]];
      case End::kHalfClose:
        client.HalfClose();
        break;
    }
  }

  // A session's chunk asks for the time before its answer is written.
  GatedClock clock_;
  std::unique_ptr<server::Server> server_;
};

}  // namespace normd::testing

#endif  // NORMD_TESTS_TESTING_ENDS_FIXTURE_H_
