// How long tokens, session reads and health checks wait for their answers after silence, beside
// another server at the same time. Prints a line of JSON for each kind and gap.
#include <algorithm>
#include <chrono>
#include <cstdio>
#include <functional>
#include <memory>
#include <string>
#include <thread>
#include <vector>

#include "absl/flags/flag.h"
#include "absl/flags/parse.h"
#include "grpc/health/v1/health.grpc.pb.h"
#include "normd/v1/session.grpc.pb.h"
#include "tests/testing/test_stream.h"

ABSL_FLAG(std::string, server, "127.0.0.1:50051", "HOST:PORT.");
ABSL_FLAG(std::string, baseline, "", "HOST:PORT of the server to compare with.");
ABSL_FLAG(int, samples, 60, "Samples of each kind and gap.");
ABSL_FLAG(int, streams, 4, "Connections at one time that take them, of each kind and gap.");

namespace {

using Milliseconds = std::chrono::duration<double, std::milli>;

constexpr double kGaps[] = {200, 500, 900, 1000, 1100, 1500, 2000};
constexpr int kFeatures = 1024;
constexpr char kSession[] = "after-silence";

// Sends one request and awaits its answer.
using Exchange = std::function<bool()>;
using Channel = std::shared_ptr<grpc::Channel>;

// One of its own: the silence is the connection's too.
Channel Connect(const std::string& server) {
  grpc::ChannelArguments arguments;
  arguments.SetInt(GRPC_ARG_USE_LOCAL_SUBCHANNEL_POOL, 1);
  return grpc::CreateCustomChannel(server, grpc::InsecureChannelCredentials(), arguments);
}

bool CreateSession(const std::string& server) {
  normd::v1::CreateSessionRequest request;
  request.set_session_id(kSession);
  request.mutable_session()->mutable_spec()->mutable_batch_norm();
  request.mutable_session()->set_channel_count(kFeatures);
  grpc::ClientContext context;
  normd::v1::CreateSessionResponse response;
  return normd::v1::SessionService::NewStub(Connect(server))
      ->CreateSession(&context, request, &response)
      .ok();
}

Exchange Tokens(const Channel& channel) {
  normd::v1::Open open;
  open.mutable_spec()->mutable_layer_norm();
  open.add_row_shape(kFeatures);
  auto stream = std::make_shared<normd::testing::TestStream>(channel);
  stream->Open(open);
  stream->Receive();
  return [stream, number = 0,
          token = normd::testing::Bytes(std::vector<float>(kFeatures, 1.5F))]() mutable {
    stream->Send(++number, token);
    return stream->Receive().has_result();
  };
}

Exchange SessionReads(const Channel& channel) {
  return [stub = std::shared_ptr(normd::v1::SessionService::NewStub(channel))] {
    normd::v1::GetSessionRequest request;
    request.set_name(std::string("sessions/") + kSession);
    grpc::ClientContext context;
    normd::v1::GetSessionResponse response;
    return stub->GetSession(&context, request, &response).ok();
  };
}

Exchange HealthChecks(const Channel& channel) {
  return [stub = std::shared_ptr(grpc::health::v1::Health::NewStub(channel))] {
    grpc::ClientContext context;
    grpc::health::v1::HealthCheckResponse response;
    return stub->Check(&context, {}, &response).ok();
  };
}

struct Kind {
  const char* name;
  Exchange (*open)(const Channel&);
};
constexpr Kind kKinds[] = {{"token", Tokens}, {"session", SessionReads}, {"health", HealthChecks}};

// The latencies of `samples` exchanges, each after `gap` of silence; empty where one failed.
std::vector<double> Measure(const Exchange& exchange, Milliseconds gap, int samples) {
  std::vector<double> latencies;
  if (!exchange()) return {};  // the first one connects
  for (int i = 0; i < samples; ++i) {
    std::this_thread::sleep_for(gap);
    const auto start = std::chrono::steady_clock::now();
    if (!exchange()) return {};
    latencies.push_back(Milliseconds(std::chrono::steady_clock::now() - start).count());
  }
  return latencies;
}

// What several connections measure, in a thread each.
class Samples {
 public:
  void Begin(const Kind& kind, const std::string& server, Milliseconds gap) {
    const int streams = absl::GetFlag(FLAGS_streams);
    parts_.resize(streams);
    for (int i = 0; i < streams; ++i) {
      threads_.emplace_back([&, server, gap, i, streams] {
        std::this_thread::sleep_for(gap * i / streams);  // not all at one time
        parts_[i] =
            Measure(kind.open(Connect(server)), gap, absl::GetFlag(FLAGS_samples) / streams);
      });
    }
  }

  // In order; empty where one failed.
  std::vector<double> End() {
    for (std::thread& thread : threads_) thread.join();
    std::vector<double> all;
    for (const std::vector<double>& part : parts_) {
      if (part.empty()) return {};
      all.insert(all.end(), part.begin(), part.end());
    }
    std::sort(all.begin(), all.end());
    return all;
  }

 private:
  std::vector<std::vector<double>> parts_;
  std::vector<std::thread> threads_;
};

struct Case {
  const Kind& kind;
  double gap;
  Samples server;
  Samples baseline;
};

}  // namespace

int main(int argc, char** argv) {
  absl::ParseCommandLine(argc, argv);
  const std::string server = absl::GetFlag(FLAGS_server);
  const std::string baseline = absl::GetFlag(FLAGS_baseline);
  if (!CreateSession(server) || !CreateSession(baseline)) {
    std::fprintf(stderr, "after_silence: no session could be created\n");
    return 1;
  }
  std::vector<Case> cases;
  cases.reserve(std::size(kKinds) * std::size(kGaps));
  for (const Kind& kind : kKinds) {
    for (const double gap : kGaps) {
      Case& begun = cases.emplace_back(Case{kind, gap, {}, {}});
      begun.server.Begin(kind, server, Milliseconds(gap));
      begun.baseline.Begin(kind, baseline, Milliseconds(gap));
    }
  }
  bool failed = false;
  for (Case& begun : cases) {
    const std::vector<double> ours = begun.server.End();
    const std::vector<double> theirs = begun.baseline.End();
    if (ours.empty() || theirs.empty()) {
      failed = true;
      continue;
    }
    std::printf(R"({"kind":"%s","silence_ms":%.0f,"normd":{"median_ms":%.3f,"max_ms":%.3f},)"
                R"("echo":{"median_ms":%.3f,"max_ms":%.3f}})"
                "\n",
                begun.kind.name, begun.gap, ours[ours.size() / 2], ours.back(),
                theirs[theirs.size() / 2], theirs.back());
  }
  if (failed) std::fprintf(stderr, "after_silence: an exchange failed\n");
  return failed ? 1 : 0;
}
