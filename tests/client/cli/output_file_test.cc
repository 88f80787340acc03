#include "client/cli/output_file.h"

#include <gmock/gmock.h>
#include <gtest/gtest.h>
#include <sys/stat.h>

#include <cstdio>
#include <filesystem>
#include <iterator>
#include <thread>

#include "tests/testing/temporary_folder.h"

namespace normd::cli {
namespace {

// Of root, takes away that it may do anything, as long as this lives.
class WithoutPrivileges {
 public:
  WithoutPrivileges() : was_root_(geteuid() == 0 && seteuid(65534) == 0) {}
  ~WithoutPrivileges() {
    if (was_root_) {
      EXPECT_EQ(seteuid(0), 0);
    }
  }

 private:
  bool was_root_;
};

class OutputFileTest : public ::testing::Test {
 protected:
  static OutputFile OpenOrFail(const std::string& path) {
    absl::StatusOr<OutputFile> file = OutputFile::Open(path);
    EXPECT_TRUE(file.ok()) << file.status();
    return *std::move(file);
  }

  int64_t Files() const {
    return std::distance(std::filesystem::directory_iterator(folder_ / ""), {});
  }

  testing::TemporaryFolder folder_;
};

TEST_F(OutputFileTest, APathIsTakenWhenTheFileIsWhole) {
  folder_.Write("y", "before");
  {
    OutputFile file = OpenOrFail(folder_ / "y");
    ASSERT_TRUE(file.Write("af").ok());
    ASSERT_TRUE(file.Write("ter").ok());
    EXPECT_EQ(folder_.Read("y"), "before");
    ASSERT_TRUE(file.Commit().ok());
    EXPECT_EQ(folder_.Read("y"), "after");
  }
  EXPECT_EQ(folder_.Read("y"), "after");
  EXPECT_EQ(Files(), 1);
}

TEST_F(OutputFileTest, WhatIsNotCommittedLeavesNothing) {
  folder_.Write("y", "before");
  for (const char* name : {"y", "new"}) {
    OutputFile file = OpenOrFail(folder_ / name);
    ASSERT_TRUE(file.Write("half").ok());
  }
  EXPECT_EQ(folder_.Read("y"), "before");
  EXPECT_EQ(Files(), 1);
}

TEST_F(OutputFileTest, ModesAndLinksStay) {
  chmod(folder_.Write("y", "before").c_str(), 0640);
  std::filesystem::create_symlink("y", folder_ / "link");
  OutputFile file = OpenOrFail(folder_ / "link");
  ASSERT_TRUE(file.Write("after").ok());
  ASSERT_TRUE(file.Commit().ok());
  EXPECT_EQ(folder_.Read("y"), "after");
  EXPECT_TRUE(std::filesystem::is_symlink(folder_ / "link"));
  EXPECT_EQ(std::filesystem::status(folder_ / "y").permissions(), std::filesystem::perms(0640));
}

TEST_F(OutputFileTest, WhereLinksLeadToNothingAFileIsMade) {
  std::filesystem::create_directory(folder_ / "results");
  std::filesystem::create_symlink("results/latest", folder_ / "link");
  std::filesystem::create_symlink("y", folder_ / "results/latest");
  OutputFile file = OpenOrFail(folder_ / "link");
  ASSERT_TRUE(file.Write("new").ok());
  ASSERT_TRUE(file.Commit().ok());
  EXPECT_EQ(folder_.Read("results/y"), "new");
  EXPECT_TRUE(std::filesystem::is_symlink(folder_ / "link"));
  EXPECT_TRUE(std::filesystem::is_symlink(folder_ / "results/latest"));
}

TEST_F(OutputFileTest, WhatCannotBeReplacedIsCopiedInto) {
  const std::string path = folder_.Write("y", "what was there before");
  chmod(path.c_str(), 0666);
  const std::string bytes(3'000'000, 'x');
  {
    OutputFile file = OpenOrFail(path);
    ASSERT_TRUE(file.Write(bytes).ok());
    chmod((folder_ / "").c_str(), 0555);
    const WithoutPrivileges other;
    const absl::Status status = file.Commit();
    EXPECT_TRUE(status.ok()) << status;
  }
  chmod((folder_ / "").c_str(), 0755);
  EXPECT_TRUE(folder_.Read("y") == bytes);
  EXPECT_EQ(Files(), 1);
}

TEST_F(OutputFileTest, NoNameIsTooLongOrTaken) {
  folder_.Write("y.part-" + std::to_string(getpid()), "of a process that ended");
  for (const std::string& name : {std::string(255, 'n'), std::string("y")}) {
    OutputFile file = OpenOrFail(folder_ / name);
    ASSERT_TRUE(file.Write("new").ok());
    const absl::Status status = file.Commit();
    EXPECT_TRUE(status.ok()) << status;
    EXPECT_EQ(folder_.Read(name), "new");
  }
  EXPECT_EQ(Files(), 3);
}

TEST_F(OutputFileTest, APipeThatDoesNotBlockIsWaitedFor) {
  int ends[2] = {-1, -1};
  ASSERT_EQ(pipe2(ends, O_CLOEXEC | O_NONBLOCK), 0);
  std::fflush(stdout);
  const int before = dup(STDOUT_FILENO);
  dup2(ends[1], STDOUT_FILENO);
  close(ends[1]);
  absl::Status status;
  std::thread writer([&status] {
    status = OpenOrFail("-").Write(std::string(1 << 20, 'x'));
    close(STDOUT_FILENO);
  });
  usleep(10'000);  // the pipe is full
  fcntl(ends[0], F_SETFL, 0);
  int64_t bytes = 0;
  char block[1 << 12];
  for (ssize_t got = 1; got > 0; bytes += got) got = read(ends[0], block, sizeof(block));
  writer.join();
  dup2(before, STDOUT_FILENO);
  close(before);
  close(ends[0]);
  EXPECT_TRUE(status.ok()) << status;
  EXPECT_EQ(bytes, 1 << 20);
}

TEST_F(OutputFileTest, WhatIsNoRegularFileIsWrittenAtOnce) {
  const std::string path = folder_ / "fifo";
  ASSERT_EQ(mkfifo(path.c_str(), 0600), 0);
  const int reader = open(path.c_str(), O_RDONLY | O_NONBLOCK);
  OutputFile file = OpenOrFail(path);
  ASSERT_TRUE(file.Write("now").ok());
  char got[8] = {};
  EXPECT_EQ(read(reader, got, sizeof(got)), 3);
  ASSERT_TRUE(file.Commit().ok());
  close(reader);
  EXPECT_TRUE(std::filesystem::is_fifo(path));
  EXPECT_EQ(Files(), 1);
  OutputFile nowhere = OpenOrFail("");
  EXPECT_TRUE(nowhere.Write("x").ok());
  EXPECT_TRUE(nowhere.Commit().ok());
}

TEST_F(OutputFileTest, WhatCannotBeWrittenSaysSo) {
  std::filesystem::create_symlink("loop", folder_ / "loop");
  folder_.Write("y", "");
  const std::pair<std::string, const char*> reasons[] = {
      {"none/y", "No such file or directory"},
      {"none/", "Is a directory"},
      {"", "Is a directory"},
      {".", "Is a directory"},
      {"y/z", "Not a directory"},
      {"loop", "Too many levels of symbolic links"},
      {std::string(256, 'n'), "File name too long"}};
  for (const auto& [name, reason] : reasons) {
    EXPECT_EQ(OutputFile::Open(folder_ / name).status(),
              absl::FailedPreconditionError(folder_ / name + ": cannot be written: " + reason));
  }
  OutputFile full = OpenOrFail("/dev/full");
  EXPECT_EQ(full.Write("x"),
            absl::FailedPreconditionError("/dev/full: cannot be written: No space left on device"));
}

}  // namespace
}  // namespace normd::cli
