#include "server/server.h"

#include <algorithm>
#include <chrono>
#include <limits>
#include <thread>
#include <utility>

#include "absl/strings/str_cat.h"
#include "core/error/error.h"
#include "grpcpp/ext/proto_server_reflection_plugin.h"
#include "grpcpp/server_builder.h"
#include "server/async/timer.h"
#include "spdlog/spdlog.h"

namespace normd::server {
namespace {

constexpr absl::Duration kSweepInterval = absl::Seconds(1);

// Arguments that gRPC 1.51's builder has no function for.
void AddChannelArguments(const ServerOptions& options, grpc::ServerBuilder& builder) {
  // A second server on the same port must fail, not share it silently.
  builder.AddChannelArgument(GRPC_ARG_ALLOW_REUSEPORT, 0);
  // Identity only: a message of some KiB could decompress to hundreds of MiB before any limit is
  // seen.
  builder.AddChannelArgument(GRPC_COMPRESSION_CHANNEL_ENABLED_ALGORITHMS_BITSET, 1);
  const auto milliseconds = [](absl::Duration duration) {
    return static_cast<int>(absl::ToInt64Milliseconds(duration));
  };
  builder.AddChannelArgument(GRPC_ARG_KEEPALIVE_TIME_MS, milliseconds(options.keepalive_time));
  builder.AddChannelArgument(GRPC_ARG_KEEPALIVE_TIMEOUT_MS,
                             milliseconds(options.keepalive_timeout));
  // Clients that ping each half minute are not punished.
  builder.AddChannelArgument(GRPC_ARG_KEEPALIVE_PERMIT_WITHOUT_CALLS, 1);
  builder.AddChannelArgument(GRPC_ARG_HTTP2_MIN_RECV_PING_INTERVAL_WITHOUT_DATA_MS, 10'000);
}

absl::Status Validate(const ServerOptions& options) {
  struct Limit {
    const char* name;
    int64_t value, least, most;
  };
  constexpr int64_t kMaxInt = std::numeric_limits<int>::max();
  constexpr int64_t kMaxInt64 = std::numeric_limits<int64_t>::max();
  for (const Limit& limit :
       {Limit{"threads", options.threads, 0, 1024},
        Limit{"max_message_bytes", options.max_message_bytes, 1024, kMaxInt},
        Limit{"max_row_elements", options.max_row_elements, 1, kMaxInt},
        Limit{"max_streams", options.max_streams, 1, kMaxInt},
        Limit{"max_sessions", options.sessions.max_sessions, 0, kMaxInt64},
        Limit{"max_session_bytes", options.sessions.max_session_bytes, 0, kMaxInt64}}) {
    if (limit.value >= limit.least && limit.value <= limit.most) continue;
    return InvalidFieldError(limit.name, absl::StrCat("is ", limit.value, "; ", limit.least, " to ",
                                                      limit.most, " are allowed"));
  }
  return absl::OkStatus();
}

// No row is larger than the message that brings it.
MessageLimits LimitsOf(const ServerOptions& options) {
  return {options.max_message_bytes,
          std::min(options.max_row_elements,
                   options.max_message_bytes / static_cast<int64_t>(sizeof(float)))};
}

}  // namespace

Server::Server(const ServerOptions& options)
    : options_(options),
      store_(options.sessions, options.clock),
      streams_(options.max_streams),
      normalization_(store_, streams_, LimitsOf(options)),
      comparison_(streams_, LimitsOf(options)),
      session_(store_, {options.session_idle_timeout, LimitsOf(options).max_row_elements}),
      health_({v1::NormalizationService::service_full_name(),
               v1::ComparisonService::service_full_name(),
               v1::SessionService::service_full_name()}) {}

absl::StatusOr<std::unique_ptr<Server>> Server::Start(const ServerOptions& options) {
  NORMD_RETURN_IF_ERROR(Validate(options));
  std::unique_ptr<Server> server(new Server(options));
  // The plugin is global to the process: it must be there before the first builder is.
  if (options.reflection) grpc::reflection::InitProtoReflectionServerBuilderPlugin();
  grpc::ServerBuilder builder;
  AddChannelArguments(options, builder);
  builder.SetMaxReceiveMessageSize(static_cast<int>(options.max_message_bytes));
  builder.AddListeningPort(options.listen, grpc::InsecureServerCredentials(), &server->port_);
  builder.RegisterService(server->normalization_.grpc_service());
  builder.RegisterService(server->comparison_.grpc_service());
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
    server->comparison_.Serve(*loop);
    server->session_.Serve(*loop);
    server->health_.Serve(*loop);
  }
  server->DeleteIdleSessions(*server->loops_.front());
  for (const auto& loop : server->loops_) loop->Start();
  spdlog::info("listening on {} (port {})", options.listen, server->port_);
  return server;
}

Server::~Server() {
  if (grpc_server_ != nullptr) {
    Drain();
  } else {
    for (const auto& loop : loops_) loop->Shutdown();
  }
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
