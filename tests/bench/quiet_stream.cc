// How long a token waits for its answer after silence: one stream per gap, token after token.
#include <algorithm>
#include <chrono>
#include <cstdio>
#include <memory>
#include <thread>
#include <vector>

#include "absl/flags/flag.h"
#include "absl/flags/parse.h"
#include "tests/testing/test_stream.h"

ABSL_FLAG(std::string, server, "127.0.0.1:50051", "HOST:PORT of normd.");
ABSL_FLAG(int, samples, 21, "Samples a gap.");
ABSL_FLAG(int, features, 1024, "Elements of a token.");

namespace {

using Milliseconds = std::chrono::duration<double, std::milli>;

// The latencies of `samples` tokens, each sent after `gap` of silence.
std::vector<double> Measure(const std::shared_ptr<grpc::Channel>& channel, Milliseconds gap,
                            int samples, int features) {
  normd::v1::Open open;
  open.mutable_spec()->mutable_layer_norm();
  open.add_row_shape(features);
  const std::string token = normd::testing::Bytes(std::vector<float>(features, 1.5F));
  normd::testing::TestStream stream(channel);
  stream.Open(open);
  stream.Receive();
  std::vector<double> latencies;
  for (int i = 1; i <= samples; ++i) {
    std::this_thread::sleep_for(gap);
    const auto start = std::chrono::steady_clock::now();
    stream.Send(i, token);
    if (!stream.Receive().has_result()) return {};
    latencies.push_back(Milliseconds(std::chrono::steady_clock::now() - start).count());
  }
  std::sort(latencies.begin(), latencies.end());
  return latencies;
}

}  // namespace

int main(int argc, char** argv) {
  absl::ParseCommandLine(argc, argv);
  const double gaps[] = {200, 900, 1000, 1030, 1060, 1100, 1500, 2000};
  std::vector<std::thread> threads;
  std::vector<std::vector<double>> results(std::size(gaps));
  for (size_t i = 0; i < std::size(gaps); ++i) {
    threads.emplace_back([&, i] {
      // A connection of its own for each gap, so that the silence is the connection's too.
      grpc::ChannelArguments arguments;
      arguments.SetInt(GRPC_ARG_USE_LOCAL_SUBCHANNEL_POOL, 1);
      const auto channel = grpc::CreateCustomChannel(absl::GetFlag(FLAGS_server),
                                                     grpc::InsecureChannelCredentials(), arguments);
      results[i] = Measure(channel, Milliseconds(gaps[i]), absl::GetFlag(FLAGS_samples),
                           absl::GetFlag(FLAGS_features));
    });
  }
  for (std::thread& thread : threads) thread.join();
  std::printf("silence ms   median ms   max ms\n");
  for (size_t i = 0; i < std::size(gaps); ++i) {
    if (results[i].empty()) {
      std::fprintf(stderr, "quiet_stream: a stream failed; is normd at %s?\n",
                   absl::GetFlag(FLAGS_server).c_str());
      return 1;
    }
    std::printf("%10.0f %11.3f %8.3f\n", gaps[i], results[i][results[i].size() / 2],
                results[i].back());
  }
  return 0;
}
