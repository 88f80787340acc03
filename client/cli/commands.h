// normctl's commands: each adds a subcommand with its flags to the application. When that was
// parsed, its callback runs; a failure is thrown as CLI::RuntimeError with the exit code, after its
// message was printed.
#ifndef NORMD_CLIENT_CLI_COMMANDS_H_
#define NORMD_CLIENT_CLI_COMMANDS_H_

#include <CLI/CLI.hpp>
#include <cstdio>
#include <memory>
#include <string>

#include "absl/status/status.h"
#include "client/cpp/client.h"
#include "client/cpp/tls.h"
#include "google/protobuf/message.h"

namespace normd::cli {

// The flags of every command.
struct GlobalFlags {
  std::string server = "127.0.0.1:50051";
  double timeout_seconds = 10;  // of a call, or of a stream's opening
  bool json = false;
  bool tls = false;  // implied by those that follow
  client::TlsFiles tls_files;
  std::string tls_server_name;

  void AddTo(CLI::App& app);
  bool UsesTls() const;
  client::ClientOptions Options() const;
  client::Client Connect() const { return client::Client(Options()); }
};

void AddMethodsCommand(CLI::App& app, const GlobalFlags& global);
void AddHealthCommand(CLI::App& app, const GlobalFlags& global);
void AddSessionCommands(CLI::App& app, const GlobalFlags& global);
void AddNormalizeCommand(CLI::App& app, const GlobalFlags& global);
void AddStreamCommand(CLI::App& app, const GlobalFlags& global);
void AddCompareCommand(CLI::App& app, const GlobalFlags& global);
void AddBenchCommand(CLI::App& app, const GlobalFlags& global);
void AddDiffCommand(CLI::App& app, const GlobalFlags& global);
void AddCompletionCommand(CLI::App& app);

// Prints "normctl: MESSAGE", with a hint where a way out is known, and throws.
[[noreturn]] void Fail(const absl::Status& status, const GlobalFlags& global);

inline void OkOrFail(const absl::Status& status, const GlobalFlags& global) {
  if (!status.ok()) Fail(status, global);
}

// The value, or Fail.
template <typename T>
T ValueOrFail(absl::StatusOr<T> result, const GlobalFlags& global) {
  if (!result.ok()) Fail(result.status(), global);
  return *std::move(result);
}

// With the fields' own names; fails where it cannot be.
std::string ToJson(const google::protobuf::Message& message, const GlobalFlags& global);
void PrintJson(const google::protobuf::Message& message, const GlobalFlags& global,
               std::FILE* to = stdout);

}  // namespace normd::cli

#endif  // NORMD_CLIENT_CLI_COMMANDS_H_
