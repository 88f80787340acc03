// A call with bytes for messages, and what it came to.
#ifndef NORMD_TESTS_E2E_MALFORMED_RAW_CALL_H_
#define NORMD_TESTS_E2E_MALFORMED_RAW_CALL_H_

#include <memory>
#include <string>
#include <vector>

#include "grpcpp/grpcpp.h"
#include "grpcpp/impl/codegen/client_unary_call.h"
#include "grpcpp/impl/codegen/rpc_method.h"
#include "grpcpp/support/byte_buffer.h"
#include "grpcpp/support/sync_stream.h"
#include "normd/v1/normalization.pb.h"
#include "tests/e2e/malformed/case.h"

namespace normd::malformed {

struct Outcome {
  grpc::Status status;
  std::vector<std::string> answers;
};

inline grpc::ByteBuffer ToBuffer(const std::string& bytes) {
  const grpc::Slice slice(bytes);
  return grpc::ByteBuffer(&slice, 1);
}

inline std::string ToString(const grpc::ByteBuffer& buffer) {
  grpc::Slice slice;
  if (!buffer.Valid() || !buffer.DumpToSingleSlice(&slice).ok()) return "";
  return std::string(reinterpret_cast<const char*>(slice.begin()), slice.size());
}

inline Outcome MakeCall(const std::shared_ptr<grpc::Channel>& channel, const Case& request) {
  using grpc::internal::RpcMethod;
  grpc::ClientContext context;
  context.set_deadline(std::chrono::system_clock::now() + std::chrono::minutes(1));
  Outcome outcome;
  const RpcMethod method(request.method.c_str(),
                         request.streams ? RpcMethod::BIDI_STREAMING : RpcMethod::NORMAL_RPC,
                         channel);
  grpc::ByteBuffer answer;
  if (!request.streams) {
    outcome.status = grpc::internal::BlockingUnaryCall(channel.get(), method, &context,
                                                       ToBuffer(request.messages[0]), &answer);
    outcome.answers.push_back(ToString(answer));
    return outcome;
  }
  const std::unique_ptr<grpc::ClientReaderWriter<grpc::ByteBuffer, grpc::ByteBuffer>> stream(
      grpc::internal::ClientReaderWriterFactory<grpc::ByteBuffer, grpc::ByteBuffer>::Create(
          channel.get(), method, &context));
  for (const std::string& message : request.messages) stream->Write(ToBuffer(message));
  stream->WritesDone();
  while (stream->Read(&answer)) outcome.answers.push_back(ToString(answer));
  outcome.status = stream->Finish();
  return outcome;
}

// What the last message of a stream was answered by, before `closed`; of either kind of stream:
// `error` and `result` have the same numbers in both.
inline v1::NormalizeStreamResponse LastAnswer(const Outcome& outcome) {
  v1::NormalizeStreamResponse answer;
  if (outcome.answers.size() >= 2) {
    answer.ParseFromString(outcome.answers[outcome.answers.size() - 2]);
  }
  return answer;
}

}  // namespace normd::malformed

#endif  // NORMD_TESTS_E2E_MALFORMED_RAW_CALL_H_
