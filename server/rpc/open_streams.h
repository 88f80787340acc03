// How many streams there are, and may be.
#ifndef NORMD_SERVER_RPC_OPEN_STREAMS_H_
#define NORMD_SERVER_RPC_OPEN_STREAMS_H_

#include <mutex>
#include <string>

#include "absl/container/flat_hash_map.h"
#include "absl/status/status.h"

namespace normd::server {

// The open streams of all services. Thread-safe.
class OpenStreams {
 public:
  OpenStreams(int most, int most_per_connection)
      : most_(most), most_per_connection_(most_per_connection) {}

  // Counts a stream for as long as it lives.
  class Place {
   public:
    // `connection` is the context's peer(). Unix sockets have one name for all and count as none.
    Place(OpenStreams& streams, std::string connection);
    ~Place();
    Place(const Place&) = delete;
    Place& operator=(const Place&) = delete;

    // RESOURCE_EXHAUSTED, reason TOO_MANY_STREAMS, where there were as many as there may be, in all
    // or of the connection.
    const absl::Status& status() const { return status_; }

   private:
    OpenStreams& streams_;
    const std::string connection_;
    absl::Status status_;
  };

  int count() const;

 private:
  const int most_;
  const int most_per_connection_;
  mutable std::mutex mutex_;  // guards what follows
  int count_ = 0;
  absl::flat_hash_map<std::string, int> of_connection_;
};

}  // namespace normd::server

#endif  // NORMD_SERVER_RPC_OPEN_STREAMS_H_
