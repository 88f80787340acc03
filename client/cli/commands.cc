#include "client/cli/commands.h"

#include <algorithm>
#include <cstdio>
#include <limits>
#include <utility>

#include "absl/time/clock.h"
#include "client/cli/completion.h"
#include "client/cli/difference.h"
#include "client/cli/row_chunks.h"
#include "client/cli/tensor_file.h"
#include "client/cpp/status.h"
#include "client/cpp/tensor.h"
#include "google/protobuf/util/json_util.h"

namespace normd::cli {

client::Client GlobalFlags::Connect() const {
  client::ClientOptions options;
  options.target = server;
  options.timeout = absl::Seconds(timeout_seconds);
  return client::Client(options);
}

void Fail(const absl::Status& status, const GlobalFlags& global) {
  std::fprintf(stderr, "normctl: %s\n", std::string(status.message()).c_str());
  if (absl::IsUnavailable(status) && client::ReasonOf(status).empty()) {
    std::fprintf(stderr, "  Is normd running at %s? Start one: normd --listen=%s\n",
                 global.server.c_str(), global.server.c_str());
  }
  throw CLI::RuntimeError(1);
}

void PrintJson(const google::protobuf::Message& message, const GlobalFlags& global, std::FILE* to) {
  google::protobuf::util::JsonPrintOptions options;
  options.add_whitespace = true;
  options.always_print_primitive_fields = true;
  options.preserve_proto_field_names = true;
  std::string json;
  const auto status = google::protobuf::util::MessageToJsonString(message, &json, options);
  if (!status.ok()) Fail(absl::InternalError(std::string(status.message())), global);
  std::fputs(json.c_str(), to);
}

void AddMethodsCommand(CLI::App& app, const GlobalFlags& global) {
  app.add_subcommand("methods", "List the methods that the server knows")->callback([&global] {
    const auto response = ValueOrFail(global.Connect().ListMethods(), global);
    if (global.json) return PrintJson(response, global);
    const auto yes_no = [](bool value) { return value ? "yes" : "no"; };
    std::printf("%-19s %-12s %-16s %-12s %-19s %-32s %s\n", "method", "fixes", "depends on batch",
                "keeps state", "training = inference", "typical use", "statistics over");
    for (const auto& method : response.methods()) {
      std::printf("%-19s %-12s %-16s %-12s %-19s %-32s %s\n", method.name().c_str(),
                  method.fixes().c_str(), yes_no(method.depends_on_batch()),
                  yes_no(method.keeps_running_statistics()),
                  yes_no(method.same_in_training_and_inference()), method.typical_use().c_str(),
                  method.shares_statistics_over().c_str());
    }
  });
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

namespace {

// Those rows' values.
absl::StatusOr<std::vector<double>> Select(v1::Tensor tensor, const std::string& rows) {
  const absl::StatusOr<RowChunks> chunks =
      RowChunks::Cut(std::move(tensor), {}, rows, std::numeric_limits<int64_t>::max());
  if (!chunks.ok()) return chunks.status();
  if (chunks->count() == 0) return std::vector<double>();
  return client::ToFloat64(chunks->element_type(), chunks->Get(0).data());
}

}  // namespace

void AddDiffCommand(CLI::App& app, const GlobalFlags& global) {
  struct Flags {
    std::string expected;
    std::string actual;
    TensorFormat format;
    std::string rows;
    std::string field;
  };
  auto flags = std::make_shared<Flags>();
  CLI::App* command = app.add_subcommand("diff", "Tell how far apart two tensors are");
  command->add_option("EXPECTED", flags->expected, "A .npy file")->required();
  command->add_option("ACTUAL", flags->actual, "A .npy file of the same shape")->required();
  flags->format.AddTo(*command);
  command->add_option("--rows", flags->rows, "Only rows A:B, from A up to B - 1");
  command->add_option("--field", flags->field, "Print this figure only, for scripts")
      ->check(CLI::IsMember({"relative_rms", "rms_expected", "rms_actual", "p50", "p99", "max",
                             "differing_bits", "elements"}));
  command->callback([&global, flags] {
    const v1::Tensor expected = ValueOrFail(ReadTensor(flags->expected, flags->format), global);
    const v1::Tensor actual = ValueOrFail(ReadTensor(flags->actual, flags->format), global);
    if (!std::equal(expected.shape().begin(), expected.shape().end(), actual.shape().begin(),
                    actual.shape().end())) {
      Fail(absl::InvalidArgumentError("the two arrays differ in shape"), global);
    }
    const Difference difference = Compare(ValueOrFail(Select(expected, flags->rows), global),
                                          ValueOrFail(Select(actual, flags->rows), global));
    const std::pair<const char*, double> figures[] = {
        {"elements", static_cast<double>(difference.elements)},
        {"differing_bits", static_cast<double>(difference.differing_bits)},
        {"rms_expected", difference.rms_expected},
        {"rms_actual", difference.rms_actual},
        {"relative_rms", difference.relative_rms},
        {"p50", difference.p50},
        {"p99", difference.p99},
        {"max", difference.max}};
    const char* separator = "{";
    for (const auto& [name, value] : figures) {
      if (!flags->field.empty()) {
        if (flags->field == name) std::printf("%.9g\n", value);
      } else if (global.json) {
        std::printf("%s\"%s\": %.9g", std::exchange(separator, ", "), name, value);
      } else {
        std::printf("%-15s %.9g\n", name, value);
      }
    }
    if (flags->field.empty() && global.json) std::puts("}");
  });
}

void AddCompletionCommand(CLI::App& app) {
  CLI::App* command = app.add_subcommand(
      "completion", "Print a script that completes normctl: eval \"$(normctl completion bash)\"");
  auto shell = std::make_shared<std::string>();
  command->add_option("SHELL", *shell, "bash")->required()->check(CLI::IsMember({"bash"}));
  command->callback([&app, shell] { std::fputs(BashCompletion(app, "normctl").c_str(), stdout); });
}

}  // namespace normd::cli
