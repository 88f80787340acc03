#include "server/rpc/normalization_service.h"

#include <memory>
#include <utility>

#include "core/error/error.h"
#include "core/kernels/executor.h"
#include "server/rpc/proto_conversion.h"
#include "server/rpc/spec_conversion.h"
#include "server/rpc/status_mapping.h"
#include "server/rpc/stream_session.h"
#include "server/rpc/tensor_conversion.h"
#include "server/rpc/unary_rpc.h"

namespace normd::server {
namespace {

absl::Status CheckResidual(const v1::NormalizeRequest& request) {
  if (!request.has_residual()) return absl::OkStatus();
  const v1::Tensor& input = request.input();
  const v1::Tensor& residual = request.residual();
  const bool fits = residual.element_type() == input.element_type() &&
                    absl::MakeConstSpan(residual.shape()) == absl::MakeConstSpan(input.shape()) &&
                    residual.data().size() == input.data().size();
  return fits
             ? absl::OkStatus()
             : InvalidFieldError("residual", "must have input's element_type, shape and data size");
}

absl::Status ListMethods(const v1::ListMethodsRequest& /*request*/,
                         v1::ListMethodsResponse* response) {
  for (const MethodTraits& traits : Methods()) ToProto(traits, response->add_methods());
  return absl::OkStatus();
}

}  // namespace

NormalizationService::NormalizationService(SessionStore& store, Admission& admission,
                                           const MessageLimits& limits, Metrics& metrics)
    : store_(store),
      admission_(admission),
      limits_(limits),
      metrics_(metrics),
      normalize_stream_(metrics, RpcType::kBidiStream,
                        v1::NormalizationService::service_full_name(), "NormalizeStream"),
      list_methods_(metrics, RpcType::kUnary, v1::NormalizationService::service_full_name(),
                    "ListMethods"),
      normalize_(metrics, RpcType::kUnary, v1::NormalizationService::service_full_name(),
                 "Normalize") {}

void NormalizationService::Serve(EventLoop& loop) {
  ServeStreams(loop, service_, &Service::RequestNormalizeStream, admission_.ready_streams,
               [this](std::unique_ptr<StreamCall> call) {
                 return RunStream(std::move(call),
                                  std::make_unique<StreamSession>(
                                      store_, limits_, admission_.inline_bytes, metrics_),
                                  admission_, normalize_stream_);
               });
  ServeUnaryRpc<v1::ListMethodsRequest, v1::ListMethodsResponse>(
      loop, service_, admission_.bytes, &Service::RequestListMethods, list_methods_, ListMethods);
  ServeUnaryRpc<v1::NormalizeRequest, v1::NormalizeResponse>(
      loop, service_, admission_.bytes, &Service::RequestNormalize, normalize_,
      [this](const v1::NormalizeRequest& request, v1::NormalizeResponse* response) {
        return Normalize(request, response);
      },
      {&admission_.workers, [this](const v1::NormalizeRequest& request) { return IsLong(request); },
       [this](const v1::NormalizeRequest& request) { return TurnOf(request); }});
}

bool NormalizationService::IsLong(const v1::NormalizeRequest& request) const {
  const bool updates_session = request.has_session() &&
                               request.mode() != v1::BATCH_NORM_MODE_UNSPECIFIED &&
                               request.mode() != v1::BATCH_NORM_MODE_INFERENCE;
  if (updates_session) return true;
  // As InlineLimit has it, where the worst is assumed: what shares statistics is a last dimension,
  // or in groups a channel of one element.
  const v1::NormalizationSpec& spec = request.spec();
  const auto& shape = request.input().shape();
  double cost = static_cast<double>(request.ByteSizeLong());
  if (spec.has_group_norm() || spec.has_instance_norm()) cost *= 4;
  double statistics = 128;
  for (int i = 0; i + 1 < shape.size(); ++i) statistics *= static_cast<double>(shape[i]);
  return cost + statistics > static_cast<double>(admission_.inline_bytes);
}

const void* NormalizationService::TurnOf(const v1::NormalizeRequest& request) const {
  if (!request.has_session()) return nullptr;
  const auto session = store_.Find(request.session());
  const auto policy = PolicyFromProto(request, true);
  if (!session.ok() || !policy.ok() || !(*session)->UpdatesByValue(*policy)) return nullptr;
  return session->get();
}

absl::Status NormalizationService::Normalize(const v1::NormalizeRequest& request,
                                             v1::NormalizeResponse* response) {
  if (admission_.overload.overloaded()) return OverloadedError();
  NormalizationTarget target(metrics_);
  NORMD_RETURN_IF_ERROR(target.Bind(request, store_, limits_));
  NORMD_RETURN_IF_ERROR(CheckResidual(request));
  // It runs where that says.
  Executor& executor = IsLong(request) ? admission_.executor : SerialExecutor();
  const v1::Tensor& input = request.input();
  v1::Tensor* output = response->mutable_output();
  const absl::StatusOr<uint64_t> version =
      target.Normalize({input.data(), input.shape(), request.lengths(), request.row_mask(),
                        request.residual().data()},
                       Patience::kWait, executor, [output](int64_t bytes) {
                         output->mutable_data()->resize(bytes);
                         return output->mutable_data()->data();
                       });
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
