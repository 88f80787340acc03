// The C++ client of normd.
#ifndef NORMD_CLIENT_CPP_CLIENT_H_
#define NORMD_CLIENT_CPP_CLIENT_H_

#include <cstdint>
#include <memory>
#include <string>

#include "absl/status/statusor.h"
#include "absl/time/time.h"
#include "client/cpp/compare_stream.h"
#include "client/cpp/normalize_stream.h"
#include "grpcpp/channel.h"
#include "grpcpp/security/credentials.h"
#include "grpcpp/support/channel_arguments.h"
#include "normd/v1/normalization.grpc.pb.h"
#include "normd/v1/session.grpc.pb.h"

namespace normd::client {

struct ClientOptions {
  std::string target = "127.0.0.1:50051";
  absl::Duration timeout = absl::Seconds(10);     // of each call; of a stream's opening alone
  int64_t max_message_bytes = int64_t{64} << 20;  // that a server may send
  int64_t max_unread_bytes = int64_t{256} << 20;  // of one stream's answers
  std::shared_ptr<grpc::ChannelCredentials> credentials;  // null: plaintext; see TlsCredentials
  // With TLS: the name that the server's certificate must bear; empty: the target's host.
  std::string tls_server_name;
};

// A channel to the target, by credentials, limits and name; the rest as `arguments` say.
std::shared_ptr<grpc::Channel> CreateChannel(const ClientOptions& options,
                                             grpc::ChannelArguments arguments = {});

// Thread-safe, cheap to copy. Calls that name a session carry its id as metadata (see
// session_metadata.h). Errors are the server's, with its details (see status.h); UNAVAILABLE
// and DEADLINE_EXCEEDED where it cannot be reached in time.
class Client {
 public:
  explicit Client(const ClientOptions& options);

  // One batch. RESOURCE_EXHAUSTED where it is above the server's limit or its answer above ours.
  absl::StatusOr<v1::NormalizeResponse> Normalize(const v1::NormalizeRequest& request) const;

  absl::StatusOr<v1::ListMethodsResponse> ListMethods() const;
  absl::StatusOr<v1::CreateSessionResponse> CreateSession(
      const v1::CreateSessionRequest& request) const;
  absl::StatusOr<v1::GetSessionResponse> GetSession(const v1::GetSessionRequest& request) const;
  absl::StatusOr<v1::ListSessionsResponse> ListSessions(
      const v1::ListSessionsRequest& request) const;
  absl::StatusOr<v1::UpdateSessionResponse> UpdateSession(
      const v1::UpdateSessionRequest& request) const;
  absl::StatusOr<v1::ResetSessionResponse> ResetSession(
      const v1::ResetSessionRequest& request) const;
  absl::StatusOr<v1::DeleteSessionResponse> DeleteSession(
      const v1::DeleteSessionRequest& request) const;

  // Whether `service`, or with "" the server, is serving. NOT_FOUND for a service that it has not.
  absl::StatusOr<bool> IsServing(const std::string& service = "") const;

  absl::StatusOr<std::unique_ptr<NormalizeStream>> OpenStream(const v1::Open& open) const;
  absl::StatusOr<std::unique_ptr<CompareStream>> OpenCompare(const v1::CompareOpen& open) const;

 private:
  ClientOptions options_;
  std::shared_ptr<grpc::Channel> channel_;
};

}  // namespace normd::client

#endif  // NORMD_CLIENT_CPP_CLIENT_H_
