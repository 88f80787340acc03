#include "server/rpc/normalization_service.h"

#include <memory>
#include <utility>

#include "core/error/error.h"
#include "server/async/unary_call.h"
#include "server/rpc/proto_conversion.h"
#include "server/rpc/spec_conversion.h"
#include "server/rpc/status_mapping.h"
#include "server/rpc/stream_session.h"
#include "server/rpc/tensor_conversion.h"

namespace normd::server {
namespace {

grpc::Status ListMethods(const v1::ListMethodsRequest& /*request*/,
                         v1::ListMethodsResponse* response) {
  for (const MethodTraits& traits : Methods()) ToProto(traits, response->add_methods());
  return grpc::Status::OK;
}

}  // namespace

void NormalizationService::Serve(EventLoop& loop) {
  ServeStream<v1::NormalizeStreamRequest, v1::NormalizeStreamResponse>(
      loop, service_, &Service::RequestNormalizeStream, [this](std::unique_ptr<Call> call) {
        return RunStream(std::move(call), std::make_unique<StreamSession>(store_, limits_),
                         streams_);
      });
  ServeUnary<Service, v1::ListMethodsRequest, v1::ListMethodsResponse>(
      loop, service_, &Service::RequestListMethods, ListMethods);
  ServeUnary<Service, v1::NormalizeRequest, v1::NormalizeResponse>(
      loop, service_, &Service::RequestNormalize,
      [this](const v1::NormalizeRequest& request, v1::NormalizeResponse* response) {
        return ToGrpcStatus(CatchInternal([&] { return Normalize(request, response); }));
      });
}

absl::Status NormalizationService::Normalize(const v1::NormalizeRequest& request,
                                             v1::NormalizeResponse* response) {
  NormalizationTarget target;
  NORMD_RETURN_IF_ERROR(target.Bind(request, store_, limits_));
  const v1::Tensor& input = request.input();
  v1::Tensor* output = response->mutable_output();
  const absl::StatusOr<uint64_t> version = target.Normalize(
      {input.data(), input.shape(), request.lengths(), request.row_mask()}, output->mutable_data());
  if (!version.ok()) {
    const std::string field = DetailsOf(version.status()).field;
    const bool is_of_input = field == "data" || field == "shape";
    return is_of_input ? PrefixField("input", version.status()) : version.status();
  }
  output->set_element_type(ToProto(target.output_type()));
  *output->mutable_shape() = input.shape();
  ToProto(target.spec(), response->mutable_resolved_spec());
  response->set_mode(target.mode());
  // Statistics that came with the request have no version: no session keeps them.
  response->set_statistics_version(request.has_session() ? *version : 0);
  if (request.return_statistics() && target.session() != nullptr) {
    const SessionSnapshot snapshot = target.session()->Snapshot();
    ToProto(snapshot.statistics, request.has_session() ? snapshot.version : 0,
            response->mutable_statistics());
  }
  return absl::OkStatus();
}

}  // namespace normd::server
