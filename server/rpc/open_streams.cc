#include "server/rpc/open_streams.h"

#include <utility>

#include "absl/strings/match.h"
#include "absl/strings/str_cat.h"
#include "core/error/error.h"
#include "server/rpc/status_mapping.h"

namespace normd::server {
namespace {

absl::Status TooManyError(absl::string_view holder, int most, absl::string_view flag) {
  return WithReason(
      absl::ResourceExhaustedError(absl::StrCat(holder, " holds as many streams as it may, ", most,
                                                ": close some, or raise --", flag)),
      kTooManyStreams);
}

}  // namespace

OpenStreams::Place::Place(OpenStreams& streams, std::string connection)
    : streams_(streams), connection_(std::move(connection)) {
  const std::lock_guard lock(streams_.mutex_);
  if (++streams_.count_ > streams_.most_) {
    status_ = TooManyError("this server", streams_.most_, "max_streams");
  }
  if (absl::StartsWith(connection_, "unix:")) return;
  if (++streams_.of_connection_[connection_] > streams_.most_per_connection_ && status_.ok()) {
    status_ = TooManyError("this connection", streams_.most_per_connection_,
                           "max_streams_per_connection");
  }
}

OpenStreams::Place::~Place() {
  const std::lock_guard lock(streams_.mutex_);
  --streams_.count_;
  const auto found = streams_.of_connection_.find(connection_);
  if (found != streams_.of_connection_.end() && --found->second == 0) {
    streams_.of_connection_.erase(found);
  }
}

int OpenStreams::count() const {
  const std::lock_guard lock(mutex_);
  return count_;
}

}  // namespace normd::server
