// A Compare call driven message by message, over any channel.
#ifndef NORMD_TESTS_SERVER_COMPARE_CALL_H_
#define NORMD_TESTS_SERVER_COMPARE_CALL_H_

#include <gtest/gtest.h>

#include <cstdint>
#include <memory>
#include <utility>
#include <vector>

#include "grpcpp/grpcpp.h"
#include "normd/v1/comparison.grpc.pb.h"
#include "tests/testing/test_stream.h"

namespace normd::testing {

// Reads and writes by turns: no more than one chunk is under way.
class CompareStream {
 public:
  CompareStream(const std::shared_ptr<grpc::Channel>& channel, const v1::CompareOpen& open)
      : stub_(v1::ComparisonService::NewStub(channel)), stream_(stub_->Compare(&context_)) {
    Open(open);
  }

  void Open(const v1::CompareOpen& open) {
    v1::CompareRequest request;
    *request.mutable_open() = open;
    stream_->Write(request);
  }

  void Send(const v1::Chunk& chunk) {
    v1::CompareRequest request;
    *request.mutable_chunk() = chunk;
    stream_->Write(request);
  }

  // The answer to a chunk that bears the next number.
  v1::CompareResponse Compare(v1::Chunk chunk) {
    chunk.set_sequence_number(++sent_);
    Send(chunk);
    return Receive();
  }
  v1::CompareResponse Compare(const std::vector<float>& x) {
    v1::Chunk chunk;
    chunk.set_data(Bytes(x));
    return Compare(std::move(chunk));
  }

  // The next answer; with no case set at the end of the stream.
  v1::CompareResponse Receive() {
    v1::CompareResponse response;
    if (!stream_->Read(&response)) response.Clear();
    return response;
  }

  // Half-closes; the stream must end well.
  v1::CompareSummary Summary() {
    stream_->WritesDone();
    const v1::CompareResponse last = Receive();
    EXPECT_TRUE(last.has_summary());
    EXPECT_TRUE(Finish().ok());
    return last.summary();
  }

  // Reads to the end.
  grpc::Status Finish() {
    while (Receive().message_case() != v1::CompareResponse::MESSAGE_NOT_SET) continue;
    return stream_->Finish();
  }

 private:
  grpc::ClientContext context_;
  std::unique_ptr<v1::ComparisonService::Stub> stub_;
  std::unique_ptr<grpc::ClientReaderWriter<v1::CompareRequest, v1::CompareResponse>> stream_;
  uint64_t sent_ = 0;
};

inline v1::CompareOpen RowsOf(const std::vector<int64_t>& shape) {
  v1::CompareOpen open;
  open.mutable_row_shape()->Assign(shape.begin(), shape.end());
  return open;
}

}  // namespace normd::testing

#endif  // NORMD_TESTS_SERVER_COMPARE_CALL_H_
