// All chunks of a tensor through a stream.
#ifndef NORMD_CLIENT_CLI_CHUNK_EXCHANGE_H_
#define NORMD_CLIENT_CLI_CHUNK_EXCHANGE_H_

#include <algorithm>
#include <cstdint>
#include <limits>
#include <optional>
#include <thread>
#include <utility>

#include "absl/status/status.h"
#include "absl/status/statusor.h"
#include "absl/strings/str_cat.h"
#include "client/cli/progress.h"
#include "client/cli/row_chunks.h"
#include "client/cpp/status.h"

namespace normd::cli {

inline constexpr char kSmallerChunks[] =
    "lower --rows-per-chunk, or raise normd's --max_message_bytes";

// Bytes of a message, as the server told.
template <typename Stream>
int64_t LimitOf(const Stream& stream) {
  const int64_t limit = stream.opened().limits().max_message_bytes();
  return limit > 0 ? limit : std::numeric_limits<int64_t>::max();
}

// RESOURCE_EXHAUSTED, with the way out, where the message of chunk `i` is above the limit.
template <typename Stream>
absl::Status CheckSize(const Stream& stream, const RowChunks& chunks, int64_t i) {
  const int64_t limit = LimitOf(stream);
  const int64_t bytes = chunks.MessageBytes(i);
  if (bytes <= limit) return absl::OkStatus();
  return absl::ResourceExhaustedError(absl::StrCat("chunk ", i + 1, ": a message of ", bytes,
                                                   " bytes is above the server's limit of ", limit,
                                                   ": ", kSmallerChunks));
}

// The chunks, `passes` times over: no more of them is read than the stream takes. The error of what
// is read, or of a size that none told before; a call that has ended is Read's to tell.
template <typename Stream>
absl::Status WriteAll(Stream& stream, RowChunks& chunks, int passes) {
  const bool is_checked = chunks.count().has_value();
  for (; passes > 0; --passes) {
    for (int64_t i = 0;; ++i) {
      absl::StatusOr<std::optional<v1::Chunk>> chunk = chunks.Read(i, LimitOf(stream));
      if (!chunk.ok()) return chunk.status();
      if (!chunk->has_value()) break;
      // Of unknown rows, the first chunk is the largest.
      absl::Status size = is_checked || i > 0 ? absl::OkStatus() : CheckSize(stream, chunks, i);
      if (!size.ok()) return size;
      if (!stream.Write(**std::move(chunk)).ok()) return absl::OkStatus();
    }
  }
  return absl::OkStatus();
}

// Writes the chunks and hands each answer to `take`, at the same time; progress goes to a terminal
// at standard error. All of them `passes` times over. The server's last message, or the first
// error: of a chunk with its number, of what is read, of `take`, or the call's. What was read
// before an error is sent and answered. Nothing is written where CheckSize fails.
template <typename Stream, typename Take>
absl::StatusOr<typename Stream::Last> Exchange(Stream& stream, RowChunks& chunks, Take take,
                                               int passes = 1) {
  const std::optional<int64_t> count = chunks.count();
  const std::optional<int64_t> rows = chunks.rows();
  if (count.value_or(0) > 0) {
    absl::Status size = CheckSize(stream, chunks, chunks.Largest());
    if (!size.ok()) return size;
  }
  absl::Status input;  // the writer's
  std::thread writer([&] {
    input = WriteAll(stream, chunks, passes);
    stream.CloseWrites();
  });
  Progress progress(rows ? std::optional(*rows * passes) : std::nullopt);
  const int64_t rows_per_chunk = chunks.rows_per_chunk();
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
    status = take(*std::move(answer));
    if (!status.ok()) break;
    progress.Show(count ? *rows * answers / std::max<int64_t>(1, *count)
                        : answers * rows_per_chunk);
  }
  if (!status.ok()) stream.Cancel();
  chunks.Cancel();  // it may wait for a pipe
  writer.join();
  if (!input.ok() && !absl::IsCancelled(input)) return input;
  if (!status.ok()) return status;
  return stream.Finish();
}

}  // namespace normd::cli

#endif  // NORMD_CLIENT_CLI_CHUNK_EXCHANGE_H_
