// A file that is written while its bytes come. The path "-" is standard output.
#ifndef NORMD_CLIENT_CLI_OUTPUT_FILE_H_
#define NORMD_CLIENT_CLI_OUTPUT_FILE_H_

#include <string>
#include <utility>

#include "absl/status/status.h"
#include "absl/status/statusor.h"
#include "absl/strings/string_view.h"
#include "client/cli/descriptor.h"

namespace normd::cli {

// A regular file takes its path only when it is whole: before, and for good where it is dropped
// without Commit, the path holds what it did. It keeps the mode of what it replaces, or is copied
// into it where it cannot be replaced (a mounted file, another user's in a sticky folder), and
// stands where a link points to. Anything else (standard output, a pipe, a device) is written at
// once.
class OutputFile {
 public:
  // FAILED_PRECONDITION, here and below, with the reason, where `path` cannot be written. "" takes
  // all and keeps nothing.
  static absl::StatusOr<OutputFile> Open(const std::string& path);
  ~OutputFile();
  OutputFile(OutputFile&& other) noexcept;
  OutputFile& operator=(OutputFile&& other) = delete;

  // Unbuffered: a reader of a pipe has the bytes when this returns.
  absl::Status Write(absl::string_view bytes);

  // After the last Write. A regular file is then on the disk.
  absl::Status Commit();

 private:
  explicit OutputFile(std::string path) : path_(std::move(path)) {}

  // Whether the file got a free name in the folder it goes to; else errno says why not.
  bool TakeName();
  // Whether the file is whole at `place_`; else errno says why not.
  bool Replace();
  bool CopyIntoPlace() const;

  std::string path_;  // as given
  Descriptor file_;
  std::string place_;      // where it goes; empty: it is there
  std::string temporary_;  // its path before that; empty: it has none
};

}  // namespace normd::cli

#endif  // NORMD_CLIENT_CLI_OUTPUT_FILE_H_
