// The way of every bidirectional stream: `open`, chunks, the last message, the status.
#ifndef NORMD_SERVER_RPC_STREAM_LOOP_H_
#define NORMD_SERVER_RPC_STREAM_LOOP_H_

#include <atomic>
#include <memory>
#include <utility>

#include "absl/status/status.h"
#include "absl/strings/str_cat.h"
#include "absl/strings/string_view.h"
#include "core/error/error.h"
#include "server/async/stream_call.h"
#include "server/rpc/status_mapping.h"

namespace normd::server {

// The streams of all services that are open, and how many there may be. Thread-safe.
class OpenStreams {
 public:
  explicit OpenStreams(int most) : most_(most) {}

  // Counts a stream for as long as it lives.
  class Place {
   public:
    explicit Place(OpenStreams& streams) : streams_(streams), number_(++streams.count_) {}
    ~Place() { --streams_.count_; }
    Place(const Place&) = delete;
    Place& operator=(const Place&) = delete;

    // RESOURCE_EXHAUSTED, reason TOO_MANY_STREAMS, where there were as many as there may be.
    absl::Status Check() const;

   private:
    OpenStreams& streams_;
    const int number_;
  };

 private:
  const int most_;
  std::atomic<int> count_ = 0;
};

// Why a stream ends: UNAVAILABLE, reason DRAINING; INVALID_ARGUMENT, reason MALFORMED_MESSAGE.
absl::Status DrainingError();
absl::Status MalformedError(absl::string_view message);

// Serves `call` to its end. `session` is the stream without the wire:
//
//   absl::Status Open(const Request&, Response*);    the first message
//   absl::Status Answer(const Request&, Response*);  any further one; an error ends the call
//   void Close(Response*) const;                     the last message of a stream that was opened
//   uint64_t last_sequence_number() const;
template <typename Request, typename Response, typename Session>
Task RunStream(std::unique_ptr<StreamCall<Request, Response>> call,
               std::unique_ptr<Session> session, OpenStreams& streams) {
  const OpenStreams::Place place(streams);
  Request request;
  Response response;
  bool opened = false;
  absl::Status status = place.Check();
  while (status.ok()) {
    const ReadOutcome outcome = co_await call->Read(&request);
    if (outcome == ReadOutcome::kEnd) break;
    if (outcome == ReadOutcome::kStop) {
      status = DrainingError();
      break;
    }
    if (outcome == ReadOutcome::kMalformed) {
      status = MalformedError(Request::descriptor()->name());
      break;
    }
    status = CatchInternal([&] {
      return opened ? session->Answer(request, &response) : session->Open(request, &response);
    });
    if (!status.ok()) break;
    opened = true;
    const bool written = co_await call->Write(response);
    if (!written) break;  // the client is gone
  }
  if (opened) {
    const absl::Status closed = CatchInternal([&] {
      session->Close(&response);
      return absl::OkStatus();
    });
    if (closed.ok()) {
      co_await call->Write(response);
    } else if (status.ok()) {
      status = closed;
    }
    if (!status.ok()) {
      status = WithMetadata(std::move(status), "last_sequence_number",
                            absl::StrCat(session->last_sequence_number()));
    }
  }
  const grpc::Status result = ToGrpcStatus(status);
  co_await call->Finish(result);
}

}  // namespace normd::server

#endif  // NORMD_SERVER_RPC_STREAM_LOOP_H_
