#include "server/rpc/stream_loop.h"

namespace normd::server {

absl::Status OpenStreams::Place::Check() const {
  if (number_ <= streams_.most_) return absl::OkStatus();
  return WithReason(absl::ResourceExhaustedError(
                        absl::StrCat("this server holds as many streams as it may, ",
                                     streams_.most_, ": close some, or raise --max_streams")),
                    kTooManyStreams);
}

absl::Status DrainingError() {
  return WithReason(absl::UnavailableError("the server is draining: open the stream again, on "
                                           "another server or after a restart"),
                    "DRAINING");
}

absl::Status MalformedError(absl::string_view message) {
  return WithReason(absl::InvalidArgumentError(absl::StrCat("a message is no ", message)),
                    "MALFORMED_MESSAGE");
}

}  // namespace normd::server
