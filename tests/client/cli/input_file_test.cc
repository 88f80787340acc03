#include "client/cli/input_file.h"

#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include <filesystem>
#include <thread>

#include "tests/testing/fed_pipe.h"
#include "tests/testing/temporary_folder.h"

namespace normd::cli {
namespace {

using testing::FedPipe;
using ::testing::HasSubstr;
using testing::TemporaryFolder;

InputFile OpenOrFail(const std::string& path) {
  absl::StatusOr<InputFile> file = InputFile::Open(path);
  EXPECT_TRUE(file.ok()) << file.status();
  return *std::move(file);
}

TEST(InputFileTest, AFileIsReadAnywhereAndAgain) {
  const TemporaryFolder folder;
  InputFile file = OpenOrFail(folder.Write("x", "0123456789"));
  EXPECT_EQ(file.size(), 10);
  EXPECT_EQ(*file.Read(7, 2), "78");
  EXPECT_EQ(*file.Read(0, 3), "012");
  EXPECT_EQ(*file.Read(8, 100), "89");
  EXPECT_EQ(*file.Read(10, 1), "");
  std::filesystem::resize_file(folder / "x", 3);
  EXPECT_EQ(*file.Read(2, 4), "2");
}

TEST(InputFileTest, APipeIsWaitedForAndReadOnce) {
  FedPipe pipe({"01", "2345", "6", "789"});
  InputFile file = OpenOrFail(pipe.path());
  EXPECT_FALSE(file.size());
  EXPECT_EQ(*file.Read(0, 3), "012");
  EXPECT_EQ(*file.Read(5, 3), "567");
  EXPECT_EQ(file.position(), 8);
  EXPECT_EQ(*file.Read(8, 100), "89");
  EXPECT_EQ(*file.Read(20, 1), "");
  EXPECT_EQ(file.position(), 10);
}

TEST(InputFileTest, BytesInMemoryAreReadAsAFileIs) {
  InputFile file("x", "0123456789");
  EXPECT_EQ(file.size(), 10);
  EXPECT_EQ(*file.Read(7, 2), "78");
  EXPECT_EQ(*file.Read(0, 3), "012");
  EXPECT_EQ(*file.Read(10, 1), "");
}

// A block is 1 MiB.
TEST(InputFileTest, MoreThanABlockIsReadAtOnce) {
  const TemporaryFolder folder;
  std::string bytes;
  for (int i = 0; i < 700'000; ++i) bytes += std::to_string(i);
  InputFile file = OpenOrFail(folder.Write("x", bytes));
  EXPECT_TRUE(*file.Read(0, 1L << 40) == bytes);
  EXPECT_TRUE(*file.Read(1, 2'000'000) == bytes.substr(1, 2'000'000));
}

TEST(InputFileTest, CancelEndsWaitingNowAndLater) {
  int ends[2] = {-1, -1};
  ASSERT_EQ(pipe2(ends, O_CLOEXEC), 0);
  InputFile file = OpenOrFail("/dev/fd/" + std::to_string(ends[0]));
  std::thread other([&file] { file.Cancel(); });
  EXPECT_TRUE(absl::IsCancelled(file.Read(0, 1).status()));
  other.join();
  EXPECT_TRUE(absl::IsCancelled(file.Read(0, 1).status()));
  close(ends[0]);
  close(ends[1]);
}

TEST(InputFileTest, ErrorsNameThePath) {
  EXPECT_EQ(InputFile::Open("/nowhere/x").status(),
            absl::NotFoundError("/nowhere/x: cannot be opened"));
  const TemporaryFolder folder;
  InputFile file = OpenOrFail(folder / "");
  const absl::Status status = file.Read(0, 1).status();
  EXPECT_TRUE(absl::IsDataLoss(status));
  EXPECT_EQ(status.message(), folder / "" + ": cannot be read: Is a directory");
}

}  // namespace
}  // namespace normd::cli
