// All chunks of a tensor through a stream.
#ifndef NORMD_CLIENT_CLI_CHUNK_EXCHANGE_H_
#define NORMD_CLIENT_CLI_CHUNK_EXCHANGE_H_

#include <algorithm>
#include <cstdint>
#include <thread>
#include <utility>

#include "absl/status/statusor.h"
#include "absl/strings/str_cat.h"
#include "client/cli/progress.h"
#include "client/cli/row_chunks.h"
#include "client/cpp/status.h"

namespace normd::cli {

inline constexpr char kSmallerChunks[] =
    "lower --rows-per-chunk, or raise normd's --max_message_bytes";

// RESOURCE_EXHAUSTED, with the way out, where the largest chunk's message is above the limit that
// the server told.
template <typename Stream>
absl::Status CheckSize(const Stream& stream, const RowChunks& chunks) {
  const int64_t limit = stream.opened().limits().max_message_bytes();
  if (limit <= 0 || chunks.count() == 0) return absl::OkStatus();
  const int64_t largest = chunks.Largest();
  typename Stream::Request request;
  *request.mutable_chunk() = chunks.Get(largest);
  request.mutable_chunk()->set_sequence_number(largest + 1);
  const auto bytes = static_cast<int64_t>(request.ByteSizeLong());
  if (bytes <= limit) return absl::OkStatus();
  return absl::ResourceExhaustedError(absl::StrCat("chunk ", largest + 1, ": a message of ", bytes,
                                                   " bytes is above the server's limit of ", limit,
                                                   ": ", kSmallerChunks));
}

// Writes the chunks and hands each answer to `take`, at the same time; progress goes to a terminal
// at standard error. All of them `passes` times over. The server's last message, or the first
// error: of a chunk with its number, or the call's. Nothing is written where CheckSize fails.
template <typename Stream, typename Take>
absl::StatusOr<typename Stream::Last> Exchange(Stream& stream, const RowChunks& chunks, Take take,
                                               int passes = 1) {
  if (absl::Status size = CheckSize(stream, chunks); !size.ok()) return size;
  std::thread writer([&] {
    for (int64_t i = 0; i < chunks.count() * passes; ++i) {
      if (!stream.Write(chunks.Get(i % chunks.count())).ok()) return;  // Read tells why
    }
    stream.CloseWrites();
  });
  Progress progress(chunks.rows() * passes);
  absl::Status status;
  for (int64_t answers = 1;; ++answers) {
    auto answer = stream.Read();
    if (!answer.ok()) {
      status = answer.status();
      if (absl::IsOutOfRange(status)) status = absl::OkStatus();
      if (client::IsMessageTooLarge(status)) {
        status = absl::ResourceExhaustedError(absl::StrCat(status.message(), ": ", kSmallerChunks));
      }
      break;
    }
    if (!answer->status.ok()) {
      status = absl::Status(answer->status.code(), absl::StrCat("chunk ", answer->sequence_number,
                                                                ": ", answer->status.message()));
      break;
    }
    take(*std::move(answer));
    progress.Show(chunks.rows() * answers / std::max<int64_t>(1, chunks.count()));
  }
  if (!status.ok()) stream.Cancel();
  writer.join();
  if (!status.ok()) return status;
  return stream.Finish();
}

}  // namespace normd::cli

#endif  // NORMD_CLIENT_CLI_CHUNK_EXCHANGE_H_
