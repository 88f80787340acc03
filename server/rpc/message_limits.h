// What the server takes in one message.
#ifndef NORMD_SERVER_RPC_MESSAGE_LIMITS_H_
#define NORMD_SERVER_RPC_MESSAGE_LIMITS_H_

#include <cstdint>

#include "core/tensor/shape.h"
#include "normd/v1/normalization.pb.h"

namespace normd::server {

struct MessageLimits {
  int64_t max_message_bytes = 4 << 20;
  int64_t max_rows = 1 << 20;
  int max_rank = kMaxRank;  // of a batch: [N, row...]
  int64_t max_row_elements = 1 << 20;
};

inline void ToProto(const MessageLimits& limits, v1::Limits* proto) {
  proto->set_max_message_bytes(limits.max_message_bytes);
  proto->set_max_row_elements(limits.max_row_elements);
}

}  // namespace normd::server

#endif  // NORMD_SERVER_RPC_MESSAGE_LIMITS_H_
