#include "server/rpc/chunk_sequence.h"

#include "absl/strings/str_cat.h"
#include "server/rpc/status_mapping.h"

namespace normd::server {

void ChunkSequence::Refuse(const absl::Status& status, v1::ChunkError* error) {
  error->set_sequence_number(Advance());
  *error->mutable_status() = ToRpcStatus(PrefixField("chunk", status));
}

absl::Status ChunkSequence::CheckNumber(uint64_t number) const {
  const uint64_t expected = last_ + 1;
  if (number == expected) return absl::OkStatus();
  return WithMetadata(
      WithReason(absl::FailedPreconditionError(absl::StrCat("chunk.sequence_number is ", number,
                                                            ", but the next one is ", expected)),
                 "SEQUENCE_NUMBER"),
      "expected", absl::StrCat(expected));
}

}  // namespace normd::server
