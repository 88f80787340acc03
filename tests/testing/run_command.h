// Runs a program to its end, as a user would from a shell.
#ifndef NORMD_TESTS_TESTING_RUN_COMMAND_H_
#define NORMD_TESTS_TESTING_RUN_COMMAND_H_

#include <fcntl.h>
#include <spawn.h>
#include <sys/resource.h>
#include <sys/wait.h>
#include <unistd.h>

#include <cstdint>
#include <fstream>
#include <iterator>
#include <string>
#include <vector>

extern char** environ;

namespace normd::testing {

struct CommandResult {
  int exit_code = -1;      // -1: it did not start, or a signal ended it
  int64_t peak_bytes = 0;  // the most memory that it had in RAM
  std::string out;
  std::string error;
};

inline CommandResult RunCommand(std::vector<std::string> command) {
  char out[] = "/tmp/normd-out-XXXXXX";
  char error[] = "/tmp/normd-err-XXXXXX";
  const int out_file = mkstemp(out);
  const int error_file = mkstemp(error);
  posix_spawn_file_actions_t actions;
  posix_spawn_file_actions_init(&actions);
  posix_spawn_file_actions_adddup2(&actions, out_file, STDOUT_FILENO);
  posix_spawn_file_actions_adddup2(&actions, error_file, STDERR_FILENO);
  std::vector<char*> argv;
  for (std::string& argument : command) argv.push_back(argument.data());
  argv.push_back(nullptr);
  CommandResult result;
  pid_t pid = 0;
  int status = 0;
  rusage usage = {};
  if (posix_spawn(&pid, argv[0], &actions, nullptr, argv.data(), environ) == 0 &&
      wait4(pid, &status, 0, &usage) == pid && WIFEXITED(status)) {
    result.exit_code = WEXITSTATUS(status);
    result.peak_bytes = usage.ru_maxrss * 1024;
  }
  posix_spawn_file_actions_destroy(&actions);
  const auto take = [](int file, const char* path) {
    std::ifstream in(path);
    std::string text((std::istreambuf_iterator<char>(in)), std::istreambuf_iterator<char>());
    close(file);
    unlink(path);
    return text;
  };
  result.out = take(out_file, out);
  result.error = take(error_file, error);
  return result;
}

}  // namespace normd::testing

#endif  // NORMD_TESTS_TESTING_RUN_COMMAND_H_
