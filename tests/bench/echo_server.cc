// A plain gRPC server that answers as normd does and normalizes nothing: what the wire itself
// takes.
//
// Streams go over asynchronous completion queues, a thread each, with the generated messages; a
// chunk's data moves into its result. Sessions can be created, so that a load which needs some can
// run against it, and health checks are answered.
#include <cstdio>
#include <fstream>
#include <memory>
#include <string>
#include <thread>
#include <utility>
#include <vector>

#include "absl/flags/flag.h"
#include "absl/flags/parse.h"
#include "grpc/health/v1/health.grpc.pb.h"
#include "grpcpp/grpcpp.h"
#include "normd/v1/normalization.grpc.pb.h"
#include "normd/v1/session.grpc.pb.h"
#include "server/async/free_memory.h"

ABSL_FLAG(std::string, listen, "127.0.0.1:0", "HOST:PORT.");
ABSL_FLAG(std::string, port_file, "", "Where to write the port.");
ABSL_FLAG(int, threads, 1, "Completion queues, a thread each.");

namespace {

using normd::v1::NormalizationService;
using normd::v1::NormalizeStreamRequest;
using normd::v1::NormalizeStreamResponse;
using normd::v1::SessionService;
using Health = grpc::health::v1::Health;

class Event {
 public:
  virtual ~Event() = default;
  virtual void Proceed(bool ok) = 0;
};

// One stream: reads, answers, reads the next.
class EchoStream final : public Event {
 public:
  EchoStream(NormalizationService::AsyncService& service, grpc::ServerCompletionQueue& queue)
      : service_(service), queue_(queue) {
    service_.RequestNormalizeStream(&context_, &stream_, &queue_, &queue_, this);
  }

  void Proceed(bool ok) override {
    switch (state_) {
      case State::kStarting:
        if (!ok) return delete this;
        new EchoStream(service_, queue_);
        return Read();
      case State::kReading:
        if (!ok) return Finish();
        return Answer();
      case State::kWriting:
        if (!ok) return Finish();
        return Read();
      case State::kFinishing:
        return delete this;
    }
  }

 private:
  enum class State { kStarting, kReading, kWriting, kFinishing };

  void Read() {
    state_ = State::kReading;
    stream_.Read(&request_, this);
  }

  void Answer() {
    if (request_.has_chunk()) {
      auto* result = response_.mutable_result();
      result->set_sequence_number(request_.chunk().sequence_number());
      *result->mutable_data() = std::move(*request_.mutable_chunk()->mutable_data());
    } else {
      response_.mutable_opened();
    }
    state_ = State::kWriting;
    stream_.Write(response_, this);
  }

  void Finish() {
    state_ = State::kFinishing;
    stream_.Finish(grpc::Status::OK, this);
  }

  NormalizationService::AsyncService& service_;
  grpc::ServerCompletionQueue& queue_;
  grpc::ServerContext context_;
  grpc::ServerAsyncReaderWriter<NormalizeStreamResponse, NormalizeStreamRequest> stream_{&context_};
  NormalizeStreamRequest request_;
  NormalizeStreamResponse response_;
  State state_ = State::kStarting;
};

// `Method` is the generated Request function.
template <typename Service, typename Method, typename Request, typename Response>
class EchoUnary final : public Event {
 public:
  using Answer = void (*)(const Request&, Response&);

  EchoUnary(Service& service, grpc::ServerCompletionQueue& queue, Method method, Answer answer)
      : service_(service), queue_(queue), method_(method), answer_(answer) {
    (service_.*method_)(&context_, &request_, &writer_, &queue_, &queue_, this);
  }

  void Proceed(bool ok) override {
    if (!ok || finishing_) return delete this;
    new EchoUnary(service_, queue_, method_, answer_);
    Response response;
    answer_(request_, response);
    finishing_ = true;
    writer_.Finish(response, grpc::Status::OK, this);
  }

 private:
  Service& service_;
  grpc::ServerCompletionQueue& queue_;
  const Method method_;
  const Answer answer_;
  grpc::ServerContext context_;
  Request request_;
  grpc::ServerAsyncResponseWriter<Response> writer_{&context_};
  bool finishing_ = false;
};

template <typename Service, typename Method, typename Request, typename Response>
void ServeUnary(Service& service, grpc::ServerCompletionQueue& queue, Method method,
                void (*answer)(const Request&, Response&)) {
  new EchoUnary<Service, Method, Request, Response>(service, queue, method, answer);
}

void Create(const normd::v1::CreateSessionRequest& request,
            normd::v1::CreateSessionResponse& response) {
  *response.mutable_session() = request.session();
  response.mutable_session()->set_name("sessions/" + request.session_id());
}

void Get(const normd::v1::GetSessionRequest& request, normd::v1::GetSessionResponse& response) {
  response.mutable_session()->set_name(request.name());
}

void Delete(const normd::v1::DeleteSessionRequest& /*request*/,
            normd::v1::DeleteSessionResponse& /*response*/) {}

void Check(const grpc::health::v1::HealthCheckRequest& /*request*/,
           grpc::health::v1::HealthCheckResponse& response) {
  response.set_status(grpc::health::v1::HealthCheckResponse::SERVING);
}

}  // namespace

int main(int argc, char** argv) {
  absl::ParseCommandLine(argc, argv);
  normd::server::KeepFreeMemory();
  NormalizationService::AsyncService normalization;
  SessionService::AsyncService sessions;
  Health::AsyncService health;
  grpc::ServerBuilder builder;
  int port = 0;
  builder.AddListeningPort(absl::GetFlag(FLAGS_listen), grpc::InsecureServerCredentials(), &port);
  builder.RegisterService(&normalization);
  builder.RegisterService(&sessions);
  builder.RegisterService(&health);
  std::vector<std::unique_ptr<grpc::ServerCompletionQueue>> queues(absl::GetFlag(FLAGS_threads));
  for (auto& queue : queues) queue = builder.AddCompletionQueue();
  const auto server = builder.BuildAndStart();
  if (server == nullptr) return 1;
  std::vector<std::thread> threads;
  for (const auto& queue : queues) {
    new EchoStream(normalization, *queue);
    ServeUnary(sessions, *queue, &SessionService::AsyncService::RequestCreateSession, Create);
    ServeUnary(sessions, *queue, &SessionService::AsyncService::RequestGetSession, Get);
    ServeUnary(sessions, *queue, &SessionService::AsyncService::RequestDeleteSession, Delete);
    ServeUnary(health, *queue, &Health::AsyncService::RequestCheck, Check);
    threads.emplace_back([&queue] {
      void* tag = nullptr;
      bool ok = false;
      while (queue->Next(&tag, &ok)) static_cast<Event*>(tag)->Proceed(ok);
    });
  }
  if (const std::string file = absl::GetFlag(FLAGS_port_file); !file.empty()) {
    std::ofstream(file) << port << "\n";
  }
  for (std::thread& thread : threads) thread.join();  // until the process is ended
  return 0;
}
