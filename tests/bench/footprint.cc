// The memory that a server needs for each open stream and for each session: what it holds after
// many were opened, less what it held before.
#include <cstdint>
#include <cstdio>
#include <cstdlib>
#include <memory>
#include <string>
#include <vector>

#include "absl/flags/flag.h"
#include "absl/flags/parse.h"
#include "absl/strings/str_cat.h"
#include "grpcpp/create_channel.h"
#include "normd/v1/session.grpc.pb.h"
#include "tests/bench/resident_memory.h"
#include "tests/testing/test_stream.h"

ABSL_FLAG(std::string, server, "127.0.0.1:50051", "HOST:PORT of normd.");
ABSL_FLAG(int, pid, 0, "Of normd, on this machine.");
ABSL_FLAG(int, streams, 2000, "Streams to open.");
ABSL_FLAG(int, connections, 20, "To open them over.");
ABSL_FLAG(int, sessions, 2000, "Sessions to create.");
ABSL_FLAG(int, features, 1024, "Elements of a token, and channels of a session.");

namespace {

using normd::testing::TestStream;

double ResidentKib() {
  const double mib = normd::bench::ResidentMiB(absl::GetFlag(FLAGS_pid));
  if (mib > 0) return 1024 * mib;
  std::fprintf(stderr, "footprint: --pid must be that of normd\n");
  std::exit(1);
}

std::shared_ptr<grpc::Channel> Connect() {
  grpc::ChannelArguments arguments;
  arguments.SetInt(GRPC_ARG_USE_LOCAL_SUBCHANNEL_POOL, 1);
  return grpc::CreateCustomChannel(absl::GetFlag(FLAGS_server), grpc::InsecureChannelCredentials(),
                                   arguments);
}

// A stream whose first token was answered.
std::unique_ptr<TestStream> OpenStream(const std::shared_ptr<grpc::Channel>& channel) {
  const int features = absl::GetFlag(FLAGS_features);
  normd::v1::Open open;
  open.mutable_spec()->mutable_layer_norm();
  open.add_row_shape(features);
  auto stream = std::make_unique<TestStream>(channel);
  stream->Open(open);
  stream->Receive();
  stream->Send(1, normd::testing::Bytes(std::vector<float>(features, 1.5F)));
  if (!stream->Receive().has_result()) {
    std::fprintf(stderr, "footprint: a stream failed: %s\n",
                 stream->Finish().error_message().c_str());
    std::exit(1);
  }
  return stream;
}

void CreateSession(normd::v1::SessionService::Stub& stub, int i) {
  normd::v1::CreateSessionRequest request;
  request.set_session_id(absl::StrCat("footprint-", i));
  request.mutable_session()->set_channel_count(absl::GetFlag(FLAGS_features));
  request.mutable_session()->mutable_spec()->mutable_batch_norm();
  grpc::ClientContext context;
  normd::v1::CreateSessionResponse response;
  if (const grpc::Status status = stub.CreateSession(&context, request, &response); !status.ok()) {
    std::fprintf(stderr, "footprint: a session failed: %s\n", status.error_message().c_str());
    std::exit(1);
  }
}

void Print(const char* what, int count, double before) {
  const double after = ResidentKib();
  std::printf("%6d %-12s %8.1f KiB each   (server: %.1f MiB before, %.1f MiB after)\n", count, what,
              (after - before) / count, before / 1024, after / 1024);
}

}  // namespace

int main(int argc, char** argv) {
  absl::ParseCommandLine(argc, argv);
  std::vector<std::shared_ptr<grpc::Channel>> channels(absl::GetFlag(FLAGS_connections));
  for (auto& channel : channels) channel = Connect();
  std::vector<std::unique_ptr<TestStream>> streams;
  // One of each first, so that what the server makes once is there.
  streams.push_back(OpenStream(channels.front()));
  const auto sessions = normd::v1::SessionService::NewStub(channels.front());
  CreateSession(*sessions, 0);

  double before = ResidentKib();
  std::vector<std::unique_ptr<TestStream>> first;
  for (const auto& channel : channels) first.push_back(OpenStream(channel));
  Print("connections", static_cast<int>(channels.size()), before);

  before = ResidentKib();
  for (int i = 0; i < absl::GetFlag(FLAGS_streams); ++i) {
    streams.push_back(OpenStream(channels[i % channels.size()]));
  }
  Print("streams", absl::GetFlag(FLAGS_streams), before);

  before = ResidentKib();
  for (int i = 1; i <= absl::GetFlag(FLAGS_sessions); ++i) CreateSession(*sessions, i);
  Print("sessions", absl::GetFlag(FLAGS_sessions), before);
  return 0;
}
