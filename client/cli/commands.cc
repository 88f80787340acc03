#include "client/cli/commands.h"

#include <cstdio>

#include "absl/time/clock.h"
#include "client/cli/completion.h"
#include "google/protobuf/util/json_util.h"

namespace normd::cli {

std::string ToJson(const google::protobuf::Message& message, const GlobalFlags& global) {
  google::protobuf::util::JsonPrintOptions options;
  options.add_whitespace = true;
  options.always_print_primitive_fields = true;
  options.preserve_proto_field_names = true;
  std::string json;
  const auto status = google::protobuf::util::MessageToJsonString(message, &json, options);
  if (!status.ok()) Fail(absl::InternalError(std::string(status.message())), global);
  return json;
}

void PrintJson(const google::protobuf::Message& message, const GlobalFlags& global, std::FILE* to) {
  std::fputs(ToJson(message, global).c_str(), to);
}

void AddHealthCommand(CLI::App& app, const GlobalFlags& global) {
  struct Flags {
    std::string service;
    double wait_seconds = 0;
  };
  auto flags = std::make_shared<Flags>();
  CLI::App* command = app.add_subcommand("health", "Ask whether the server is serving");
  command->add_option("SERVICE", flags->service, "A full service name; the server without");
  command->add_option("--wait", flags->wait_seconds, "Seconds to wait until it is");
  command->callback([&global, flags] {
    const client::Client client = global.Connect();
    const absl::Time deadline = absl::Now() + absl::Seconds(flags->wait_seconds);
    absl::StatusOr<bool> serving = client.IsServing(flags->service);
    while ((!serving.ok() || !*serving) && absl::Now() < deadline) {
      absl::SleepFor(absl::Milliseconds(100));
      serving = client.IsServing(flags->service);
    }
    const bool is_serving = ValueOrFail(serving, global);
    std::printf(global.json ? "{\"status\": \"%s\"}\n" : "%s\n",
                is_serving ? "SERVING" : "NOT_SERVING");
    if (!is_serving) throw CLI::RuntimeError(1);
  });
}

void AddCompletionCommand(CLI::App& app) {
  CLI::App* command = app.add_subcommand(
      "completion", "Print a script that completes normctl: eval \"$(normctl completion bash)\"");
  auto shell = std::make_shared<std::string>();
  command->add_option("SHELL", *shell, "bash or zsh")
      ->required()
      ->check(CLI::IsMember({"bash", "zsh"}));
  command->callback([&app, shell] {
    const std::string script =
        *shell == "zsh" ? ZshCompletion(app, "normctl") : BashCompletion(app, "normctl");
    std::fputs(script.c_str(), stdout);
  });
}

}  // namespace normd::cli
