// All chunks of a tensor through a stream.
#ifndef NORMD_CLIENT_CLI_CHUNK_EXCHANGE_H_
#define NORMD_CLIENT_CLI_CHUNK_EXCHANGE_H_

#include <unistd.h>

#include <cstdint>
#include <cstdio>
#include <thread>
#include <utility>

#include "absl/status/statusor.h"
#include "absl/strings/str_cat.h"
#include "client/cli/row_chunks.h"

namespace normd::cli {

// Writes the chunks and hands each answer to `take`, at the same time; progress goes to a terminal
// at standard error. The server's last message, or the first error: of a chunk with its number, or
// the call's.
template <typename Stream, typename Take>
absl::StatusOr<typename Stream::Last> Exchange(Stream& stream, const RowChunks& chunks, Take take) {
  std::thread writer([&] {
    for (int64_t i = 0; i < chunks.count(); ++i) {
      if (!stream.Write(chunks.Get(i)).ok()) return;  // Read tells why
    }
    stream.CloseWrites();
  });
  const bool show_progress = isatty(STDERR_FILENO) != 0;
  absl::Status status;
  for (int64_t answers = 1;; ++answers) {
    auto answer = stream.Read();
    if (!answer.ok()) {
      if (!absl::IsOutOfRange(answer.status())) status = answer.status();
      break;
    }
    if (!answer->status.ok()) {
      status = absl::Status(answer->status.code(), absl::StrCat("chunk ", answer->sequence_number,
                                                                ": ", answer->status.message()));
      break;
    }
    take(*std::move(answer));
    if (show_progress && answers % 1000 == 0) {
      std::fprintf(stderr, "\r%3ld%%", 100 * answers / chunks.count());
    }
  }
  if (show_progress) std::fputs("\r", stderr);
  if (!status.ok()) stream.Cancel();
  writer.join();
  if (!status.ok()) return status;
  return stream.Finish();
}

}  // namespace normd::cli

#endif  // NORMD_CLIENT_CLI_CHUNK_EXCHANGE_H_
