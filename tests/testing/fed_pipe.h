// A pipe that is fed piece by piece.
#ifndef NORMD_TESTS_TESTING_FED_PIPE_H_
#define NORMD_TESTS_TESTING_FED_PIPE_H_

#include <fcntl.h>
#include <gtest/gtest.h>
#include <sys/ioctl.h>
#include <unistd.h>

#include <atomic>
#include <string>
#include <thread>
#include <utility>
#include <vector>

namespace normd::testing {

class FedPipe {
 public:
  // A thread writes each piece when the one before it was read, and then closes the pipe.
  explicit FedPipe(std::vector<std::string> pieces) {
    int ends[2] = {-1, -1};
    EXPECT_EQ(pipe2(ends, O_CLOEXEC), 0);
    read_end_ = ends[0];
    thread_ = std::thread([this, pieces = std::move(pieces), write_end = ends[1]] {
      for (const std::string& piece : pieces) {
        EXPECT_EQ(write(write_end, piece.data(), piece.size()), static_cast<ssize_t>(piece.size()));
        for (int unread = 1; unread > 0 && !unwanted_; usleep(1000)) {
          ioctl(read_end_, FIONREAD, &unread);
        }
      }
      close(write_end);
    });
  }
  ~FedPipe() {
    unwanted_ = true;
    thread_.join();
    close(read_end_);
  }
  FedPipe(const FedPipe&) = delete;
  FedPipe& operator=(const FedPipe&) = delete;

  // Can be opened while the pipe lives.
  std::string path() const { return "/dev/fd/" + std::to_string(read_end_); }

 private:
  int read_end_ = -1;
  std::atomic<bool> unwanted_ = false;
  std::thread thread_;
};

}  // namespace normd::testing

#endif  // NORMD_TESTS_TESTING_FED_PIPE_H_
