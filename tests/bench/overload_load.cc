// Streams offered to normd at a rate, whatever becomes of those before: the load of overload.sh.
//
// Each opens, sends chunks, half-closes and reads its answers to the end. Messages are serialized
// once and answers are not parsed, so that a small part of what they cost the server offers them.
#include <algorithm>
#include <atomic>
#include <chrono>
#include <cstdio>
#include <map>
#include <memory>
#include <mutex>
#include <random>
#include <string>
#include <thread>
#include <vector>

#include "absl/flags/flag.h"
#include "absl/flags/parse.h"
#include "absl/strings/str_format.h"
#include "absl/time/time.h"
#include "grpcpp/generic/generic_stub.h"
#include "grpcpp/grpcpp.h"
#include "tests/testing/test_stream.h"

ABSL_FLAG(std::string, server, "127.0.0.1:50051", "HOST:PORT of normd.");
ABSL_FLAG(double, rate, 0, "Streams a second, at random moments. 0: as many as are answered.");
ABSL_FLAG(int, at_once, 16, "Streams at a time, where there is no rate.");
ABSL_FLAG(int, connections, 16, "That streams are spread over.");
ABSL_FLAG(int, chunks, 200, "Of a stream.");
ABSL_FLAG(int, ahead, 4, "Messages that a stream sends before their answers.");
ABSL_FLAG(int, rows, 1, "Of a chunk.");
ABSL_FLAG(int, features, 1024, "Elements of a row.");
ABSL_FLAG(absl::Duration, deadline, absl::Seconds(2), "Of a stream.");
ABSL_FLAG(absl::Duration, warm_up, absl::Seconds(3), "Before it is counted what ends.");
ABSL_FLAG(absl::Duration, time, absl::Seconds(10), "For which it is counted.");

namespace {

using Clock = std::chrono::steady_clock;

constexpr char kPath[] = "/normd.v1.NormalizationService/NormalizeStream";

grpc::ByteBuffer Serialized(const normd::v1::NormalizeStreamRequest& request) {
  const grpc::Slice slice(request.SerializeAsString());
  return grpc::ByteBuffer(&slice, 1);
}

std::vector<grpc::ByteBuffer> MessagesOfAStream() {
  normd::v1::NormalizeStreamRequest request;
  request.mutable_open()->mutable_spec()->mutable_layer_norm();
  request.mutable_open()->add_row_shape(absl::GetFlag(FLAGS_features));
  std::vector<grpc::ByteBuffer> messages = {Serialized(request)};
  const int size = absl::GetFlag(FLAGS_rows) * absl::GetFlag(FLAGS_features);
  request.mutable_chunk()->set_data(normd::testing::Bytes(std::vector<float>(size, 1.5F)));
  for (int i = 1; i <= absl::GetFlag(FLAGS_chunks); ++i) {
    request.mutable_chunk()->set_sequence_number(i);
    messages.push_back(Serialized(request));
  }
  return messages;
}

// What streams came to. Thread-safe.
class Tally {
 public:
  void Count(const grpc::Status& status, double seconds) {
    const std::lock_guard lock(mutex_);
    if (!counting_) return;
    std::string outcome = "ok";
    if (status.error_code() == grpc::StatusCode::DEADLINE_EXCEEDED) {
      outcome = "expired";
    } else if (!status.ok()) {
      outcome = normd::testing::ErrorInfoOf(status).reason();
      if (outcome.empty()) outcome = absl::StrFormat("code %d", status.error_code());
    }
    latencies_[outcome].push_back(seconds);
  }

  void SetCounting(bool counting) {
    const std::lock_guard lock(mutex_);
    counting_ = counting;
  }

  void Print(double seconds) {
    const std::lock_guard lock(mutex_);
    for (auto& [outcome, latencies] : latencies_) {
      std::sort(latencies.begin(), latencies.end());
      const auto quantile = [&latencies = latencies](double q) {
        return 1000 * latencies[static_cast<size_t>(q * static_cast<double>(latencies.size() - 1))];
      };
      std::printf("%s %.1f %.1f %.1f\n", outcome.c_str(),
                  static_cast<double>(latencies.size()) / seconds, quantile(.5), quantile(.99));
    }
  }

 private:
  std::mutex mutex_;  // guards what follows
  bool counting_ = false;
  std::map<std::string, std::vector<double>> latencies_;
};

// One stream; deletes itself at its end. Its tags are its address, and that plus what it did.
class Stream {
 public:
  enum Step { kStart, kWrite, kRead, kFinish };

  Stream(grpc::GenericStub& stub, grpc::CompletionQueue& queue,
         const std::vector<grpc::ByteBuffer>& messages)
      : messages_(messages) {
    context_.set_deadline(std::chrono::system_clock::now() +
                          absl::ToChronoMilliseconds(absl::GetFlag(FLAGS_deadline)));
    call_ = stub.PrepareCall(&context_, kPath, &queue);
    call_->StartCall(Tag(kStart));
  }

  // True at its end.
  bool Complete(Step step, bool ok, Tally& tally) {
    if (step == kFinish) {
      tally.Count(status_, std::chrono::duration<double>(Clock::now() - start_).count());
      return true;
    }
    if (step == kStart) {
      call_->Read(&answer_, Tag(kRead));
      reading_ = true;
      Write();
    } else if (step == kRead) {
      reading_ = ok;
      if (ok) {
        ++answered_;
        call_->Read(&answer_, Tag(kRead));
        if (!writing_) Write();
      }
    } else {
      writing_ = false;
      if (ok) Write();
    }
    if (!reading_ && !writing_) call_->Finish(&status_, Tag(kFinish));
    return false;
  }

 private:
  static_assert(alignof(std::max_align_t) > kFinish);

  void* Tag(Step step) { return reinterpret_cast<char*>(this) + step; }

  void Write() {
    if (sent_ == messages_.size() + 1 || sent_ >= answered_ + ahead_) return;
    writing_ = true;
    if (sent_ == messages_.size()) {
      call_->WritesDone(Tag(kWrite));
    } else {
      call_->Write(messages_[sent_], Tag(kWrite));
    }
    ++sent_;
  }

  const std::vector<grpc::ByteBuffer>& messages_;
  const Clock::time_point start_ = Clock::now();
  grpc::ClientContext context_;
  std::unique_ptr<grpc::GenericClientAsyncReaderWriter> call_;
  grpc::ByteBuffer answer_;
  grpc::Status status_;
  const size_t ahead_ = static_cast<size_t>(absl::GetFlag(FLAGS_ahead));
  size_t sent_ = 0;
  size_t answered_ = 0;
  bool reading_ = false;
  bool writing_ = false;
};

}  // namespace

int main(int argc, char** argv) {
  absl::ParseCommandLine(argc, argv);
  const std::vector<grpc::ByteBuffer> messages = MessagesOfAStream();
  const double rate = absl::GetFlag(FLAGS_rate);
  grpc::CompletionQueue queue;
  std::vector<std::unique_ptr<grpc::GenericStub>> stubs;
  for (int i = 0; i < absl::GetFlag(FLAGS_connections); ++i) {
    grpc::ChannelArguments arguments;
    arguments.SetInt(GRPC_ARG_USE_LOCAL_SUBCHANNEL_POOL, 1);
    arguments.SetInt(GRPC_ARG_ENABLE_RETRIES, 0);
    stubs.push_back(std::make_unique<grpc::GenericStub>(grpc::CreateCustomChannel(
        absl::GetFlag(FLAGS_server), grpc::InsecureChannelCredentials(), arguments)));
  }
  Tally tally;
  std::atomic<bool> stopping = false;
  std::atomic<int> open = 0;
  std::atomic<size_t> started = 0;
  const auto start = [&] {
    ++open;
    new Stream(*stubs[started++ % stubs.size()], queue, messages);
  };
  std::thread reader([&] {
    void* tag = nullptr;
    bool ok = false;
    while (queue.Next(&tag, &ok)) {
      const auto step = reinterpret_cast<uintptr_t>(tag) % alignof(std::max_align_t);
      auto* stream = reinterpret_cast<Stream*>(static_cast<char*>(tag) - step);
      if (!stream->Complete(static_cast<Stream::Step>(step), ok, tally)) continue;
      delete stream;
      if (rate == 0 && !stopping) start();
      --open;
    }
  });
  const auto end_of_warm_up =
      Clock::now() + absl::ToChronoMilliseconds(absl::GetFlag(FLAGS_warm_up));
  const auto end = end_of_warm_up + absl::ToChronoMilliseconds(absl::GetFlag(FLAGS_time));
  std::mt19937_64 random(1);
  std::exponential_distribution<double> gap(rate > 0 ? rate : 1);
  for (int i = 0; rate == 0 && i < absl::GetFlag(FLAGS_at_once); ++i) start();
  size_t before = 0;
  bool counting = false;
  for (auto next = Clock::now(); next < end;) {
    next += rate > 0 ? std::chrono::duration_cast<Clock::duration>(
                           std::chrono::duration<double>(gap(random)))
                     : std::chrono::milliseconds(1);
    std::this_thread::sleep_until(next);
    if (!counting && next >= end_of_warm_up) {
      counting = true;
      tally.SetCounting(true);
      before = started;
    }
    if (rate > 0) start();
  }
  stopping = true;
  const double seconds = absl::ToDoubleSeconds(absl::GetFlag(FLAGS_time));
  // What was offered indeed, in the time that it took: a generator that is late shows here.
  const double took = seconds + std::chrono::duration<double>(Clock::now() - end).count();
  std::printf("offered %.1f %d\n", static_cast<double>(started - before) / took, open.load());
  tally.SetCounting(false);
  tally.Print(seconds);
  while (open > 0) std::this_thread::sleep_for(std::chrono::milliseconds(10));
  queue.Shutdown();
  reader.join();
  return 0;
}
