// Bidirectional streams on an event loop.
//
// They are served raw, and their handlers parse: gRPC's own asynchronous reader ends a stream alike
// where the client half-closed it and where a message cannot be parsed.
#ifndef NORMD_SERVER_ASYNC_STREAM_CALL_H_
#define NORMD_SERVER_ASYNC_STREAM_CALL_H_

#include <atomic>
#include <coroutine>
#include <cstdint>
#include <functional>
#include <memory>
#include <utility>

#include "grpcpp/server_context.h"
#include "grpcpp/support/async_stream.h"
#include "grpcpp/support/byte_buffer.h"
#include "server/async/event_loop.h"
#include "server/async/task.h"

namespace normd::server {

enum class ReadOutcome {
  kMessage,
  kEnd,   // half-closed, cancelled or broken
  kStop,  // the server drains; nothing was read
};

// One call. Belongs to the coroutine that serves it, which must await Finish last of all.
class StreamCall final : public Stoppable {
 public:
  explicit StreamCall(EventLoop& loop) : loop_(loop) {
    context_.AsyncNotifyWhenDone(done_.AsTag());
  }
  ~StreamCall() override { loop_.Remove(this); }

  EventLoop& loop() { return loop_; }
  grpc::ServerContext* context() { return &context_; }
  grpc::ServerAsyncReaderWriter<grpc::ByteBuffer, grpc::ByteBuffer>* stream() { return &stream_; }

  // Once the call has started. Only then does the done notification come.
  void Begin() {
    stopping_ = loop_.stopping();
    loop_.Add(this);
  }

  // Reads the next message, of read_bytes(). Ends early with kStop when the server
  // drains; then nothing may be read any more.
  auto Read() { return ReadAwaiter{*this}; }
  int64_t read_bytes() const { return read_bytes_; }

  // The message that was read, to be parsed. It may be used on any thread, while nothing is
  // awaited.
  grpc::ByteBuffer& read_message() { return read_buffer_; }

  // Writes a serialized message, and releases it at once; the awaited result is false where the
  // call is broken. gRPC's buffers can be swapped, but not moved.
  auto Write(grpc::ByteBuffer& message) { return WriteAwaiter{*this, message}; }

  // Whether the call has ended, before Finish by its client, its deadline or the transport. From
  // any thread.
  bool is_done() const { return is_done_.load(std::memory_order_relaxed); }

  // Ends the call, and waits for its done notification, and for a read that Stop left under way;
  // false where the call had ended before, by its client or the transport.
  auto Finish(const grpc::Status& status) { return FinishAwaiter{*this, status}; }

  void Stop() override {
    stopping_ = true;
    if (reader_) std::exchange(reader_, nullptr).resume();
  }

  // A client that does not read what was written holds its bytes.
  void CancelIfStalled(int ticks) override {
    if (writer_ && ++unread_ticks_ > ticks) context_.TryCancel();
  }

 private:
  struct ReadAwaiter {
    StreamCall& call;

    bool await_ready() const { return call.stopping_; }
    void await_suspend(std::coroutine_handle<> waiter) {
      call.reader_ = waiter;
      call.read_pending_ = true;
      call.stream_.Read(&call.read_buffer_, call.read_.AsTag());
    }
    ReadOutcome await_resume() const {
      if (call.read_pending_ || call.stopping_) return ReadOutcome::kStop;
      if (!call.read_ok_) return ReadOutcome::kEnd;
      call.read_bytes_ = static_cast<int64_t>(call.read_buffer_.Length());
      return ReadOutcome::kMessage;
    }
  };

  struct WriteAwaiter {
    StreamCall& call;
    grpc::ByteBuffer& buffer;

    bool await_ready() const { return false; }
    void await_suspend(std::coroutine_handle<> waiter) {
      call.writer_ = waiter;
      call.unread_ticks_ = 0;
      call.stream_.Write(buffer, call.write_.AsTag());
      buffer.Clear();  // the call has a reference of its own
    }
    bool await_resume() const { return call.write_ok_; }
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
    bool await_resume() const { return call.finish_ok_; }
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

  struct WriteCompletion final : Completion {
    explicit WriteCompletion(StreamCall& call) : call(call) {}
    void Complete(bool ok) override {
      call.write_ok_ = ok;
      std::exchange(call.writer_, nullptr).resume();
    }
    StreamCall& call;
  };

  struct FinishCompletion final : Completion {
    explicit FinishCompletion(StreamCall& call) : call(call) {}
    void Complete(bool ok) override {
      call.finish_pending_ = false;
      call.finish_ok_ = ok;
      call.ResumeFinished();
    }
    StreamCall& call;
  };

  struct DoneCompletion final : Completion {
    explicit DoneCompletion(StreamCall& call) : call(call) {}
    void Complete(bool /*ok*/) override {
      call.is_done_.store(true, std::memory_order_relaxed);
      call.ResumeFinished();
    }
    StreamCall& call;
  };

  void ResumeFinished() {
    if (finisher_ && !read_pending_ && !finish_pending_ && is_done()) {
      std::exchange(finisher_, nullptr).resume();
    }
  }

  EventLoop& loop_;
  const Work work_{loop_};
  grpc::ServerContext context_;
  grpc::ServerAsyncReaderWriter<grpc::ByteBuffer, grpc::ByteBuffer> stream_{&context_};
  grpc::ByteBuffer read_buffer_;
  ReadCompletion read_{*this};
  WriteCompletion write_{*this};
  FinishCompletion finish_{*this};
  DoneCompletion done_{*this};
  std::coroutine_handle<> reader_;
  std::coroutine_handle<> writer_;
  std::coroutine_handle<> finisher_;
  int64_t read_bytes_ = 0;
  int unread_ticks_ = 0;  // of the write under way
  bool read_pending_ = false;
  bool read_ok_ = false;
  bool write_ok_ = false;
  bool finish_pending_ = false;
  bool finish_ok_ = false;
  bool stopping_ = false;
  std::atomic<bool> is_done_ = false;
};

using StreamHandler = std::function<Task(std::unique_ptr<StreamCall>)>;

// Accepts streams of one raw method, one after the other, until the server shuts down; each is
// served by `handler`, a coroutine.
template <typename Service, typename RequestMethod>
Task AcceptStreams(EventLoop& loop, Service& service, RequestMethod request_method,
                   StreamHandler handler) {
  for (;;) {
    auto call = std::make_unique<StreamCall>(loop);
    const bool started = co_await Operation([&](void* tag) {
      (service.*request_method)(call->context(), call->stream(), loop.queue(), loop.queue(), tag);
    });
    if (!started) co_return;
    call->Begin();
    handler(std::move(call));
  }
}

// The same for `at_once` streams at one time. gRPC gives a stream to the loop that reads its
// connection if that has asked for one, and else to another; then two threads wake each other for
// every message.
template <typename Service, typename RequestMethod>
void ServeStreams(EventLoop& loop, Service& service, RequestMethod request_method, int at_once,
                  const StreamHandler& handler) {
  for (int i = 0; i < at_once; ++i) {
    AcceptStreams(loop, service, request_method, handler);
  }
}

}  // namespace normd::server

#endif  // NORMD_SERVER_ASYNC_STREAM_CALL_H_
