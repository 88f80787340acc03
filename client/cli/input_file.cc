#include "client/cli/input_file.h"

#include <fcntl.h>
#include <poll.h>
#include <sys/eventfd.h>
#include <sys/stat.h>
#include <unistd.h>

#include <algorithm>
#include <cerrno>
#include <cstring>
#include <utility>

#include "absl/strings/str_cat.h"

namespace normd::cli {
namespace {

// Read at once: no more is allocated for bytes that a wrong size promises.
constexpr int64_t kBlock = 1 << 20;

}  // namespace

InputFile::InputFile(std::string path, std::string bytes)
    : path_(std::move(path)), bytes_(std::move(bytes)), size_(bytes_.size()) {}

InputFile::InputFile(std::string path, Descriptor file)
    : path_(std::move(path)), file_(std::move(file)) {}

absl::StatusOr<InputFile> InputFile::Open(const std::string& path) {
  InputFile file(path,
                 Descriptor(path == "-" ? STDIN_FILENO : open(path.c_str(), O_RDONLY | O_CLOEXEC)));
  struct stat about = {};
  if (fstat(file.file_.number(), &about) != 0) {
    return absl::NotFoundError(absl::StrCat(path, ": cannot be opened"));
  }
  if (S_ISREG(about.st_mode)) {
    file.begin_ = std::max<int64_t>(0, lseek(file.file_.number(), 0, SEEK_CUR));
    file.size_ = std::max<int64_t>(0, about.st_size - file.begin_);
  } else {
    file.cancelled_ = Descriptor(eventfd(0, EFD_CLOEXEC));
  }
  return file;
}

absl::StatusOr<int64_t> InputFile::ReadSome(char* to, int64_t size, int64_t offset) {
  for (;;) {
    if (!size_) {
      pollfd ready[] = {{file_.number(), POLLIN, 0}, {cancelled_.number(), POLLIN, 0}};
      if (poll(ready, 2, -1) < 0) continue;  // for a signal
      if (ready[1].revents != 0) {
        return absl::CancelledError(absl::StrCat(path_, ": is no longer read"));
      }
    }
    const int64_t got =
        size_ ? pread(file_.number(), to, size, begin_ + offset) : read(file_.number(), to, size);
    if (got >= 0) return got;
    if (errno != EINTR && errno != EAGAIN) {
      return absl::DataLossError(absl::StrCat(path_, ": cannot be read: ", std::strerror(errno)));
    }
  }
}

absl::StatusOr<std::string> InputFile::Read(int64_t offset, int64_t size) {
  if (file_.number() < 0) {
    return bytes_.substr(std::min<int64_t>(offset, bytes_.size()), size);
  }
  while (!size_ && position_ < offset) {
    absl::StatusOr<std::string> skipped = Read(position_, std::min(kBlock, offset - position_));
    if (!skipped.ok() || skipped->empty()) return skipped;
  }
  std::string bytes;
  int64_t filled = 0;
  while (filled < size) {
    if (filled == static_cast<int64_t>(bytes.size())) {
      bytes.resize(std::min(size, std::max(kBlock, 2 * filled)));
    }
    const absl::StatusOr<int64_t> got = ReadSome(
        bytes.data() + filled, static_cast<int64_t>(bytes.size()) - filled, offset + filled);
    if (!got.ok()) return got.status();
    if (*got == 0) break;
    filled += *got;
  }
  bytes.resize(filled);
  if (!size_) position_ += filled;
  return bytes;
}

void InputFile::Cancel() const {
  const uint64_t one = 1;
  if (cancelled_.number() >= 0) {
    [[maybe_unused]] const ssize_t written = write(cancelled_.number(), &one, sizeof(one));
  }
}

}  // namespace normd::cli
