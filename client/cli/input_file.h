// A file's bytes, as they are needed. The path "-" is standard input.
#ifndef NORMD_CLIENT_CLI_INPUT_FILE_H_
#define NORMD_CLIENT_CLI_INPUT_FILE_H_

#include <cstdint>
#include <optional>
#include <string>

#include "absl/status/status.h"
#include "absl/status/statusor.h"
#include "client/cli/descriptor.h"

namespace normd::cli {

// A regular file, also one that standard input comes from, is read anywhere and again. A pipe, and
// whatever else is no regular file, is read once, from its begin to its end, as its bytes come.
class InputFile {
 public:
  // NOT_FOUND where it cannot be opened.
  static absl::StatusOr<InputFile> Open(const std::string& path);
  // What is in memory already, read as a regular file is.
  InputFile(std::string path, std::string bytes);

  const std::string& path() const { return path_; }
  // Bytes when it was opened; nothing for a pipe, whose end no one knows.
  std::optional<int64_t> size() const { return size_; }
  // Where the last Read of a pipe ended, in bytes.
  int64_t position() const { return position_; }

  // `size` bytes from the byte `offset` on, fewer where the file ends. A pipe is waited for, and
  // what it has before `offset`, at least `position`, is skipped. DATA_LOSS where reading fails;
  // CANCELLED after Cancel.
  absl::StatusOr<std::string> Read(int64_t offset, int64_t size);

  // Ends waiting for a pipe, now and later, from any thread.
  void Cancel() const;

 private:
  InputFile(std::string path, Descriptor file);

  // Up to `size` bytes; 0 at the end.
  absl::StatusOr<int64_t> ReadSome(char* to, int64_t size, int64_t offset);

  std::string path_;
  Descriptor file_;  // none: in memory
  std::string bytes_;
  Descriptor cancelled_;  // a pipe's: readable after Cancel
  std::optional<int64_t> size_;
  int64_t begin_ = 0;     // of a regular file: where the shell left standard input
  int64_t position_ = 0;  // of a pipe
};

}  // namespace normd::cli

#endif  // NORMD_CLIENT_CLI_INPUT_FILE_H_
