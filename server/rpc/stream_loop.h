// The way of every bidirectional stream: `open`, chunks, the last message, the status.
#ifndef NORMD_SERVER_RPC_STREAM_LOOP_H_
#define NORMD_SERVER_RPC_STREAM_LOOP_H_

#include <algorithm>
#include <cstdint>
#include <memory>
#include <utility>

#include "absl/functional/function_ref.h"
#include "absl/status/status.h"
#include "absl/strings/str_cat.h"
#include "absl/strings/string_view.h"
#include "core/error/error.h"
#include "core/kernels/executor.h"
#include "core/session/session.h"
#include "server/async/byte_budget.h"
#include "server/async/stream_call.h"
#include "server/async/worker_pool.h"
#include "server/observability/call_record.h"
#include "server/rpc/admission.h"
#include "server/rpc/deadline.h"
#include "server/rpc/status_mapping.h"
#include "server/rpc/stream_messages.h"

namespace normd::server {

// Why a stream ends: UNAVAILABLE, reason DRAINING or OVERLOADED; INVALID_ARGUMENT, reason
// MALFORMED_MESSAGE.
absl::Status DrainingError();
absl::Status OverloadedError();
// CANCELLED.
absl::Status AbandonedError();
absl::Status MalformedError(absl::string_view message);

// What a stream keeps of a message's buffers for the next one.
inline constexpr int64_t kMaxKeptBytes = 256 << 10;

// Serves `call` to its end. `session` is the stream without the wire:
//
//   Request, Reply                           a message, and the answer to one, for Serialize
//   absl::Status Open(const Request&, Reply*);
//                                            the first message
//   absl::Status Answer(const Request&, Patience, Executor&, Reply*);
//                                            any further one; an error ends the call, but IsBusy
//   bool Close(absl::FunctionRef<bool()> is_abandoned, Reply*);
//                                            the last message of a stream that was opened; false
//                                            where it was not to be had before that was so
//   bool closes_slowly() const;              it takes too long for the loop's thread
//   int64_t inline_bytes() const;            a larger message takes too long for the loop's thread
//   const void* turn(bool busy) const;       such, and those that were refused as busy, of the same
//                                            turn come one at a time; null: none
//   uint64_t last_sequence_number() const;
//   absl::string_view session_name() const;  empty where it has none
//   void ReleaseBuffers();                   what it keeps of large messages
//
// `admission` and `rpc` must outlive the call.
template <typename Session>
Task RunStream(std::unique_ptr<StreamCall> call, std::unique_ptr<Session> session,
               Admission& admission, const RpcMetrics& rpc) {
  CallRecord record(rpc, *call->context());
  const OpenStreams::Place place(admission.streams, record.peer());
  using Request = typename Session::Request;
  Request request;
  typename Session::Reply reply;
  bool opened = false;
  bool is_gone = false;  // the client
  absl::Status status = place.status();
  OverloadDetector::Stream load(admission.overload);
  if (status.ok() && load.refused()) status = OverloadedError();
  const Deadline deadline(*call->context());
  while (status.ok()) {
    const ReadOutcome outcome = co_await call->Read();
    if (outcome == ReadOutcome::kEnd) break;
    if (outcome == ReadOutcome::kStop) {
      status = DrainingError();
      break;
    }
    // Until then the message is gRPC's, and nothing more is read.
    ByteBudget::Charge charge(admission.bytes);
    if (!charge.TryEnter(call->read_bytes())) {
      co_await ByteBudget::Entry(charge, call->loop(), call->read_bytes());
    }
    load.CountMessage();
    // All that takes time, so that it can be done elsewhere.
    bool parsed = false;
    grpc::ByteBuffer message;
    const auto answer = [&](Patience patience, Executor& executor) {
      return CatchInternal(record.trace(), [&]() -> absl::Status {
        NORMD_RETURN_IF_ERROR(deadline.Check());
        if (!parsed && !ParseRequest(call->read_message(), request)) {
          return MalformedError(Request::descriptor()->name());
        }
        if (!std::exchange(parsed, true)) record.CountReceived();
        NORMD_RETURN_IF_ERROR(opened ? session->Answer(request, patience, executor, &reply)
                                     : session->Open(request, &reply));
        grpc::ByteBuffer serialized = Serialize(reply);
        message.Swap(&serialized);
        if (std::max<int64_t>(call->read_bytes(), message.Length()) > kMaxKeptBytes) {
          request = Request();
          reply = {};
          session->ReleaseBuffers();
        }
        return absl::OkStatus();
      });
    };
    const bool is_large = call->read_bytes() > session->inline_bytes();
    if (!is_large) status = answer(Patience::kRefuse, SerialExecutor());
    if (is_large || IsBusy(status)) {
      status = co_await RunOn(admission.workers, call->loop(), session->turn(!is_large),
                              [&] { return answer(Patience::kWait, admission.executor); });
    }
    if (!status.ok()) break;
    opened = true;
    charge.Add(static_cast<int64_t>(message.Length()));
    const bool written = co_await call->Write(message);
    is_gone = !written;
    if (is_gone) break;
    record.CountSent();
  }
  // What takes long is not for who is gone, or has waited as long as it would. On any thread.
  const auto is_abandoned = [&] { return call->is_done() || !deadline.Check().ok(); };
  const bool may_close = !session->closes_slowly() || (!is_gone && !is_abandoned());
  if (!may_close && status.ok()) status = deadline.Check();
  if (opened) record.SetSession(session->session_name());
  if (opened && may_close) {
    const auto close = [&] {
      return CatchInternal(record.trace(), [&]() -> absl::Status {
        if (session->Close(is_abandoned, &reply)) return absl::OkStatus();
        NORMD_RETURN_IF_ERROR(deadline.Check());
        return AbandonedError();
      });
    };
    absl::Status closed;  // not by ?: with co_await, whose temporaries GCC 12 destroys twice
    if (session->closes_slowly()) {
      closed = co_await RunOn(admission.workers, call->loop(), nullptr, close);
    } else {
      closed = close();
    }
    if (closed.ok()) {
      grpc::ByteBuffer last = Serialize(reply);
      const bool written = co_await call->Write(last);
      if (written) record.CountSent();
    } else if (status.ok()) {
      status = closed;
    }
    if (!status.ok()) {
      status = WithMetadata(std::move(status), "last_sequence_number",
                            absl::StrCat(session->last_sequence_number()));
    }
  } else if (!opened && !status.ok()) {
    AddRetryPushback(status, *call->context());
  }
  const grpc::Status result = ToGrpcStatus(status);
  const bool finished = co_await call->Finish(result);
  if (finished || !result.ok()) {
    record.End(result, ReasonOf(status));
  } else {
    record.EndAbandoned();
  }
}

}  // namespace normd::server

#endif  // NORMD_SERVER_RPC_STREAM_LOOP_H_
