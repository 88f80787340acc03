// A server that computes nothing: it keeps what it was asked, and answers with what it was given or
// told. For tests of what a client sends.
#ifndef NORMD_TESTS_TESTING_RECORDING_SERVER_H_
#define NORMD_TESTS_TESTING_RECORDING_SERVER_H_

#include <memory>
#include <mutex>
#include <string>
#include <vector>

#include "grpcpp/server.h"
#include "grpcpp/server_builder.h"
#include "normd/v1/comparison.grpc.pb.h"
#include "normd/v1/normalization.grpc.pb.h"
#include "normd/v1/session.grpc.pb.h"

namespace normd::testing {

// One call at a time.
class RecordingServer final : public v1::NormalizationService::Service,
                              public v1::SessionService::Service,
                              public v1::ComparisonService::Service {
 public:
  explicit RecordingServer(const std::shared_ptr<grpc::ServerCredentials>& credentials =
                               grpc::InsecureServerCredentials()) {
    grpc::ServerBuilder builder;
    builder.AddListeningPort("127.0.0.1:0", credentials, &port_);
    builder.RegisterService(static_cast<v1::NormalizationService::Service*>(this));
    builder.RegisterService(static_cast<v1::SessionService::Service*>(this));
    builder.RegisterService(static_cast<v1::ComparisonService::Service*>(this));
    server_ = builder.BuildAndStart();
  }

  std::string address() const { return "127.0.0.1:" + std::to_string(port_); }

  struct Asked {
    v1::NormalizeRequest normalize_request;
    v1::Open open;
    v1::CompareOpen compare_open;
    std::vector<v1::Chunk> chunks;  // of either kind of stream
    v1::CreateSessionRequest create_request;
    std::vector<std::string> session_ids;  // what each call's metadata says; "": nothing
  };

  struct Answers {
    v1::CompareSummary summary;
    uint64_t refused_chunk = 0;                   // in place of its result, an error
    v1::Limits limits;                            // told to streams; none by itself
    std::vector<v1::ListSessionsResponse> pages;  // of sessions; their tokens are "1", "2", ...
  };

  // What it was asked: a copy. Waits for the end of the call that is under way.
  Asked asked() const {
    const std::lock_guard lock(mutex_);
    return asked_;
  }

  void Forget() {
    const std::lock_guard lock(mutex_);
    asked_ = {};
  }

  // Changes what it answers. Between calls.
  template <typename Change>
  void Tell(const Change& change) {
    const std::lock_guard lock(mutex_);
    change(answers_);
  }

 private:
  // What each call came with, whatever the type of the output.
  grpc::Status Normalize(grpc::ServerContext* context, const v1::NormalizeRequest* request,
                         v1::NormalizeResponse* response) override {
    const std::lock_guard lock(mutex_);
    KeepSessionId(*context);
    asked_.normalize_request = *request;
    *response->mutable_output() = request->input();
    if (request->output_element_type() != v1::ELEMENT_TYPE_UNSPECIFIED) {
      response->mutable_output()->set_element_type(request->output_element_type());
    }
    *response->mutable_resolved_spec() = request->spec();
    if (request->return_statistics()) *response->mutable_statistics() = request->statistics();
    return grpc::Status::OK;
  }

  grpc::Status NormalizeStream(
      grpc::ServerContext* context,
      grpc::ServerReaderWriter<v1::NormalizeStreamResponse, v1::NormalizeStreamRequest>* stream)
      override {
    const std::lock_guard lock(mutex_);
    KeepSessionId(*context);
    v1::NormalizeStreamRequest request;
    while (stream->Read(&request)) {
      v1::NormalizeStreamResponse response;
      if (request.has_open()) {
        asked_.open = request.open();
        response.mutable_opened()->set_output_element_type(asked_.open.output_element_type() !=
                                                                   v1::ELEMENT_TYPE_UNSPECIFIED
                                                               ? asked_.open.output_element_type()
                                                               : asked_.open.element_type());
        *response.mutable_opened()->mutable_limits() = answers_.limits;
      } else {
        asked_.chunks.push_back(request.chunk());
        if (!Refuse(request.chunk(), &response)) {
          response.mutable_result()->set_sequence_number(request.chunk().sequence_number());
          response.mutable_result()->set_data(request.chunk().data());
        }
      }
      stream->Write(response);
    }
    v1::NormalizeStreamResponse last;
    last.mutable_closed()->set_last_sequence_number(asked_.chunks.size());
    stream->Write(last);
    return grpc::Status::OK;
  }

  grpc::Status Compare(
      grpc::ServerContext* context,
      grpc::ServerReaderWriter<v1::CompareResponse, v1::CompareRequest>* stream) override {
    const std::lock_guard lock(mutex_);
    KeepSessionId(*context);
    v1::CompareRequest request;
    while (stream->Read(&request)) {
      v1::CompareResponse response;
      if (request.has_open()) {
        asked_.compare_open = request.open();
        *response.mutable_opened()->mutable_resolved_specs() = asked_.compare_open.specs();
        *response.mutable_opened()->mutable_limits() = answers_.limits;
      } else {
        asked_.chunks.push_back(request.chunk());
        if (!Refuse(request.chunk(), &response)) {
          response.mutable_result()->set_sequence_number(request.chunk().sequence_number());
          response.mutable_result()->add_methods()->mutable_measurements()->set_values(1);
        }
      }
      stream->Write(response);
    }
    v1::CompareResponse last;
    *last.mutable_summary() = answers_.summary;
    last.mutable_summary()->set_last_sequence_number(asked_.chunks.size());
    stream->Write(last);
    return grpc::Status::OK;
  }

  grpc::Status CreateSession(grpc::ServerContext* context, const v1::CreateSessionRequest* request,
                             v1::CreateSessionResponse* response) override {
    const std::lock_guard lock(mutex_);
    KeepSessionId(*context);
    asked_.create_request = *request;
    *response->mutable_session() = request->session();
    response->mutable_session()->set_name("sessions/" + request->session_id());
    return grpc::Status::OK;
  }

  grpc::Status ListSessions(grpc::ServerContext* context, const v1::ListSessionsRequest* request,
                            v1::ListSessionsResponse* response) override {
    const std::lock_guard lock(mutex_);
    KeepSessionId(*context);
    const size_t page = request->page_token().empty() ? 0 : std::stoul(request->page_token());
    if (page < answers_.pages.size()) *response = answers_.pages[page];
    if (page + 1 < answers_.pages.size()) response->set_next_page_token(std::to_string(page + 1));
    return grpc::Status::OK;
  }

  grpc::Status GetSession(grpc::ServerContext* context, const v1::GetSessionRequest* /*request*/,
                          v1::GetSessionResponse* /*response*/) override {
    const std::lock_guard lock(mutex_);
    KeepSessionId(*context);
    return grpc::Status::OK;
  }

  grpc::Status UpdateSession(grpc::ServerContext* context,
                             const v1::UpdateSessionRequest* /*request*/,
                             v1::UpdateSessionResponse* /*response*/) override {
    const std::lock_guard lock(mutex_);
    KeepSessionId(*context);
    return grpc::Status::OK;
  }

  grpc::Status ResetSession(grpc::ServerContext* context,
                            const v1::ResetSessionRequest* /*request*/,
                            v1::ResetSessionResponse* /*response*/) override {
    const std::lock_guard lock(mutex_);
    KeepSessionId(*context);
    return grpc::Status::OK;
  }

  grpc::Status DeleteSession(grpc::ServerContext* context,
                             const v1::DeleteSessionRequest* /*request*/,
                             v1::DeleteSessionResponse* /*response*/) override {
    const std::lock_guard lock(mutex_);
    KeepSessionId(*context);
    return grpc::Status::OK;
  }

  void KeepSessionId(const grpc::ServerContext& context) {
    const auto found = context.client_metadata().find("normd-session");
    const bool given = found != context.client_metadata().end();
    asked_.session_ids.emplace_back(given ? std::string(found->second.data(), found->second.size())
                                          : "");
  }

  template <typename Response>
  bool Refuse(const v1::Chunk& chunk, Response* response) const {
    if (chunk.sequence_number() != answers_.refused_chunk) return false;
    response->mutable_error()->set_sequence_number(answers_.refused_chunk);
    response->mutable_error()->mutable_status()->set_code(grpc::INVALID_ARGUMENT);
    response->mutable_error()->mutable_status()->set_message("refused");
    return true;
  }

  int port_ = 0;
  mutable std::mutex mutex_;  // held for the length of a call; guards what follows
  Asked asked_;
  Answers answers_;
  std::unique_ptr<grpc::Server> server_;  // ends before what its calls use
};

}  // namespace normd::testing

#endif  // NORMD_TESTS_TESTING_RECORDING_SERVER_H_
