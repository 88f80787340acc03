#include "client/cli/output_file.h"

#include <gmock/gmock.h>
#include <gtest/gtest.h>
#include <sys/stat.h>

#include <filesystem>
#include <iterator>

#include "tests/testing/temporary_folder.h"

namespace normd::cli {
namespace {

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
  for (const std::string& path : {folder_ / "none/y", folder_ / "", folder_ / "."}) {
    EXPECT_EQ(OutputFile::Open(path).status(),
              absl::FailedPreconditionError(path + ": cannot be written"));
  }
  OutputFile full = OpenOrFail("/dev/full");
  EXPECT_TRUE(absl::IsFailedPrecondition(full.Write("x")));
}

}  // namespace
}  // namespace normd::cli
