#include "server/server.h"

#include <algorithm>
#include <chrono>
#include <thread>
#include <utility>

#include "absl/strings/str_cat.h"
#include "grpcpp/ext/proto_server_reflection_plugin.h"
#include "grpcpp/server_builder.h"
#include "server/async/timer.h"
#include "spdlog/spdlog.h"

namespace normd::server {
namespace {

constexpr absl::Duration kSweepInterval = absl::Seconds(1);

// Arguments that gRPC 1.51's builder has no function for.
void AddChannelArguments(grpc::ServerBuilder& builder) {
  // A second server on the same port must fail, not share it silently.
  builder.AddChannelArgument(GRPC_ARG_ALLOW_REUSEPORT, 0);
  // Identity only: a message of some KiB could decompress to hundreds of MiB before any limit is
  // seen.
  builder.AddChannelArgument(GRPC_COMPRESSION_CHANNEL_ENABLED_ALGORITHMS_BITSET, 1);
  // Dead clients are noticed in a minute or two; those that ping each half minute are not punished.
  builder.AddChannelArgument(GRPC_ARG_KEEPALIVE_TIME_MS, 60'000);
  builder.AddChannelArgument(GRPC_ARG_KEEPALIVE_TIMEOUT_MS, 20'000);
  builder.AddChannelArgument(GRPC_ARG_KEEPALIVE_PERMIT_WITHOUT_CALLS, 1);
  builder.AddChannelArgument(GRPC_ARG_HTTP2_MIN_RECV_PING_INTERVAL_WITHOUT_DATA_MS, 10'000);
}

}  // namespace

Server::Server(const ServerOptions& options)
    : options_(options),
      store_(options.sessions, options.clock),
      normalization_(store_,
                     {{options.max_message_bytes, options.max_row_elements}, options.max_streams}),
      session_(store_, {options.session_idle_timeout}),
      health_({v1::NormalizationService::service_full_name(),
               v1::SessionService::service_full_name()}) {}

absl::StatusOr<std::unique_ptr<Server>> Server::Start(const ServerOptions& options) {
  std::unique_ptr<Server> server(new Server(options));
  // The plugin is global to the process: it must be there before the first builder is.
  if (options.reflection) grpc::reflection::InitProtoReflectionServerBuilderPlugin();
  grpc::ServerBuilder builder;
  AddChannelArguments(builder);
  builder.SetMaxReceiveMessageSize(static_cast<int>(options.max_message_bytes));
  if (!options.listen.empty()) {
    builder.AddListeningPort(options.listen, grpc::InsecureServerCredentials(), &server->port_);
  }
  builder.RegisterService(server->normalization_.grpc_service());
  builder.RegisterService(server->session_.grpc_service());
  builder.RegisterService(server->health_.grpc_service());
  const int threads = options.threads > 0
                          ? options.threads
                          : std::max(1, static_cast<int>(std::thread::hardware_concurrency()));
  for (int i = 0; i < threads; ++i) {
    server->loops_.push_back(std::make_unique<EventLoop>(builder.AddCompletionQueue()));
  }
  server->grpc_server_ = builder.BuildAndStart();
  if (server->grpc_server_ == nullptr) {
    return absl::UnavailableError(absl::StrCat("cannot listen on ", options.listen,
                                               ": is the address right, and the port free?"));
  }
  for (const auto& loop : server->loops_) {
    server->normalization_.Serve(*loop);
    server->session_.Serve(*loop);
    server->health_.Serve(*loop);
  }
  server->DeleteIdleSessions(*server->loops_.front());
  for (const auto& loop : server->loops_) loop->Start();
  if (!options.listen.empty()) {
    spdlog::info("listening on {} (port {})", options.listen, server->port_);
  }
  return server;
}

Server::~Server() {
  if (grpc_server_ != nullptr) {
    Drain();
  } else {
    for (const auto& loop : loops_) loop->Shutdown();
  }
}

std::shared_ptr<grpc::Channel> Server::InProcessChannel() {
  return grpc_server_->InProcessChannel(grpc::ChannelArguments());
}

void Server::Drain() {
  if (std::exchange(drained_, true)) return;
  spdlog::info("draining");
  health_.SetNotServing();
  for (const auto& loop : loops_) loop->StopAll();
  grpc_server_->Shutdown(absl::ToChronoTime(absl::Now() + options_.drain_timeout));
  for (const auto& loop : loops_) loop->Shutdown();
  spdlog::info("drained");
}

Task Server::DeleteIdleSessions(EventLoop& loop) {
  for (;;) {
    const bool serving = co_await Sleep(loop, absl::ToChronoNanoseconds(kSweepInterval));
    if (!serving) co_return;
    const int count = store_.DeleteIdle();
    if (count > 0) spdlog::info("{} idle sessions expired", count);
  }
}

}  // namespace normd::server
