#include "server/rpc/health_service.h"

#include <utility>

#include "server/observability/call_record.h"
#include "server/rpc/status_mapping.h"
#include "server/rpc/unary_rpc.h"

namespace normd::server {

using grpc::health::v1::HealthCheckRequest;
using grpc::health::v1::HealthCheckResponse;

HealthService::HealthService(Admission& admission, absl::flat_hash_set<std::string> services,
                             Metrics& metrics)
    : admission_(admission),
      services_(std::move(services)),
      check_(metrics, RpcType::kUnary, grpc::health::v1::Health::service_full_name(), "Check"),
      watch_(metrics, RpcType::kServerStream, grpc::health::v1::Health::service_full_name(),
             "Watch") {}

HealthCheckResponse::ServingStatus HealthService::StatusOf(const std::string& service) const {
  if (!service.empty() && !services_.contains(service)) {
    return HealthCheckResponse::SERVICE_UNKNOWN;
  }
  return serving_ ? HealthCheckResponse::SERVING : HealthCheckResponse::NOT_SERVING;
}

void HealthService::Serve(EventLoop& loop) {
  using Service = grpc::health::v1::Health::AsyncService;
  ServeUnaryRpc<HealthCheckRequest, HealthCheckResponse>(
      loop, service_, unlimited_, &Service::RequestCheck, check_,
      [this](const HealthCheckRequest& request, HealthCheckResponse* response) {
        response->set_status(StatusOf(request.service()));
        if (response->status() == HealthCheckResponse::SERVICE_UNKNOWN) {
          return absl::NotFoundError("no service has this name");
        }
        return absl::OkStatus();
      });
  Watches& watches = *watches_.emplace_back(std::make_unique<Watches>(Watches{loop, {}}));
  ServeWatch<Service, HealthCheckRequest, HealthCheckResponse>(
      loop, service_, &Service::RequestWatch,
      [this, &watches](std::unique_ptr<Call> call) { return Watch(std::move(call), watches); });
}

void HealthService::SetNotServing() {
  serving_ = false;
  for (const auto& watches : watches_) {
    watches->loop.Post([&watches = *watches] {
      // One that is woken may end, and others with it: each is looked up again.
      const std::vector<Call*> all(watches.calls.begin(), watches.calls.end());
      for (Call* call : all) {
        if (watches.calls.contains(call)) call->Wake();
      }
    });
  }
}

Task HealthService::Watch(std::unique_ptr<Call> call, Watches& watches) {
  CallRecord record(watch_, *call->context());
  record.CountReceived();
  const OpenStreams::Place place(admission_.streams, record.peer());
  if (!place.status().ok()) {
    const grpc::Status refusal = ToGrpcStatus(place.status());
    co_await call->Finish(refusal);
    record.End(refusal, ReasonOf(place.status()));
    co_return;
  }
  watches.calls.insert(call.get());
  HealthCheckResponse response;
  response.set_status(StatusOf(call->request()->service()));
  bool alive = co_await call->Write(response);
  if (alive) record.CountSent();
  while (alive) {
    const auto status = StatusOf(call->request()->service());
    if (status != response.status()) {
      response.set_status(status);
      alive = co_await call->Write(response);
      if (alive) record.CountSent();
    } else if (call->stopping()) {
      break;
    } else {
      alive = co_await call->UntilWoken();
    }
  }
  const grpc::Status status(grpc::StatusCode::UNAVAILABLE, "the server is draining");
  co_await call->Finish(status);
  watches.calls.erase(call.get());
  if (alive) {
    record.End(status, "DRAINING");
  } else {
    record.EndAbandoned();
  }
}

}  // namespace normd::server
