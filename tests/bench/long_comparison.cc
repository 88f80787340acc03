// Compares BatchNorm and LayerNorm on many tokens, and normalizes as many by LayerNorm: how fast
// each goes, and the server's memory meanwhile.
#include <algorithm>
#include <chrono>
#include <cstdio>
#include <memory>
#include <string>
#include <thread>
#include <vector>

#include "absl/flags/flag.h"
#include "absl/flags/parse.h"
#include "absl/status/status.h"
#include "client/cpp/client.h"
#include "tests/bench/resident_memory.h"

ABSL_FLAG(std::string, server, "127.0.0.1:50051", "HOST:PORT of normd.");
ABSL_FLAG(int64_t, tokens, 1'000'000, "Tokens to compare.");
ABSL_FLAG(int, features, 768, "Elements of a token, float32.");
ABSL_FLAG(int64_t, rows_per_chunk, 128, "Tokens a message.");
ABSL_FLAG(std::vector<std::string>, batch_sizes, std::vector<std::string>({"32", "128", "4096"}),
          "Tokens per batch to compare.");
ABSL_FLAG(int, pid, 0, "The server's process id, to print its resident memory.");

namespace {

constexpr int kReports = 5;
constexpr int kChunks = 16;  // that differ; they are sent in turn

// Normal enough: a sum of four uniform numbers.
std::vector<std::string> MakeChunks(int64_t values) {
  uint64_t state = 7;
  const auto next = [&state] {
    state = state * 6364136223846793005 + 1442695040888963407;
    return static_cast<float>(state >> 40) / static_cast<float>(1 << 24) - 0.5F;
  };
  std::vector<std::string> chunks(kChunks);
  for (std::string& chunk : chunks) {
    std::vector<float> x(values);
    for (float& value : x) value = next() + next() + next() + next();
    chunk.assign(reinterpret_cast<const char*>(x.data()), x.size() * sizeof(float));
  }
  return chunks;
}

// Tokens a second; 0 where the stream failed.
template <typename Stream>
double Run(const char* title, Stream& stream, const std::vector<std::string>& data) {
  const int64_t rows = absl::GetFlag(FLAGS_rows_per_chunk);
  const int64_t chunks = absl::GetFlag(FLAGS_tokens) / rows;
  const auto start = std::chrono::steady_clock::now();
  std::thread writer([&] {
    for (int64_t i = 0; i < chunks; ++i) {
      normd::v1::Chunk chunk;
      chunk.set_data(data[i % kChunks]);
      if (!stream.Write(std::move(chunk)).ok()) return;
    }
    stream.CloseWrites();
  });
  int64_t answers = 0;
  while (stream.Read().ok()) {
    if (++answers % std::max<int64_t>(1, chunks / kReports) == 0 && absl::GetFlag(FLAGS_pid) != 0) {
      std::printf("%s: %ld tokens, server %.1f MiB\n", title, answers * rows,
                  normd::bench::ResidentMiB(absl::GetFlag(FLAGS_pid)));
      std::fflush(stdout);
    }
  }
  writer.join();
  const auto last = stream.Finish();
  const std::chrono::duration<double> time = std::chrono::steady_clock::now() - start;
  if (!last.ok() || answers != chunks) {
    std::fprintf(stderr, "long_comparison: %s: %ld of %ld chunks: %s\n", title, answers, chunks,
                 last.status().ToString().c_str());
    return 0;
  }
  const double rate = static_cast<double>(chunks * rows) / time.count();
  std::printf("%s: %ld tokens of %d float32, %.1f s, %.0f tokens/s\n", title, chunks * rows,
              absl::GetFlag(FLAGS_features), time.count(), rate);
  return rate;
}

}  // namespace

int main(int argc, char** argv) {
  absl::ParseCommandLine(argc, argv);
  const int features = absl::GetFlag(FLAGS_features);
  const std::vector<std::string> data = MakeChunks(absl::GetFlag(FLAGS_rows_per_chunk) * features);
  normd::client::ClientOptions options;
  options.target = absl::GetFlag(FLAGS_server);
  const normd::client::Client client(options);

  normd::v1::Open open;
  open.mutable_spec()->mutable_layer_norm();
  open.add_row_shape(features);
  const auto normalizing = client.OpenStream(open);
  normd::v1::CompareOpen compare_open;
  compare_open.add_row_shape(features);
  for (const std::string& size : absl::GetFlag(FLAGS_batch_sizes)) {
    compare_open.mutable_plan()->add_batch_sizes(std::stol(size));
  }
  compare_open.mutable_plan()->set_batch_size_in_use(
      compare_open.plan().batch_sizes(compare_open.plan().batch_sizes_size() / 2));
  const auto comparing = client.OpenCompare(compare_open);
  if (!normalizing.ok() || !comparing.ok()) {
    std::fprintf(stderr, "long_comparison: no server at %s\n", options.target.c_str());
    return 1;
  }
  const double normalized = Run("normalizing", **normalizing, data);
  const double compared = Run("comparing", **comparing, data);
  if (normalized == 0 || compared == 0) return 1;
  std::printf("comparing at %.2f of normalizing's speed\n", compared / normalized);
  return 0;
}
