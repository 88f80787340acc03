#include "server/rpc/health_service.h"

#include <utility>

#include "server/async/unary_call.h"

namespace normd::server {

using grpc::health::v1::HealthCheckRequest;
using grpc::health::v1::HealthCheckResponse;

HealthService::HealthService(absl::flat_hash_set<std::string> services)
    : services_(std::move(services)) {}

HealthCheckResponse::ServingStatus HealthService::StatusOf(const std::string& service) const {
  if (!service.empty() && !services_.contains(service)) {
    return HealthCheckResponse::SERVICE_UNKNOWN;
  }
  return serving_ ? HealthCheckResponse::SERVING : HealthCheckResponse::NOT_SERVING;
}

void HealthService::Serve(EventLoop& loop) {
  using Service = grpc::health::v1::Health::AsyncService;
  ServeUnary<Service, HealthCheckRequest, HealthCheckResponse>(
      loop, service_, &Service::RequestCheck,
      [this](const HealthCheckRequest& request, HealthCheckResponse* response) {
        response->set_status(StatusOf(request.service()));
        if (response->status() == HealthCheckResponse::SERVICE_UNKNOWN) {
          return grpc::Status(grpc::StatusCode::NOT_FOUND, "no service has this name");
        }
        return grpc::Status::OK;
      });
  ServeWatch<Service, HealthCheckRequest, HealthCheckResponse>(
      loop, service_, &Service::RequestWatch,
      [this](std::unique_ptr<Call> call) { return Watch(std::move(call)); });
}

Task HealthService::Watch(std::unique_ptr<Call> call) {
  HealthCheckResponse response;
  response.set_status(StatusOf(call->request()->service()));
  bool alive = co_await call->Write(response);
  if (alive) alive = co_await call->UntilStopped();
  if (alive && response.status() == HealthCheckResponse::SERVING) {
    response.set_status(StatusOf(call->request()->service()));
    co_await call->Write(response);
  }
  const grpc::Status status(grpc::StatusCode::UNAVAILABLE, "the server is draining");
  co_await call->Finish(status);
}

}  // namespace normd::server
