#include "client/cli/output_file.h"

#include <fcntl.h>
#include <poll.h>
#include <sys/stat.h>
#include <unistd.h>

#include <cerrno>
#include <cstdio>
#include <cstring>
#include <filesystem>
#include <random>
#include <utility>

#include "absl/strings/str_cat.h"

namespace normd::cli {
namespace {

absl::Status NotWritten(const std::string& path, int error) {
  return absl::FailedPreconditionError(
      absl::StrCat(path, ": cannot be written: ", std::strerror(error)));
}

// Where a file comes to be that is created at `path`: at the end of links to nothing.
std::filesystem::path FollowLinks(std::filesystem::path path) {
  constexpr int kMostLinks = 40;  // as Linux
  std::error_code none;
  for (int i = 0; i < kMostLinks && std::filesystem::is_symlink(path, none); ++i) {
    path = path.parent_path() / std::filesystem::read_symlink(path, none);
  }
  return path;
}

std::string FolderOf(const std::string& place) {
  const std::string folder = std::filesystem::path(place).parent_path();
  return folder.empty() ? "." : folder;
}

// False with errno where not all is written.
bool WriteBytes(int file, absl::string_view bytes) {
  while (!bytes.empty()) {
    const ssize_t written = write(file, bytes.data(), bytes.size());
    if (written >= 0) {
      bytes.remove_prefix(written);
    } else if (errno == EAGAIN) {
      pollfd ready = {file, POLLOUT, 0};
      poll(&ready, 1, -1);
    } else if (errno != EINTR) {
      return false;
    }
  }
  return true;
}

}  // namespace

absl::StatusOr<OutputFile> OutputFile::Open(const std::string& path) {
  OutputFile file(path);
  if (path.empty()) return file;
  if (path == "-") {
    file.file_ = Descriptor(STDOUT_FILENO);
    return file;
  }
  struct stat about = {};
  const bool exists = stat(path.c_str(), &about) == 0;
  if (!exists && errno != ENOENT) return NotWritten(path, errno);
  if (exists && !S_ISREG(about.st_mode)) {
    file.file_ = Descriptor(open(path.c_str(), O_WRONLY | O_CLOEXEC));
    if (file.file_.number() < 0) return NotWritten(path, errno);
    return file;
  }
  std::error_code error;
  const std::filesystem::path place =
      exists ? std::filesystem::canonical(path, error) : FollowLinks(path);
  if (error) return NotWritten(path, error.value());
  if (place.filename().empty()) return NotWritten(path, EISDIR);
  if (exists && access(path.c_str(), W_OK) != 0) return NotWritten(path, errno);
  file.place_ = place;
  // Without a name it is gone with the process, however that ends; not all file systems have such.
  file.file_ =
      Descriptor(open(FolderOf(file.place_).c_str(), O_TMPFILE | O_RDWR | O_CLOEXEC, 0666));
  if ((file.file_.number() < 0 && !file.TakeName()) ||
      (exists && fchmod(file.file_.number(), about.st_mode) != 0)) {
    return NotWritten(path, errno);
  }
  return file;
}

OutputFile::OutputFile(OutputFile&& other) noexcept
    : path_(std::move(other.path_)),
      file_(std::move(other.file_)),
      place_(std::move(other.place_)),
      temporary_(std::exchange(other.temporary_, {})) {}

OutputFile::~OutputFile() {
  if (!temporary_.empty()) unlink(temporary_.c_str());
}

bool OutputFile::TakeName() {
  std::random_device random;
  const std::string self = absl::StrCat("/proc/self/fd/", file_.number());
  const bool is_open = file_.number() >= 0;
  constexpr int kMostTries = 100;
  for (int i = 0; i < kMostTries; ++i) {
    const std::string name =
        absl::StrCat(FolderOf(place_), "/.normctl-", absl::Hex(random(), absl::kZeroPad8));
    const int taken =
        is_open ? linkat(AT_FDCWD, self.c_str(), AT_FDCWD, name.c_str(), AT_SYMLINK_FOLLOW)
                : open(name.c_str(), O_CREAT | O_EXCL | O_RDWR | O_CLOEXEC, 0666);
    if (taken < 0 && errno == EEXIST) continue;
    if (taken < 0) return false;
    if (!is_open) file_ = Descriptor(taken);
    temporary_ = name;
    return true;
  }
  return false;
}

absl::Status OutputFile::Write(absl::string_view bytes) {
  if (path_.empty() || WriteBytes(file_.number(), bytes)) return absl::OkStatus();
  return NotWritten(path_, errno);
}

bool OutputFile::CopyIntoPlace() const {
  const int reason = errno;
  const Descriptor place(open(place_.c_str(), O_WRONLY | O_TRUNC | O_CLOEXEC));
  if (place.number() < 0) {
    errno = reason;
    return false;
  }
  std::string block(1 << 20, '\0');
  for (off_t offset = 0;;) {
    const ssize_t got = pread(file_.number(), block.data(), block.size(), offset);
    if (got == 0) return fsync(place.number()) == 0;
    if (got < 0 || !WriteBytes(place.number(), absl::string_view(block.data(), got))) return false;
    offset += got;
  }
}

bool OutputFile::Replace() {
  if (fsync(file_.number()) != 0) return false;
  const bool is_there =
      (!temporary_.empty() || TakeName()) && std::rename(temporary_.c_str(), place_.c_str()) == 0;
  if (!is_there) return CopyIntoPlace();
  temporary_.clear();
  return true;
}

absl::Status OutputFile::Commit() {
  if (place_.empty() || Replace()) return absl::OkStatus();
  return NotWritten(path_, errno);
}

}  // namespace normd::cli
