#include "client/cli/output_file.h"

#include <fcntl.h>
#include <sys/stat.h>
#include <unistd.h>

#include <cerrno>
#include <cstdio>
#include <filesystem>
#include <utility>

#include "absl/strings/str_cat.h"

namespace normd::cli {
namespace {

absl::Status NotWritten(const std::string& path) {
  return absl::FailedPreconditionError(absl::StrCat(path, ": cannot be written"));
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
  if (exists && !S_ISREG(about.st_mode)) {
    file.file_ = Descriptor(open(path.c_str(), O_WRONLY | O_CLOEXEC));
    if (file.file_.number() < 0) return NotWritten(path);
    return file;
  }
  std::error_code ignored;
  std::filesystem::path place = path;
  if (exists) place = std::filesystem::canonical(place, ignored);
  if (place.filename().empty() || (exists && access(path.c_str(), W_OK) != 0)) {
    return NotWritten(path);
  }
  file.place_ = place;
  file.temporary_ = absl::StrCat(file.place_, ".part-", getpid());
  // Without a name it is gone with the process, however that ends; not all file systems have such.
  const std::string folder = place.parent_path();
  file.file_ = Descriptor(
      open(folder.empty() ? "." : folder.c_str(), O_TMPFILE | O_WRONLY | O_CLOEXEC, 0666));
  if (file.file_.number() < 0) {
    file.file_ =
        Descriptor(open(file.temporary_.c_str(), O_CREAT | O_EXCL | O_WRONLY | O_CLOEXEC, 0666));
    file.has_name_ = file.file_.number() >= 0;
  }
  if (file.file_.number() < 0 || (exists && fchmod(file.file_.number(), about.st_mode) != 0)) {
    return NotWritten(path);
  }
  return file;
}

OutputFile::OutputFile(OutputFile&& other) noexcept
    : path_(std::move(other.path_)),
      file_(std::move(other.file_)),
      place_(std::move(other.place_)),
      temporary_(std::move(other.temporary_)),
      has_name_(std::exchange(other.has_name_, false)) {}

OutputFile::~OutputFile() {
  if (has_name_) unlink(temporary_.c_str());
}

absl::Status OutputFile::Write(absl::string_view bytes) {
  while (!path_.empty() && !bytes.empty()) {
    const ssize_t written = write(file_.number(), bytes.data(), bytes.size());
    if (written < 0 && errno != EINTR) return NotWritten(path_);
    if (written > 0) bytes.remove_prefix(written);
  }
  return absl::OkStatus();
}

absl::Status OutputFile::Commit() {
  if (place_.empty()) return absl::OkStatus();
  if (!has_name_) {
    const std::string self = absl::StrCat("/proc/self/fd/", file_.number());
    has_name_ =
        linkat(AT_FDCWD, self.c_str(), AT_FDCWD, temporary_.c_str(), AT_SYMLINK_FOLLOW) == 0;
  }
  if (!has_name_ || std::rename(temporary_.c_str(), place_.c_str()) != 0) return NotWritten(path_);
  has_name_ = false;
  return absl::OkStatus();
}

}  // namespace normd::cli
