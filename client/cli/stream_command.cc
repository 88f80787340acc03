#include <unistd.h>

#include <algorithm>
#include <cstdio>
#include <map>
#include <thread>

#include "absl/strings/str_cat.h"
#include "absl/time/clock.h"
#include "client/cli/commands.h"
#include "client/cli/npy.h"
#include "client/cli/row_range.h"
#include "client/cli/spec_flags.h"

namespace normd::cli {
namespace {

const std::map<std::string, v1::BatchNormMode> kModes = {
    {"training", v1::BATCH_NORM_MODE_TRAINING},
    {"inference", v1::BATCH_NORM_MODE_INFERENCE},
    {"streaming", v1::BATCH_NORM_MODE_STREAMING}};
const std::map<std::string, v1::UpdateOrder> kOrders = {
    {"update-first", v1::UPDATE_ORDER_UPDATE_THEN_NORMALIZE},
    {"normalize-first", v1::UPDATE_ORDER_NORMALIZE_THEN_UPDATE}};
const std::map<std::string, v1::UpdateGranularity> kGranularities = {
    {"row", v1::UPDATE_GRANULARITY_PER_ROW}, {"chunk", v1::UPDATE_GRANULARITY_PER_CHUNK}};
const std::map<std::string, v1::OnFrozen> kOnFrozen = {
    {"error", v1::ON_FROZEN_ERROR}, {"normalize-only", v1::ON_FROZEN_NORMALIZE_ONLY}};

// A flag with a name for each value.
template <typename Enum>
void AddChoice(CLI::App& command, const char* flag, Enum& value,
               const std::map<std::string, Enum>& choices, const char* description) {
  command
      .add_option_function<std::string>(
          flag, [&value, &choices](const std::string& name) { value = choices.at(name); },
          description)
      ->check(CLI::IsMember(choices));
}

struct StreamFlags {
  std::string input;
  std::string output;
  std::string session;
  std::string rows;
  int64_t rows_per_chunk = 1;
  v1::BatchNormMode mode = v1::BATCH_NORM_MODE_UNSPECIFIED;
  v1::UpdateOrder order = v1::UPDATE_ORDER_UNSPECIFIED;
  v1::UpdateGranularity granularity = v1::UPDATE_GRANULARITY_UNSPECIFIED;
  v1::OnFrozen on_frozen = v1::ON_FROZEN_UNSPECIFIED;
  SpecFlags spec;
};

absl::StatusOr<v1::Open> ToOpen(const StreamFlags& flags, const std::vector<int64_t>& shape) {
  v1::Open open;
  if (flags.session.empty() == flags.spec.method.empty()) {
    return absl::InvalidArgumentError("give either --session ID or --method NAME");
  }
  if (flags.session.empty()) {
    absl::StatusOr<v1::NormalizationSpec> spec = ToSpec(flags.spec);
    if (!spec.ok()) return spec.status();
    *open.mutable_spec() = *std::move(spec);
  } else {
    if (absl::Status status = RefuseSpecFlags(flags.spec); !status.ok()) return status;
    open.set_session(absl::StrCat("sessions/", flags.session));
  }
  open.set_element_type(v1::ELEMENT_TYPE_FLOAT32);
  open.mutable_row_shape()->Assign(shape.begin() + 1, shape.end());
  if (shape.size() == 1) open.add_row_shape(1);
  open.set_mode(flags.mode);
  open.set_update_order(flags.order);
  open.set_update_granularity(flags.granularity);
  open.set_on_frozen(flags.on_frozen);
  return open;
}

// Streams the rows, writing and reading at the same time; the outputs in order.
absl::StatusOr<std::vector<float>> Run(client::NormalizeStream& stream,
                                       absl::Span<const float> rows, int64_t chunk_size) {
  const size_t total = rows.size();
  std::thread writer([&stream, rows, chunk_size]() mutable {
    while (!rows.empty()) {
      const auto chunk = rows.first(std::min<size_t>(chunk_size, rows.size()));
      if (!stream.Write(chunk).ok()) return;  // Read tells why
      rows.remove_prefix(chunk.size());
    }
    stream.CloseWrites();
  });
  const bool show_progress = isatty(STDERR_FILENO) != 0;
  std::vector<float> output;
  output.reserve(total);
  absl::Status status;
  uint64_t answers = 0;
  for (;;) {
    const absl::StatusOr<client::Answer> answer = stream.Read();
    if (!answer.ok()) {
      if (!absl::IsOutOfRange(answer.status())) status = answer.status();
      break;
    }
    if (!answer->status.ok()) {
      status = absl::Status(answer->status.code(), absl::StrCat("chunk ", answer->sequence_number,
                                                                ": ", answer->status.message()));
      break;
    }
    const std::vector<float> values = answer->Float32();
    output.insert(output.end(), values.begin(), values.end());
    if (show_progress && ++answers % 1000 == 0) {
      std::fprintf(stderr, "\r%3.0f%%",
                   100.0 * static_cast<double>(output.size()) /
                       static_cast<double>(std::max<size_t>(total, 1)));
    }
  }
  if (show_progress) std::fputs("\r", stderr);
  if (!status.ok()) stream.Cancel();
  writer.join();
  if (!status.ok()) return status;
  const absl::StatusOr<v1::Closed> closed = stream.Finish();
  if (!closed.ok()) return closed.status();
  return output;
}

void RunCommand(const StreamFlags& flags, const GlobalFlags& global) {
  const Array input = ValueOrFail(ReadNpy(flags.input), global);
  const RowRange range = ValueOrFail(ParseRowRange(flags.rows, input.shape), global);
  const v1::Open open = ValueOrFail(ToOpen(flags, input.shape), global);
  const auto stream = ValueOrFail(global.Connect().OpenStream(open), global);
  const absl::Time start = absl::Now();
  Array output{input.shape, {}};
  output.shape[0] = range.count();
  output.values = ValueOrFail(Run(*stream, range.Select(input.values),
                                  std::min(flags.rows_per_chunk, range.count()) * range.row_size),
                              global);
  const double seconds = absl::ToDoubleSeconds(absl::Now() - start);
  if (!flags.output.empty()) {
    if (const absl::Status status = WriteNpy(flags.output, output); !status.ok()) {
      Fail(status, global);
    }
  }
  const auto rows = static_cast<double>(range.count());
  std::fprintf(global.json ? stdout : stderr,
               global.json ? "{\"rows\": %.0f, \"seconds\": %.3f, \"rows_per_second\": %.0f}\n"
                           : "%.0f rows in %.3f s (%.0f rows/s)\n",
               rows, seconds, rows / seconds);
}

}  // namespace

void AddStreamCommand(CLI::App& app, const GlobalFlags& global) {
  auto flags = std::make_shared<StreamFlags>();
  CLI::App* command = app.add_subcommand(
      "stream", "Stream a .npy file's rows through a method or a session, chunk by chunk");
  command->add_option("INPUT", flags->input, "float32 .npy; its first dimension is the rows")
      ->required();
  command->add_option("-o,--output", flags->output, "Where to write the normalized rows, .npy");
  command->add_option("--session", flags->session, "A session's id");
  command->add_option("--rows", flags->rows, "Only rows A:B, from A up to B - 1");
  command->add_option("--rows-per-chunk", flags->rows_per_chunk, "Rows of one message")
      ->check(CLI::PositiveNumber)
      ->capture_default_str();
  AddChoice(*command, "--mode", flags->mode, kModes, "batch_norm: what to do with statistics");
  AddChoice(*command, "--order", flags->order, kOrders, "streaming: which comes first");
  AddChoice(*command, "--granularity", flags->granularity, kGranularities,
            "streaming: what is one update");
  AddChoice(*command, "--on-frozen", flags->on_frozen, kOnFrozen,
            "What an update of a frozen session is");
  flags->spec.AddTo(*command);
  command->callback([&global, flags] { RunCommand(*flags, global); });
}

}  // namespace normd::cli
