// One stream of a load, driven by completions on its worker's thread.
#ifndef NORMD_CLIENT_LOAD_LOAD_STREAM_H_
#define NORMD_CLIENT_LOAD_LOAD_STREAM_H_

#include <cstdint>
#include <memory>
#include <string>

#include "absl/status/status.h"
#include "client/load/chunk_codec.h"
#include "client/load/latency_histogram.h"
#include "grpcpp/channel.h"
#include "grpcpp/client_context.h"
#include "grpcpp/completion_queue.h"
#include "grpcpp/generic/generic_stub.h"

namespace normd::client {

// On std::chrono::steady_clock.
int64_t NanosecondsNow();

// When chunks are due, and which of them are measured.
struct Schedule {
  int64_t start = 0;  // nanoseconds
  int64_t measured_from = 0;
  int64_t end = 0;
  double interval = 0;  // between two chunks of one stream; 0: closed loop

  // When chunk `number`, from 1, of a stream is due whose first one is due `offset` after the
  // start.
  int64_t DueTime(double offset, uint64_t number) const {
    return start + static_cast<int64_t>(offset + interval * static_cast<double>(number - 1));
  }
  bool Measures(int64_t time) const { return time >= measured_from && time < end; }
};

class LoadStream {
 public:
  // A completion queue's tag.
  struct Event {
    LoadStream* stream;
    void (LoadStream::*handle)(bool ok);
  };

  // What all streams of a worker share.
  struct Shared {
    grpc::CompletionQueue* queue = nullptr;
    grpc::Slice data;
    Schedule schedule;  // once the streams are open
    LatencyHistogram latencies;
    int64_t answers = 0;  // that came while it was measured
    int64_t unsent = 0;
    int open = 0;
    int ended = 0;
    absl::Status status;  // the first error
  };

  explicit LoadStream(Shared& shared) : shared_(shared) {}
  LoadStream(const LoadStream&) = delete;
  LoadStream& operator=(const LoadStream&) = delete;

  // Opens the stream; Shared::open or ::ended count it when that has come to something.
  void Open(const std::shared_ptr<grpc::Channel>& channel, const v1::Open& open);

  // Begins to send. Its first chunk is due `offset` nanoseconds after the schedule's start.
  void Begin(double offset);

  // Open loop: the time at which the next chunk is due that SendDue was not called for.
  int64_t NextDue() const { return shared_.schedule.DueTime(offset_, allowed_ + 1); }
  // One more chunk may be sent.
  void SendDue();

  // No more chunks. What was sent is awaited, and the stream closed.
  void End();

  // Ends it at once.
  void Cancel() { context_.TryCancel(); }

 private:
  void OnStarted(bool ok);
  void OnWritten(bool ok);
  void OnRead(bool ok);
  void OnClosedWrites(bool ok);
  void OnFinished(bool ok);

  void Write(const grpc::ByteBuffer& message);
  void Read();
  void Advance();
  void CountAnswer(uint64_t number);
  void Fail(absl::Status status);

  Shared& shared_;
  grpc::ClientContext context_;
  std::unique_ptr<grpc::GenericStub> stub_;
  std::unique_ptr<grpc::GenericClientAsyncReaderWriter> call_;
  grpc::ByteBuffer open_;
  grpc::ByteBuffer answer_;
  grpc::Status call_status_;
  double offset_ = 0;
  int64_t sent_at_ = 0;   // closed loop: the chunk that is not answered
  uint64_t allowed_ = 0;  // chunks that may be sent by now
  uint64_t sent_ = 0;
  uint64_t answered_ = 0;
  bool writing_ = false;
  bool ending_ = false;
  bool writes_closed_ = false;
  Event started_{this, &LoadStream::OnStarted};
  Event written_{this, &LoadStream::OnWritten};
  Event read_{this, &LoadStream::OnRead};
  Event closed_writes_{this, &LoadStream::OnClosedWrites};
  Event finished_{this, &LoadStream::OnFinished};
};

}  // namespace normd::client

#endif  // NORMD_CLIENT_LOAD_LOAD_STREAM_H_
