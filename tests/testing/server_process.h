// A real normd process on a free loopback port, ended with the test.
#ifndef NORMD_TESTS_TESTING_SERVER_PROCESS_H_
#define NORMD_TESTS_TESTING_SERVER_PROCESS_H_

#include <fcntl.h>
#include <signal.h>
#include <spawn.h>
#include <sys/wait.h>
#include <unistd.h>

#include <cstdint>
#include <cstdlib>
#include <fstream>
#include <iterator>
#include <string>
#include <vector>

#include "gtest/gtest.h"

extern char** environ;

namespace normd::testing {

class ServerProcess {
 public:
  ServerProcess(const std::string& binary, const std::vector<std::string>& flags)
      : ServerProcess(std::vector<std::string>{binary}, flags) {}

  // By a command that ends in the binary's path and becomes it, as prlimit does.
  ServerProcess(std::vector<std::string> arguments, const std::vector<std::string>& flags) {
    char pattern[] = "/tmp/normd-test-XXXXXX";
    directory_ = mkdtemp(pattern);
    const std::string port_file = directory_ + "/port";
    const std::vector<std::string> first = {"--listen=127.0.0.1:0", "--port_file=" + port_file,
                                            "--log_level=warn"};
    arguments.insert(arguments.end(), first.begin(), first.end());
    arguments.insert(arguments.end(), flags.begin(), flags.end());
    std::vector<char*> argv;
    for (std::string& argument : arguments) argv.push_back(argument.data());
    argv.push_back(nullptr);
    posix_spawn_file_actions_t actions;
    posix_spawn_file_actions_init(&actions);
    posix_spawn_file_actions_addopen(&actions, STDERR_FILENO, LogFile().c_str(),
                                     O_CREAT | O_WRONLY | O_APPEND, 0600);
    const bool started = posix_spawn(&pid_, argv[0], &actions, nullptr, argv.data(), environ) == 0;
    posix_spawn_file_actions_destroy(&actions);
    if (!started) return;
    // The port's line is complete when it ends in a newline.
    for (int i = 0; i < 3000 && port_ == 0 && !Ended(WNOHANG); ++i) {
      std::ifstream in(port_file);
      std::string line;
      if (std::getline(in, line) && !in.eof()) port_ = std::stoi(line);
      if (port_ == 0) usleep(10'000);
    }
  }

  // A server that still runs must end well: a sanitizer's findings show in its exit code.
  ~ServerProcess() {
    if (pid_ > 0) {
      EXPECT_EQ(Terminate(), 0) << Log();
    }
    unlink(LogFile().c_str());
    unlink((directory_ + "/port").c_str());
    rmdir(directory_.c_str());
  }

  ServerProcess(const ServerProcess&) = delete;
  ServerProcess& operator=(const ServerProcess&) = delete;

  // 0 where it did not come up.
  int port() const { return port_; }
  std::string address() const { return "127.0.0.1:" + std::to_string(port_); }

  // What it has logged.
  std::string Log() const {
    std::ifstream in(LogFile());
    return std::string((std::istreambuf_iterator<char>(in)), std::istreambuf_iterator<char>());
  }

  // Memory that it holds, in RAM; 0 where it has ended.
  int64_t ResidentBytes() const { return MemoryBytes("VmRSS:"); }

  // The most that it has held at any time.
  int64_t PeakBytes() const { return MemoryBytes("VmHWM:"); }

  void Signal(int signal) const { kill(pid_, signal); }

  // Whether it has ended by itself.
  bool HasEnded() { return Ended(WNOHANG); }

  // Waits for the process's end; its exit code, or -1 where a signal ended it.
  int Wait() {
    Ended(0);
    return exit_code_;
  }

  int Terminate() {
    if (pid_ > 0) Signal(SIGTERM);
    return Wait();
  }

 private:
  int64_t MemoryBytes(const std::string& name) const {
    std::ifstream in("/proc/" + std::to_string(pid_) + "/status");
    int64_t kibibytes = 0;
    for (std::string word; in >> word;) {
      if (word == name) in >> kibibytes;
    }
    return kibibytes * 1024;
  }

  std::string LogFile() const { return directory_ + "/log"; }

  // Whether the process has ended; `options` as waitpid takes them.
  bool Ended(int options) {
    int status = 0;
    if (pid_ > 0 && waitpid(pid_, &status, options) == pid_) {
      pid_ = 0;
      exit_code_ = WIFEXITED(status) ? WEXITSTATUS(status) : -1;
    }
    return pid_ <= 0;
  }

  std::string directory_;
  pid_t pid_ = 0;
  int exit_code_ = -1;
  int port_ = 0;
};

}  // namespace normd::testing

#endif  // NORMD_TESTS_TESTING_SERVER_PROCESS_H_
