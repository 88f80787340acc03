// Streams many tokens through LayerNorm and through a BatchNorm session, and checks every answer:
// none lost, duplicated or reordered. Prints the server's memory as it goes.
#include <unistd.h>

#include <algorithm>
#include <chrono>
#include <cmath>
#include <cstdio>
#include <string>
#include <thread>
#include <vector>

#include "absl/flags/flag.h"
#include "absl/flags/parse.h"
#include "normd/v1/session.grpc.pb.h"
#include "tests/bench/resident_memory.h"
#include "tests/testing/test_stream.h"

ABSL_FLAG(std::string, server, "127.0.0.1:50051", "HOST:PORT of normd.");
ABSL_FLAG(int64_t, tokens, 1'000'000, "Tokens a method.");
ABSL_FLAG(int, features, 1024, "Elements of a token.");
ABSL_FLAG(int, pid, 0, "The server's process id, to print its resident memory.");

namespace {

constexpr int kReports = 5;

// Token k: a ramp with k's own number in it, so that LayerNorm's output differs from token to
// token.
void FillToken(int64_t k, std::vector<float>& token) {
  for (size_t i = 0; i < token.size(); ++i) token[i] = static_cast<float>(i);
  token[k % token.size()] += 1e4F;
}

// The position of the largest element tells which token an answer belongs to.
bool BelongsTo(int64_t k, const std::string& data, size_t features) {
  if (data.size() != features * sizeof(float)) return false;
  const auto* y = reinterpret_cast<const float*>(data.data());
  const size_t place = k % features;
  return y[place] > y[(place + 1) % features] && std::isfinite(y[place]);
}

int Run(const std::shared_ptr<grpc::Channel>& channel, const char* title,
        const normd::v1::Open& open) {
  const int64_t tokens = absl::GetFlag(FLAGS_tokens);
  const int features = absl::GetFlag(FLAGS_features);
  normd::testing::TestStream stream(channel);
  stream.Open(open);
  if (!stream.Receive().has_opened()) {
    std::fprintf(stderr, "long_stream: %s\n", stream.Finish().error_message().c_str());
    return 1;
  }
  const auto start = std::chrono::steady_clock::now();
  std::thread writer([&] {
    std::vector<float> token(features);
    for (int64_t k = 1; k <= tokens; ++k) {
      FillToken(k, token);
      if (!stream.Send(k, normd::testing::Bytes(token))) return;
    }
    stream.HalfClose();
  });
  int64_t wrong = 0;
  for (int64_t k = 1; k <= tokens; ++k) {
    const auto answer = stream.Receive();
    if (!answer.has_result() || answer.result().sequence_number() != static_cast<uint64_t>(k) ||
        !BelongsTo(k, answer.result().data(), features)) {
      ++wrong;
      if (!answer.has_result()) {
        stream.Cancel();
        break;
      }
    }
    if (k % std::max<int64_t>(1, tokens / kReports) == 0 && absl::GetFlag(FLAGS_pid) != 0) {
      std::printf("%s: %ld tokens, server %.1f MiB\n", title, k,
                  normd::bench::ResidentMiB(absl::GetFlag(FLAGS_pid)));
    }
  }
  const auto closed = stream.Receive();
  writer.join();
  const grpc::Status status = stream.Finish();
  const double seconds =
      std::chrono::duration<double>(std::chrono::steady_clock::now() - start).count();
  std::printf(
      "%s: %ld tokens of %d float32, %ld wrong, last answered %lu, %.1f s, %.0f tokens/s, %s\n",
      title, tokens, features, wrong, closed.closed().last_sequence_number(), seconds,
      static_cast<double>(tokens) / seconds, status.ok() ? "OK" : "FAILED");
  return wrong == 0 && status.ok() ? 0 : 1;
}

}  // namespace

int main(int argc, char** argv) {
  absl::ParseCommandLine(argc, argv);
  const auto channel =
      grpc::CreateChannel(absl::GetFlag(FLAGS_server), grpc::InsecureChannelCredentials());
  normd::v1::Open layer_norm;
  layer_norm.mutable_spec()->mutable_layer_norm();
  layer_norm.add_row_shape(absl::GetFlag(FLAGS_features));
  if (Run(channel, "layer_norm", layer_norm) != 0) return 1;

  const std::string id = "long-stream-" + std::to_string(getpid());
  normd::v1::CreateSessionRequest request;
  request.set_session_id(id);
  request.mutable_session()->set_channel_count(absl::GetFlag(FLAGS_features));
  request.mutable_session()
      ->mutable_spec()
      ->mutable_batch_norm()
      ->mutable_estimator()
      ->mutable_cumulative();
  grpc::ClientContext context;
  normd::v1::CreateSessionResponse response;
  const auto sessions = normd::v1::SessionService::NewStub(channel);
  const grpc::Status created = sessions->CreateSession(&context, request, &response);
  if (!created.ok()) {
    std::fprintf(stderr, "long_stream: %s\n", created.error_message().c_str());
    return 1;
  }
  normd::v1::Open batch_norm;
  batch_norm.set_session("sessions/" + id);
  batch_norm.add_row_shape(absl::GetFlag(FLAGS_features));
  batch_norm.set_mode(normd::v1::BATCH_NORM_MODE_STREAMING);
  // The other order gives zeros for the first token, which then cannot be told from another.
  batch_norm.set_update_order(normd::v1::UPDATE_ORDER_NORMALIZE_THEN_UPDATE);
  return Run(channel, "batch_norm session", batch_norm);
}
