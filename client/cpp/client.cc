#include "client/cpp/client.h"

#include "client/cpp/session_metadata.h"
#include "client/cpp/status.h"
#include "grpc/health/v1/health.grpc.pb.h"
#include "grpcpp/create_channel.h"

namespace normd::client {
namespace {

void AddSession(const v1::NormalizeRequest& request, grpc::ClientContext& context) {
  AddSessionName(request.session(), context);
}
void AddSession(const v1::CreateSessionRequest& request, grpc::ClientContext& context) {
  AddSessionId(request.session_id(), context);
}
void AddSession(const v1::UpdateSessionRequest& request, grpc::ClientContext& context) {
  AddSessionName(request.session().name(), context);
}
// Of Get, Reset and Delete; the others name none.
template <typename Request>
void AddSession(const Request& request, grpc::ClientContext& context) {
  if constexpr (requires { request.name(); }) AddSessionName(request.name(), context);
}

// One unary call with a deadline.
template <typename Response, typename Stub, typename Request>
absl::StatusOr<Response> Call(const ClientOptions& options, Stub stub,
                              grpc::Status (Stub::element_type::*method)(grpc::ClientContext*,
                                                                         const Request&, Response*),
                              const Request& request) {
  grpc::ClientContext context;
  context.set_deadline(absl::ToChronoTime(absl::Now() + options.timeout));
  AddSession(request, context);
  Response response;
  const grpc::Status status = ((*stub).*method)(&context, request, &response);
  if (!status.ok()) return FromGrpc(status);
  return response;
}

}  // namespace

std::shared_ptr<grpc::Channel> CreateChannel(const ClientOptions& options,
                                             grpc::ChannelArguments arguments) {
  arguments.SetMaxReceiveMessageSize(static_cast<int>(options.max_message_bytes));
  if (!options.tls_server_name.empty()) {
    arguments.SetSslTargetNameOverride(options.tls_server_name);
  }
  return grpc::CreateCustomChannel(
      options.target,
      options.credentials ? options.credentials : grpc::InsecureChannelCredentials(), arguments);
}

Client::Client(const ClientOptions& options)
    : options_(options), channel_(CreateChannel(options)) {}

absl::StatusOr<v1::NormalizeResponse> Client::Normalize(const v1::NormalizeRequest& request) const {
  using Stub = v1::NormalizationService::Stub;
  return Call(options_, v1::NormalizationService::NewStub(channel_), &Stub::Normalize, request);
}

absl::StatusOr<v1::ListMethodsResponse> Client::ListMethods() const {
  using Stub = v1::NormalizationService::Stub;
  return Call(options_, v1::NormalizationService::NewStub(channel_), &Stub::ListMethods,
              v1::ListMethodsRequest());
}

absl::StatusOr<v1::CreateSessionResponse> Client::CreateSession(
    const v1::CreateSessionRequest& request) const {
  using Stub = v1::SessionService::Stub;
  return Call(options_, v1::SessionService::NewStub(channel_), &Stub::CreateSession, request);
}

absl::StatusOr<v1::GetSessionResponse> Client::GetSession(
    const v1::GetSessionRequest& request) const {
  using Stub = v1::SessionService::Stub;
  return Call(options_, v1::SessionService::NewStub(channel_), &Stub::GetSession, request);
}

absl::StatusOr<v1::ListSessionsResponse> Client::ListSessions(
    const v1::ListSessionsRequest& request) const {
  using Stub = v1::SessionService::Stub;
  return Call(options_, v1::SessionService::NewStub(channel_), &Stub::ListSessions, request);
}

absl::StatusOr<v1::UpdateSessionResponse> Client::UpdateSession(
    const v1::UpdateSessionRequest& request) const {
  using Stub = v1::SessionService::Stub;
  return Call(options_, v1::SessionService::NewStub(channel_), &Stub::UpdateSession, request);
}

absl::StatusOr<v1::ResetSessionResponse> Client::ResetSession(
    const v1::ResetSessionRequest& request) const {
  using Stub = v1::SessionService::Stub;
  return Call(options_, v1::SessionService::NewStub(channel_), &Stub::ResetSession, request);
}

absl::StatusOr<v1::DeleteSessionResponse> Client::DeleteSession(
    const v1::DeleteSessionRequest& request) const {
  using Stub = v1::SessionService::Stub;
  return Call(options_, v1::SessionService::NewStub(channel_), &Stub::DeleteSession, request);
}

absl::StatusOr<bool> Client::IsServing(const std::string& service) const {
  using Stub = grpc::health::v1::Health::Stub;
  grpc::health::v1::HealthCheckRequest request;
  request.set_service(service);
  const auto response =
      Call(options_, grpc::health::v1::Health::NewStub(channel_), &Stub::Check, request);
  if (!response.ok()) return response.status();
  return response->status() == grpc::health::v1::HealthCheckResponse::SERVING;
}

absl::StatusOr<std::unique_ptr<NormalizeStream>> Client::OpenStream(const v1::Open& open) const {
  return NormalizeStream::Open(channel_, open, options_.timeout, options_.max_unread_bytes);
}

absl::StatusOr<std::unique_ptr<CompareStream>> Client::OpenCompare(
    const v1::CompareOpen& open) const {
  return CompareStream::Open(channel_, open, options_.timeout, options_.max_unread_bytes);
}

}  // namespace normd::client
