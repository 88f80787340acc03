#include "server/server.h"

#include <malloc.h>

#include <algorithm>
#include <atomic>
#include <chrono>
#include <utility>

#include "absl/strings/str_cat.h"
#include "core/error/error.h"
#include "grpc/grpc.h"
#include "grpcpp/ext/proto_server_reflection_plugin.h"
#include "grpcpp/impl/server_builder_option.h"
#include "grpcpp/impl/server_builder_plugin.h"
#include "grpcpp/resource_quota.h"
#include "grpcpp/server_builder.h"
#include "server/async/processors.h"
#include "server/async/timer.h"
#include "server/observability/process_metrics.h"
#include "server/transport/listen_address.h"
#include "spdlog/spdlog.h"

namespace normd::server {
namespace {

constexpr absl::Duration kSweepInterval = absl::Seconds(1);
// Of gRPC's own: reflection holds one for each of its streams.
constexpr int kReflectionThreads = 8;
constexpr absl::Duration kStreamsPollInterval = absl::Milliseconds(5);
// A way there and back, with a slow reader at its end.
constexpr absl::Duration kReadTime = absl::Milliseconds(500);

// Arguments that gRPC 1.51's builder has no function for.
void AddChannelArguments(const ServerOptions& options, grpc::ServerBuilder& builder) {
  // A second server on the same port must fail, not share it silently.
  builder.AddChannelArgument(GRPC_ARG_ALLOW_REUSEPORT, 0);
  if (!options.accept_compression) {
    // Identity only: a message of some KiB could decompress to hundreds of MiB before any limit is
    // seen.
    builder.AddChannelArgument(GRPC_COMPRESSION_CHANNEL_ENABLED_ALGORITHMS_BITSET, 1);
    // Nor the filters for it, which see every message.
    builder.AddChannelArgument(GRPC_ARG_ENABLE_PER_MESSAGE_COMPRESSION, 0);
    builder.AddChannelArgument(GRPC_ARG_ENABLE_PER_MESSAGE_DECOMPRESSION, 0);
  }
  const auto milliseconds = [](absl::Duration duration) {
    return static_cast<int>(absl::ToInt64Milliseconds(duration));
  };
  builder.AddChannelArgument(GRPC_ARG_MAX_CONCURRENT_STREAMS, options.max_streams_per_connection);
  builder.AddChannelArgument(GRPC_ARG_MAX_METADATA_SIZE, options.max_metadata_bytes);
  builder.AddChannelArgument(GRPC_ARG_SERVER_HANDSHAKE_TIMEOUT_MS,
                             milliseconds(options.handshake_timeout));
  builder.AddChannelArgument(GRPC_ARG_KEEPALIVE_TIME_MS, milliseconds(options.keepalive_time));
  builder.AddChannelArgument(GRPC_ARG_KEEPALIVE_TIMEOUT_MS,
                             milliseconds(options.keepalive_timeout));
  // Only where it is wanted: gRPC's filter for it sees every message.
  if (options.connection_idle_timeout != absl::InfiniteDuration()) {
    builder.AddChannelArgument(GRPC_ARG_MAX_CONNECTION_IDLE_MS,
                               milliseconds(options.connection_idle_timeout));
  }
  // No client library pings more often than each 10 s, and what is sent so far apart may arrive
  // closer together: half of it is allowed. More than two pings sooner end the connection.
  builder.AddChannelArgument(GRPC_ARG_KEEPALIVE_PERMIT_WITHOUT_CALLS, 1);
  builder.AddChannelArgument(GRPC_ARG_HTTP2_MIN_RECV_PING_INTERVAL_WITHOUT_DATA_MS, 5000);
}

// gRPC's reflection library adds itself to every builder as soon as it is linked.
class WithoutReflection final : public grpc::ServerBuilderOption {
 public:
  void UpdateArguments(grpc::ChannelArguments* /*arguments*/) override {}
  void UpdatePlugins(std::vector<std::unique_ptr<grpc::ServerBuilderPlugin>>* plugins) override {
    std::erase_if(*plugins, [](const std::unique_ptr<grpc::ServerBuilderPlugin>& plugin) {
      return plugin->name() == "proto_server_reflection";
    });
  }
};

// No row is larger than the message that brings it.
MessageLimits LimitsOf(const ServerOptions& options) {
  MessageLimits limits = options.message;
  limits.max_row_elements = std::min(
      limits.max_row_elements, limits.max_message_bytes / static_cast<int64_t>(sizeof(float)));
  return limits;
}

// As many as an answer has room for beside the session itself: two float64 each.
int64_t MaxChannels(const MessageLimits& limits) {
  return std::min(limits.max_row_elements, limits.max_message_bytes / 18);
}

}  // namespace

Server::Server(const ServerOptions& options)
    : options_(options),
      store_(options.sessions, options.clock),
      admission_{{options.max_streams, options.max_streams_per_connection},
                 ByteBudget(options.max_bytes_in_flight),
                 ByteBudget(options.max_comparison_bytes),
                 OverloadDetector(absl::ToChronoNanoseconds(options.max_queue_delay)),
                 WorkerPool(options.workers),
                 options.inline_bytes,
                 options.ready_streams},
      normalization_(store_, admission_, LimitsOf(options), metrics_),
      comparison_(admission_, LimitsOf(options), metrics_),
      session_(store_, admission_, {options.session_idle_timeout, MaxChannels(LimitsOf(options))},
               metrics_),
      health_(admission_,
              {v1::NormalizationService::service_full_name(),
               v1::ComparisonService::service_full_name(), v1::SessionService::service_full_name()},
              metrics_) {
  AddMetrics();
}

void Server::AddMetrics() {
  AddProcessMetrics(metrics_);
  AddBuildInfo(metrics_);
  metrics_.AddGauge("normd_ready", "1 while new streams are taken.", {},
                    [this] { return is_ready() ? 1 : 0; });
  metrics_.AddGauge("normd_streams", "Open streams.", {},
                    [this] { return admission_.streams.count(); });
  metrics_.AddGauge("normd_overloaded", "1 while new streams are refused for it.", {},
                    [this] { return admission_.overload.overloaded() ? 1 : 0; });
  metrics_.AddGauge("normd_sessions", "Sessions.", {},
                    [this] { return static_cast<double>(store_.session_count()); });
  metrics_.AddGauge("normd_session_bytes", "Memory of sessions that are held by anyone.", {},
                    [this] { return static_cast<double>(store_.session_bytes()); });
  metrics_.AddCounter("normd_sessions_expired_total", "Sessions deleted for being idle.", {},
                      [this] { return static_cast<double>(store_.expired_count()); });
  metrics_.AddGauge("normd_bytes_in_flight", "Bytes of messages whose answers are not sent yet.",
                    {}, [this] { return static_cast<double>(admission_.bytes.used()); });
  metrics_.AddGauge("normd_comparison_bytes", "Memory of Compare streams' statistics.", {},
                    [this] { return static_cast<double>(admission_.comparisons.used()); });
  metrics_.AddCounter("normd_reads_paused_total", "Messages that waited for bytes in flight.", {},
                      [this] { return static_cast<double>(admission_.bytes.pauses()); });
  metrics_.AddGauge("normd_pool_waiting", "Long messages that wait for a worker.", {},
                    [this] { return static_cast<double>(admission_.workers.waiting()); });
  metrics_.AddCounter("normd_pool_jobs_total", "Long messages that were given to the workers.", {},
                      [this] { return static_cast<double>(admission_.workers.submitted()); });
  for (const auto& [limit, value] :
       {std::pair{"streams", static_cast<double>(options_.max_streams)},
        std::pair{"sessions", static_cast<double>(options_.sessions.max_sessions)},
        std::pair{"session_bytes", static_cast<double>(options_.sessions.max_session_bytes)},
        std::pair{"comparison_bytes", static_cast<double>(options_.max_comparison_bytes)},
        std::pair{"bytes_in_flight", static_cast<double>(options_.max_bytes_in_flight)}}) {
    metrics_.AddGauge("normd_limit", "What normd_{limit} may be.", {{"limit", limit}},
                      [value = value] { return value; });
  }
}

absl::StatusOr<std::unique_ptr<Server>> Server::Start(const ServerOptions& options) {
  NORMD_RETURN_IF_ERROR(Validate(options));
  std::unique_ptr<Server> server(new Server(options));
  NORMD_RETURN_IF_ERROR(server->Listen());
  for (const auto& loop : server->loops_) {
    server->normalization_.Serve(*loop);
    server->comparison_.Serve(*loop);
    server->session_.Serve(*loop);
    server->health_.Serve(*loop);
    server->CancelUnreadStreams(*loop);
  }
  server->DeleteIdleSessions(*server->loops_.front());
  server->ReturnFreeMemory(*server->loops_.front());
  if (server->certificates_ != nullptr) server->ReloadCertificates(*server->loops_.front());
  for (const auto& loop : server->loops_) loop->Start();
  server->StartProbe();
  server->queue_delay_ = std::make_unique<QueueDelaySampler>(server->metrics_, server->loops_,
                                                             server->admission_.overload);
  if (absl::Status status = server->StartAdmin(); !status.ok()) {
    server->HurryDrain();
    return status;
  }
  spdlog::info(
      "listening on {} (port {}), {}", options.listen, server->port_,
      options.tls.client_ca.empty() ? options.tls.enabled() ? "TLS" : "plaintext" : "mutual TLS");
  return server;
}

absl::Status Server::Listen() {
  if (options_.tls.enabled()) {
    auto certificates = ReloadingCertificates::Create(options_.tls);
    if (!certificates.ok()) return certificates.status();
    certificates_ = *std::move(certificates);
    metrics_.AddGauge(
        "normd_tls_certificate_expiry_timestamp_seconds",
        "End of the validity of the certificate in force.", {},
        [this] { return absl::ToDoubleSeconds(certificates_->not_after() - absl::UnixEpoch()); });
    credentials_ = ReloadingCertificates::Credentials(certificates_);
  } else {
    credentials_ = grpc::InsecureServerCredentials();
    if (!IsLoopback(options_.listen)) {
      spdlog::warn("plaintext on {}: whoever is on the way can read and change what is sent",
                   options_.listen);
    }
  }
  // The plugin is global to the process: it must be there before the first builder is.
  if (options_.reflection) grpc::reflection::InitProtoReflectionServerBuilderPlugin();
  grpc::ServerBuilder builder;
  if (!options_.reflection) builder.SetOption(std::make_unique<WithoutReflection>());
  AddChannelArguments(options_, builder);
  grpc::ResourceQuota quota("normd");
  quota.Resize(static_cast<size_t>(options_.max_transport_bytes));
  quota.SetMaxThreads(kReflectionThreads);
  builder.SetResourceQuota(quota);
  builder.SetMaxReceiveMessageSize(static_cast<int>(options_.message.max_message_bytes));
  builder.AddListeningPort(options_.listen, credentials_, &port_);
  builder.RegisterService(normalization_.grpc_service());
  builder.RegisterService(comparison_.grpc_service());
  builder.RegisterService(session_.grpc_service());
  builder.RegisterService(health_.grpc_service());
  const int threads = options_.threads > 0 ? options_.threads : AvailableProcessors();
  for (int i = 0; i < threads; ++i) {
    loops_.push_back(std::make_unique<EventLoop>(builder.AddCompletionQueue()));
  }
  grpc_server_ = builder.BuildAndStart();
  if (grpc_server_ != nullptr) return absl::OkStatus();
  return absl::UnavailableError(absl::StrCat("cannot listen on ", options_.listen,
                                             ": is the address right, and the port free?"));
}

absl::Status Server::StartAdmin() {
  if (options_.admin_listen.empty()) return absl::OkStatus();
  auto admin =
      AdminServer::Start(options_.admin_listen, metrics_,
                         {[this] { return listener_alive(); }, [this] { return is_ready(); }});
  if (!admin.ok()) return admin.status();
  admin_ = *std::move(admin);
  spdlog::info("metrics and health on {} (port {})", options_.admin_listen, admin_->port());
  return absl::OkStatus();
}

void Server::StartProbe() {
  if (options_.listener_probe_interval <= absl::ZeroDuration()) return;
  if (IsUnixSocket(options_.listen)) return;
  ListenerProbe::Options probe;
  probe.host = ReachableHost(ParseListenAddress(options_.listen));
  probe.port = port_;
  probe.interval = options_.listener_probe_interval;
  probe.has_time = [this] { return LoopsHaveTime(); };
  probe.on_dead = options_.on_listener_dead;
  prometheus::Counter* failures =
      &metrics_.Counter("normd_listener_probe_failures_total",
                        "Connections to the own port that were not served.", {});
  probe.on_failure = [failures] { failures->Increment(); };
  probe_ = std::make_unique<ListenerProbe>(std::move(probe));
}

// The loops' threads accept connections too, when they wait for work.
bool Server::LoopsHaveTime() const {
  const auto waiting = std::make_shared<std::atomic<size_t>>(loops_.size());
  for (const auto& loop : loops_) {
    loop->Post([waiting] { --*waiting; });
  }
  for (int i = 0; i < 10 && *waiting > 0; ++i) absl::SleepFor(absl::Milliseconds(50));
  return *waiting == 0;
}

Server::~Server() {
  if (grpc_server_ != nullptr) {
    Drain();
  } else {
    for (const auto& loop : loops_) loop->Shutdown();
  }
}

bool Server::is_ready() const {
  const std::lock_guard lock(drain_mutex_);
  return phase_ == Phase::kServing;
}

bool Server::listener_alive() const {
  const std::lock_guard lock(drain_mutex_);
  return probe_ == nullptr || probe_->alive();
}

void Server::Drain() {
  {
    std::unique_lock lock(drain_mutex_);
    if (phase_ != Phase::kServing) return;
    phase_ = Phase::kDelaying;
    spdlog::info("draining");
    health_.SetNotServing();
    hurry_.wait_for(lock, absl::ToChronoMilliseconds(options_.drain_delay),
                    [this] { return hurried_; });
    phase_ = Phase::kEnding;
    if (probe_ != nullptr) probe_->Stop();
  }
  const absl::Time deadline = absl::Now() + options_.drain_timeout;
  const bool had_streams = admission_.streams.count() > 0;
  for (const auto& loop : loops_) loop->StopAll();
  if (had_streams) LetClientsRead(deadline);
  absl::Time last = deadline;
  {
    const std::lock_guard lock(drain_mutex_);
    if (hurried_) last = absl::Now();
  }
  grpc_server_->Shutdown(absl::ToChronoTime(last));
  for (const auto& loop : loops_) loop->Shutdown();
  spdlog::info("drained");
}

void Server::LetClientsRead(absl::Time deadline) {
  std::unique_lock lock(drain_mutex_);
  const auto wait = [&](absl::Duration duration) {
    hurry_.wait_for(lock, absl::ToChronoNanoseconds(std::min(duration, deadline - absl::Now())),
                    [this] { return hurried_; });
    return !hurried_ && absl::Now() < deadline;
  };
  while (admission_.streams.count() > 0) {
    if (!wait(kStreamsPollInterval)) return;
  }
  wait(kReadTime);
}

void Server::HurryDrain() {
  const std::lock_guard lock(drain_mutex_);
  hurried_ = true;
  hurry_.notify_all();
  if (phase_ == Phase::kEnding) grpc_server_cancel_all_calls(grpc_server_->c_server());
}

Task Server::DeleteIdleSessions(EventLoop& loop) {
  for (;;) {
    const bool serving = co_await Sleep(loop, absl::ToChronoNanoseconds(kSweepInterval));
    if (!serving) co_return;
    const int count = store_.DeleteIdle();
    if (count > 0) spdlog::info("{} idle sessions expired", count);
  }
}

// The allocator keeps what large messages took, cut into pieces among small ones: it is asked for
// it in the first quiet second after them. It still keeps the ends of its arenas (KeepFreeMemory).
Task Server::ReturnFreeMemory(EventLoop& loop) {
  constexpr int64_t kMuch = 4 << 20;
  constexpr int64_t kLittle = 1 << 20;
  bool worth_it = false;
  for (;;) {
    const bool serving = co_await Sleep(loop, absl::ToChronoNanoseconds(kSweepInterval));
    if (!serving) co_return;
    const int64_t peak = admission_.bytes.TakePeak();
    if (peak > kMuch) {
      worth_it = true;
    } else if (worth_it && peak < kLittle) {
      malloc_trim(0);
      worth_it = false;
    }
  }
}

Task Server::CancelUnreadStreams(EventLoop& loop) {
  for (;;) {
    const bool serving = co_await Sleep(loop, absl::ToChronoNanoseconds(kSweepInterval));
    if (!serving) co_return;
    loop.CancelStalled(static_cast<int>(options_.unread_timeout / kSweepInterval));
  }
}

Task Server::ReloadCertificates(EventLoop& loop) {
  const auto reloads = [this](const char* result) {
    return &metrics_.Counter("normd_tls_reloads_total", "Certificates that were read anew.",
                             {{"result", result}});
  };
  prometheus::Counter* const loaded = reloads("loaded");
  prometheus::Counter* const refused = reloads("refused");
  std::string last_error;
  for (;;) {
    const bool serving =
        co_await Sleep(loop, absl::ToChronoNanoseconds(options_.tls_reload_interval));
    if (!serving) co_return;
    const absl::StatusOr<bool> changed = certificates_->Reload();
    if (!changed.ok()) {
      // Once for each state of the files.
      const std::string error(changed.status().message());
      if (error != last_error) {
        refused->Increment();
        spdlog::error("keeping the certificates in force: {}", error);
      }
      last_error = error;
      continue;
    }
    last_error.clear();
    if (*changed) {
      loaded->Increment();
      spdlog::info("certificates reloaded, valid until {}",
                   absl::FormatTime(certificates_->not_after(), absl::UTCTimeZone()));
    }
  }
}

}  // namespace normd::server
