// A NormalizeStream call driven message by message, over any channel.
#ifndef NORMD_TESTS_TESTING_TEST_STREAM_H_
#define NORMD_TESTS_TESTING_TEST_STREAM_H_

#include <cstring>
#include <memory>
#include <string>
#include <vector>

#include "google/rpc/error_details.pb.h"
#include "google/rpc/status.pb.h"
#include "grpcpp/grpcpp.h"
#include "normd/v1/normalization.grpc.pb.h"

namespace normd::testing {

inline std::string Bytes(const std::vector<float>& values) {
  return std::string(reinterpret_cast<const char*>(values.data()), values.size() * sizeof(float));
}

inline std::vector<float> Floats(const std::string& bytes) {
  std::vector<float> values(bytes.size() / sizeof(float));
  std::memcpy(values.data(), bytes.data(), values.size() * sizeof(float));
  return values;
}

// A stream of LayerNorm over rows of so many float32 features.
inline v1::Open LayerNorm(int features) {
  v1::Open open;
  open.mutable_spec()->mutable_layer_norm();
  open.add_row_shape(features);
  return open;
}

// The ErrorInfo of a call's status; empty where there is none.
inline google::rpc::ErrorInfo ErrorInfoOf(const google::rpc::Status& status) {
  google::rpc::ErrorInfo info;
  for (const auto& detail : status.details()) {
    if (detail.UnpackTo(&info)) break;
  }
  return info;
}

inline google::rpc::ErrorInfo ErrorInfoOf(const grpc::Status& status) {
  google::rpc::Status rich;
  rich.ParseFromString(status.error_details());
  return ErrorInfoOf(rich);
}

class TestStream {
 public:
  explicit TestStream(const std::shared_ptr<grpc::Channel>& channel)
      : stub_(v1::NormalizationService::NewStub(channel)),
        stream_(stub_->NormalizeStream(&context_)) {}

  bool Open(const v1::Open& open) {
    v1::NormalizeStreamRequest request;
    *request.mutable_open() = open;
    return stream_->Write(request);
  }

  bool Send(uint64_t sequence_number, std::string data) {
    v1::Chunk chunk;
    chunk.set_data(std::move(data));
    return Send(sequence_number, std::move(chunk));
  }

  bool Send(uint64_t sequence_number, v1::Chunk chunk) {
    v1::NormalizeStreamRequest request;
    *request.mutable_chunk() = std::move(chunk);
    request.mutable_chunk()->set_sequence_number(sequence_number);
    return stream_->Write(request);
  }

  // The next answer; with no case set at the end of the stream.
  v1::NormalizeStreamResponse Receive() {
    v1::NormalizeStreamResponse response;
    if (!stream_->Read(&response)) response.Clear();
    return response;
  }

  void HalfClose() { stream_->WritesDone(); }
  grpc::Status Finish() { return stream_->Finish(); }
  void Cancel() { context_.TryCancel(); }

 private:
  grpc::ClientContext context_;
  std::unique_ptr<v1::NormalizationService::Stub> stub_;
  std::unique_ptr<grpc::ClientReaderWriter<v1::NormalizeStreamRequest, v1::NormalizeStreamResponse>>
      stream_;
};

}  // namespace normd::testing

#endif  // NORMD_TESTS_TESTING_TEST_STREAM_H_
