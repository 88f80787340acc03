#include "server/rpc/comparison_service.h"

#include <memory>
#include <utility>

#include "server/async/stream_call.h"
#include "server/rpc/comparison_stream.h"

namespace normd::server {

void ComparisonService::Serve(EventLoop& loop) {
  using Call = StreamCall<v1::CompareRequest, v1::CompareResponse>;
  ServeStream<v1::CompareRequest, v1::CompareResponse>(
      loop, service_, &Service::RequestCompare, [this](std::unique_ptr<Call> call) {
        return RunStream(std::move(call), std::make_unique<ComparisonStream>(limits_), streams_);
      });
}

}  // namespace normd::server
