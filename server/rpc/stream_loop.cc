#include "server/rpc/stream_loop.h"

namespace normd::server {

absl::Status DrainingError() {
  return WithReason(absl::UnavailableError("the server is draining: open the stream again, on "
                                           "another server or after a restart"),
                    "DRAINING");
}

absl::Status OverloadedError() {
  return WithReason(absl::UnavailableError(
                        "the server has more to do than it can: try again later, or on another"),
                    "OVERLOADED");
}

absl::Status AbandonedError() {
  return absl::CancelledError("the client is gone: nothing more is computed");
}

absl::Status MalformedError(absl::string_view message) {
  return WithReason(absl::InvalidArgumentError(absl::StrCat("a message is no ", message)),
                    "MALFORMED_MESSAGE");
}

}  // namespace normd::server
