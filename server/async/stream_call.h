// Bidirectional streams on an event loop.
//
// They are served raw and parsed here: gRPC's own asynchronous reader ends a stream alike where the
// client half-closed it and where a message cannot be parsed.
#ifndef NORMD_SERVER_ASYNC_STREAM_CALL_H_
#define NORMD_SERVER_ASYNC_STREAM_CALL_H_

#include <coroutine>
#include <functional>
#include <memory>
#include <utility>

#include "grpcpp/impl/codegen/proto_utils.h"
#include "grpcpp/server_context.h"
#include "grpcpp/support/async_stream.h"
#include "grpcpp/support/byte_buffer.h"
#include "server/async/event_loop.h"
#include "server/async/task.h"

namespace normd::server {

enum class ReadOutcome {
  kMessage,
  kMalformed,  // a message that cannot be parsed
  kEnd,        // half-closed, cancelled or broken
  kStop,       // the server drains; nothing was read
};

// One call. Belongs to the coroutine that serves it, which must await Finish last of all.
template <typename Request, typename Response>
class StreamCall final : public Stoppable {
 public:
  explicit StreamCall(EventLoop& loop) : loop_(loop) {}
  ~StreamCall() override { loop_.Remove(this); }

  grpc::ServerContext* context() { return &context_; }
  grpc::ServerAsyncReaderWriter<grpc::ByteBuffer, grpc::ByteBuffer>* stream() { return &stream_; }

  // Once the call has started.
  void Begin() {
    stopping_ = loop_.stopping();
    loop_.Add(this);
  }

  // Reads the next message into `request`. Ends early with kStop when the server drains; then
  // nothing may be read any more.
  auto Read(Request* request) { return ReadAwaiter{*this, request}; }

  // Writes a message; false where the call is broken.
  auto Write(const Response& response) {
    bool own_buffer = false;
    write_buffer_.Clear();
    grpc::SerializationTraits<Response>::Serialize(response, &write_buffer_, &own_buffer);
    return Operation([this](void* tag) { stream_.Write(write_buffer_, tag); });
  }

  // Ends the call, and waits for a read that Stop left under way.
  auto Finish(const grpc::Status& status) { return FinishAwaiter{*this, status}; }

  void Stop() override {
    stopping_ = true;
    if (reader_) std::exchange(reader_, nullptr).resume();
  }

 private:
  struct ReadAwaiter {
    StreamCall& call;
    Request* request;

    bool await_ready() const { return call.stopping_; }
    void await_suspend(std::coroutine_handle<> waiter) {
      call.reader_ = waiter;
      call.read_pending_ = true;
      call.stream_.Read(&call.read_buffer_, call.read_.AsTag());
    }
    ReadOutcome await_resume() const {
      if (call.read_pending_ || call.stopping_) return ReadOutcome::kStop;
      if (!call.read_ok_) return ReadOutcome::kEnd;
      const bool parsed =
          grpc::SerializationTraits<Request>::Deserialize(&call.read_buffer_, request).ok();
      return parsed ? ReadOutcome::kMessage : ReadOutcome::kMalformed;
    }
  };

  struct FinishAwaiter {
    StreamCall& call;
    const grpc::Status& status;

    bool await_ready() const { return false; }
    void await_suspend(std::coroutine_handle<> waiter) {
      call.finisher_ = waiter;
      call.finish_pending_ = true;
      call.stream_.Finish(status, call.finish_.AsTag());
    }
    void await_resume() const {}
  };

  struct ReadCompletion final : Completion {
    explicit ReadCompletion(StreamCall& call) : call(call) {}
    void Complete(bool ok) override {
      call.read_pending_ = false;
      call.read_ok_ = ok;
      if (call.reader_) {
        std::exchange(call.reader_, nullptr).resume();
      } else {
        call.ResumeFinished();
      }
    }
    StreamCall& call;
  };

  struct FinishCompletion final : Completion {
    explicit FinishCompletion(StreamCall& call) : call(call) {}
    void Complete(bool /*ok*/) override {
      call.finish_pending_ = false;
      call.ResumeFinished();
    }
    StreamCall& call;
  };

  void ResumeFinished() {
    if (finisher_ && !read_pending_ && !finish_pending_) {
      std::exchange(finisher_, nullptr).resume();
    }
  }

  EventLoop& loop_;
  const Work work_{loop_};
  grpc::ServerContext context_;
  grpc::ServerAsyncReaderWriter<grpc::ByteBuffer, grpc::ByteBuffer> stream_{&context_};
  grpc::ByteBuffer read_buffer_;
  grpc::ByteBuffer write_buffer_;
  ReadCompletion read_{*this};
  FinishCompletion finish_{*this};
  std::coroutine_handle<> reader_;
  std::coroutine_handle<> finisher_;
  bool read_pending_ = false;
  bool read_ok_ = false;
  bool finish_pending_ = false;
  bool stopping_ = false;
};

template <typename Request, typename Response>
using StreamHandler = std::function<Task(std::unique_ptr<StreamCall<Request, Response>>)>;

// Accepts streams of one raw method until the server shuts down; each is served by `handler`, a
// coroutine.
template <typename Request, typename Response, typename Service, typename RequestMethod>
Task ServeStream(EventLoop& loop, Service& service, RequestMethod request_method,
                 StreamHandler<Request, Response> handler) {
  for (;;) {
    auto call = std::make_unique<StreamCall<Request, Response>>(loop);
    const bool started = co_await Operation([&](void* tag) {
      (service.*request_method)(call->context(), call->stream(), loop.queue(), loop.queue(), tag);
    });
    if (!started) co_return;
    call->Begin();
    handler(std::move(call));
  }
}

}  // namespace normd::server

#endif  // NORMD_SERVER_ASYNC_STREAM_CALL_H_
