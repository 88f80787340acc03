// normctl bench against real servers.
#include <gmock/gmock.h>
#include <gtest/gtest.h>
#include <signal.h>

#include <chrono>
#include <map>
#include <thread>

#include "tests/testing/normctl_fixture.h"

namespace normd::cli {
namespace {

using testing::CommandResult;
using ::testing::HasSubstr;

// A number of `normctl bench --json`: of "server", "baseline", "ratio", ...
double Figure(const std::string& json, const std::string& object, const std::string& name) {
  size_t at = json.find("\"" + object + "\": {");
  if (at != std::string::npos) at = json.find("\"" + name + "\": ", at);
  EXPECT_NE(at, std::string::npos) << object << "." << name << " in " << json;
  return at == std::string::npos ? 0 : std::stod(json.substr(at + name.size() + 4));
}

class NormctlBenchTest : public testing::NormctlFixture<testing::DefaultServer> {
 protected:
  // With `flags` in place of a short run's.
  CommandResult Bench(const std::map<std::string, std::string>& flags) const {
    std::map<std::string, std::string> all = {{"--method", "layer_norm"},
                                              {"--seconds", "0.5"},
                                              {"--warm-up", "0.1"},
                                              {"--rounds", "1"},
                                              {"--streams", "3"}};
    for (const auto& [name, value] : flags) all[name] = value;
    std::vector<std::string> arguments = {"--json", "bench"};
    for (const auto& [name, value] : all) {
      if (!value.empty()) arguments.insert(arguments.end(), {name, value});
    }
    return Normctl(arguments);
  }
};

TEST_F(NormctlBenchTest, ClosedLoopTellsRatesAndLatencies) {
  const CommandResult result = Bench({{"--rows-per-chunk", "4"},
                                      {"--threads", "2"},
                                      {"--connections", "2"},
                                      {"--type", "bfloat16"},
                                      {"--row-shape", "8,16"}});
  ASSERT_EQ(result.exit_code, 0) << result.error;
  const auto figure = [&](const char* name) { return Figure(result.out, "server", name); };
  EXPECT_GT(figure("tokens_per_s"), 0);
  EXPECT_GT(figure("p50_us"), 0);
  EXPECT_LE(figure("p50_us"), figure("p99_us"));
  EXPECT_LE(figure("p99_us"), figure("p999_us"));
  EXPECT_LE(figure("p999_us"), figure("max_us"));
  EXPECT_EQ(figure("cpu_us"), 0) << "no process was named";
  EXPECT_GT(figure("generator_cpus"), 0);
}

TEST_F(NormctlBenchTest, OpenLoopKeepsTheRate) {
  const CommandResult result =
      Bench({{"--rate", "600"}, {"--rows-per-chunk", "2"}, {"--seconds", "2"}});
  ASSERT_EQ(result.exit_code, 0) << result.error;
  EXPECT_NEAR(Figure(result.out, "server", "tokens_per_s"), 600, 60);
}

// A server that stops for a second delays all that is due meanwhile, not only what was sent.
TEST_F(NormctlBenchTest, AStallCountsForAllThatItHeldUp) {
  std::thread stall([&] {
    std::this_thread::sleep_for(std::chrono::milliseconds(1000));
    server_.Signal(SIGSTOP);
    std::this_thread::sleep_for(std::chrono::milliseconds(1000));
    server_.Signal(SIGCONT);
  });
  const CommandResult result = Bench({{"--rate", "1000"}, {"--seconds", "3"}, {"--warm-up", "0"}});
  stall.join();
  ASSERT_EQ(result.exit_code, 0) << result.error;
  // Of 3000 chunks a third; of those, half by more than half a second.
  EXPECT_GT(Figure(result.out, "server", "p99_us"), 500'000);
  EXPECT_GT(Figure(result.out, "server", "max_us"), 800'000);
}

TEST_F(NormctlBenchTest, SessionsAreMadeAndGone) {
  for (const char* sessions : {"own", "shared"}) {
    const CommandResult result =
        Normctl({"--json", "bench", "--method", "batch_norm", "--estimator", "cumulative", "--mode",
                 "streaming", "--new-sessions", sessions, "--seconds", "0.3", "--warm-up", "0",
                 "--rounds", "1", "--row-shape", "8"});
    ASSERT_EQ(result.exit_code, 0) << result.error;
    EXPECT_GT(Figure(result.out, "server", "tokens_per_s"), 0);
  }
  EXPECT_EQ(Output({"session", "list"}).find("bench-"), std::string::npos);
}

TEST_F(NormctlBenchTest, ComparesRoundByRound) {
  const testing::DefaultServer other;
  const testing::DefaultServer third;
  const CommandResult result =
      Bench({{"--baseline", other.address()}, {"--control", third.address()}, {"--rounds", "2"}});
  ASSERT_EQ(result.exit_code, 0) << result.error;
  for (const char* ratio : {"ratio", "control_ratio"}) {
    const double throughput = Figure(result.out, ratio, "throughput");
    EXPECT_GT(throughput, 0);
    EXPECT_LE(Figure(result.out, ratio, "throughput_least"), throughput);
    EXPECT_GE(Figure(result.out, ratio, "throughput_most"), throughput);
  }
  const CommandResult text = Normctl({"bench", "--method", "layer_norm", "--seconds", "0.1",
                                      "--rounds", "1", "--baseline", other.address()});
  EXPECT_EQ(text.exit_code, 0) << text.error;
  EXPECT_THAT(text.out, HasSubstr("server / baseline"));
}

TEST_F(NormctlBenchTest, WhatTheServerRefusesIsTold) {
  const CommandResult chunk = Bench({{"--method", "batch_norm"}, {"--mode", "training"}});
  EXPECT_EQ(chunk.exit_code, 1);
  EXPECT_THAT(chunk.error, HasSubstr("normctl: "));
  const CommandResult stream = Bench({{"--session", "nobody"}, {"--method", ""}});
  EXPECT_EQ(stream.exit_code, 1);
  EXPECT_THAT(stream.error, HasSubstr("sessions/nobody"));
  EXPECT_EQ(Bench({{"--pid", "1999999999"}}).exit_code, 1);
}

TEST_F(NormctlBenchTest, WithoutAServerThereIsAHint) {
  const CommandResult result = testing::RunCommand(
      {NORMCTL_BINARY, "--server", "127.0.0.1:1", "bench", "--method", "layer_norm"});
  EXPECT_EQ(result.exit_code, 1);
  EXPECT_THAT(result.error, HasSubstr("Is normd running"));
}

}  // namespace
}  // namespace normd::cli
