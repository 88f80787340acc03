#include "server/rpc/comparison_service.h"

#include <memory>
#include <utility>

#include "server/async/stream_call.h"
#include "server/rpc/comparison_stream.h"

namespace normd::server {

void ComparisonService::Serve(EventLoop& loop) {
  ServeStreams(loop, service_, &Service::RequestCompare, admission_.ready_streams,
               [this](std::unique_ptr<StreamCall> call) {
                 return RunStream(
                     std::move(call),
                     std::make_unique<ComparisonStream>(limits_, admission_.inline_bytes,
                                                        admission_.comparisons, metrics_),
                     admission_, compare_);
               });
}

}  // namespace normd::server
