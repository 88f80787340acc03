#include "server/rpc/normalization_service.h"

#include <utility>

#include "absl/strings/str_cat.h"
#include "core/error/error.h"
#include "server/async/unary_call.h"
#include "server/rpc/proto_conversion.h"
#include "server/rpc/spec_conversion.h"
#include "server/rpc/status_mapping.h"
#include "server/rpc/tensor_conversion.h"

namespace normd::server {
namespace {

grpc::Status ListMethods(const v1::ListMethodsRequest& /*request*/,
                         v1::ListMethodsResponse* response) {
  for (const MethodTraits& traits : Methods()) ToProto(traits, response->add_methods());
  return grpc::Status::OK;
}

absl::Status DrainingError() {
  return WithReason(absl::UnavailableError("the server is draining: open the stream again, on "
                                           "another server or after a restart"),
                    "DRAINING");
}

absl::Status MalformedError() {
  return WithReason(absl::InvalidArgumentError("a message is no NormalizeStreamRequest"),
                    "MALFORMED_MESSAGE");
}

absl::Status TooManyStreamsError(int limit) {
  return WithReason(
      absl::ResourceExhaustedError(absl::StrCat("this server holds as many streams as it may, ",
                                                limit, ": close some, or raise --max_streams")),
      kTooManyStreams);
}

// Counts a stream for as long as it lives.
class OpenStream {
 public:
  explicit OpenStream(std::atomic<int>& count) : count_(count), number_(++count) {}
  ~OpenStream() { --count_; }
  OpenStream(const OpenStream&) = delete;
  OpenStream& operator=(const OpenStream&) = delete;
  int number() const { return number_; }

 private:
  std::atomic<int>& count_;
  const int number_;
};

}  // namespace

void NormalizationService::Serve(EventLoop& loop) {
  ServeStream<v1::NormalizeStreamRequest, v1::NormalizeStreamResponse>(
      loop, service_, &Service::RequestNormalizeStream,
      [this](std::unique_ptr<Call> call) { return NormalizeStream(std::move(call)); });
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
  NORMD_RETURN_IF_ERROR(target.Bind(request, store_, options_.limits));
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
  response->set_statistics_version(*version);
  if (request.return_statistics() && target.session() != nullptr) {
    const SessionSnapshot snapshot = target.session()->Snapshot();
    ToProto(snapshot.statistics, snapshot.version, response->mutable_statistics());
  }
  return absl::OkStatus();
}

Task NormalizationService::NormalizeStream(std::unique_ptr<Call> call) {
  const OpenStream open_stream(open_streams_);
  StreamSession session(store_, options_.limits);
  v1::NormalizeStreamRequest request;
  v1::NormalizeStreamResponse response;

  absl::Status status;
  bool opened = false;
  if (open_stream.number() > options_.max_streams) {
    status = TooManyStreamsError(options_.max_streams);
  }
  while (status.ok()) {
    const ReadOutcome outcome = co_await call->Read(&request);
    if (outcome == ReadOutcome::kEnd) break;
    if (outcome == ReadOutcome::kStop) {
      status = DrainingError();
      break;
    }
    if (outcome == ReadOutcome::kMalformed) {
      status = MalformedError();
      break;
    }
    status = CatchInternal([&] {
      return opened ? session.Normalize(request, &response) : session.Open(request, &response);
    });
    if (!status.ok()) break;
    opened = true;
    const bool written = co_await call->Write(response);
    if (!written) break;  // the client is gone
  }
  if (opened) {
    session.Close(&response);
    co_await call->Write(response);
    if (!status.ok()) {
      status = WithMetadata(std::move(status), "last_sequence_number",
                            absl::StrCat(session.last_sequence_number()));
    }
  }
  const grpc::Status result = ToGrpcStatus(status);
  co_await call->Finish(result);
}

}  // namespace normd::server
