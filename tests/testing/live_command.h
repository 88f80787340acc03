// A program that runs while a test writes its standard input and reads its standard output.
#ifndef NORMD_TESTS_TESTING_LIVE_COMMAND_H_
#define NORMD_TESTS_TESTING_LIVE_COMMAND_H_

#include <fcntl.h>
#include <gtest/gtest.h>
#include <poll.h>
#include <spawn.h>
#include <sys/wait.h>
#include <unistd.h>

#include <string>
#include <utility>
#include <vector>

#include "tests/testing/run_command.h"
#include "tests/testing/temporary_folder.h"

namespace normd::testing {

class LiveCommand {
 public:
  explicit LiveCommand(std::vector<std::string> command) {
    int in[2] = {-1, -1};
    int out[2] = {-1, -1};
    EXPECT_EQ(pipe2(in, O_CLOEXEC), 0);
    EXPECT_EQ(pipe2(out, O_CLOEXEC), 0);
    in_ = in[1];
    out_ = out[0];
    posix_spawn_file_actions_t actions;
    posix_spawn_file_actions_init(&actions);
    posix_spawn_file_actions_adddup2(&actions, in[0], STDIN_FILENO);
    posix_spawn_file_actions_adddup2(&actions, out[1], STDOUT_FILENO);
    posix_spawn_file_actions_addopen(&actions, STDERR_FILENO, (folder_ / "error").c_str(),
                                     O_CREAT | O_WRONLY, 0600);
    std::vector<char*> argv;
    for (std::string& argument : command) argv.push_back(argument.data());
    argv.push_back(nullptr);
    EXPECT_EQ(posix_spawn(&pid_, argv[0], &actions, nullptr, argv.data(), environ), 0);
    posix_spawn_file_actions_destroy(&actions);
    close(in[0]);
    close(out[1]);
  }
  ~LiveCommand() {
    if (pid_ > 0) {
      kill(pid_, SIGKILL);
      Wait();
    }
    CloseInput();
    close(out_);
  }
  LiveCommand(const LiveCommand&) = delete;
  LiveCommand& operator=(const LiveCommand&) = delete;

  pid_t pid() const { return pid_; }

  void Write(const std::string& bytes) const {
    EXPECT_EQ(write(in_, bytes.data(), bytes.size()), static_cast<ssize_t>(bytes.size()));
  }

  void CloseInput() {
    if (in_ >= 0) close(std::exchange(in_, -1));
  }

  // What it writes, `size` bytes; fewer where it ends, or writes none for half a minute.
  std::string Read(size_t size) const {
    std::string bytes(size, '\0');
    size_t filled = 0;
    while (filled < size) {
      pollfd ready = {out_, POLLIN, 0};
      if (poll(&ready, 1, 30'000) <= 0) break;
      const ssize_t got = read(out_, bytes.data() + filled, size - filled);
      if (got <= 0) break;
      filled += got;
    }
    bytes.resize(filled);
    return bytes;
  }

  // Waits for its end. What it wrote since the last Read.
  CommandResult End() {
    CommandResult result;
    while (true) {
      const std::string block = Read(1 << 16);
      result.out += block;
      if (block.size() < 1 << 16) break;
    }
    result.exit_code = Wait();
    result.error = folder_.Read("error");
    return result;
  }

 private:
  int Wait() {
    int status = 0;
    waitpid(std::exchange(pid_, 0), &status, 0);
    return WIFEXITED(status) ? WEXITSTATUS(status) : -1;
  }

  TemporaryFolder folder_;
  pid_t pid_ = 0;
  int in_ = -1;
  int out_ = -1;
};

}  // namespace normd::testing

#endif  // NORMD_TESTS_TESTING_LIVE_COMMAND_H_
