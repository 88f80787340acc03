#include <cstdio>

#include "absl/time/clock.h"
#include "client/cli/chunk_exchange.h"
#include "client/cli/commands.h"
#include "client/cli/input_flags.h"
#include "client/cli/number_check.h"
#include "client/cli/target_flags.h"

namespace normd::cli {
namespace {

struct StreamFlags {
  InputFlags input;
  std::string output;
  int64_t rows_per_chunk = 1;
  TargetFlags target;
};

void RunCommand(const StreamFlags& flags, const GlobalFlags& global) {
  OkOrFail(CheckWritable(flags.output), global);
  const RowChunks chunks = ValueOrFail(ReadChunks(flags.input, flags.rows_per_chunk), global);
  v1::Open open;
  OkOrFail(Fill(flags.target, open), global);
  open.set_element_type(chunks.element_type());
  const std::vector<int64_t> row_shape = chunks.row_shape();
  open.mutable_row_shape()->Assign(row_shape.begin(), row_shape.end());
  const auto stream = ValueOrFail(global.Connect().OpenStream(open), global);
  const absl::Time start = absl::Now();
  v1::Tensor output;
  output.set_element_type(stream->opened().output_element_type());
  const std::vector<int64_t> shape = chunks.shape();
  output.mutable_shape()->Assign(shape.begin(), shape.end());
  const auto append = [&](const client::Answer& answer) {
    output.mutable_data()->append(answer.data);
  };
  ValueOrFail(Exchange(*stream, chunks, append), global);
  const double seconds = absl::ToDoubleSeconds(absl::Now() - start);
  if (!flags.output.empty()) {
    OkOrFail(WriteTensor(flags.output, output, flags.input.format.raw), global);
  }
  const auto rows = static_cast<double>(chunks.rows());
  std::fprintf(global.json && flags.output != "-" ? stdout : stderr,
               global.json ? "{\"rows\": %.0f, \"seconds\": %.3f, \"rows_per_second\": %.0f}\n"
                           : "%.0f rows in %.3f s (%.0f rows/s)\n",
               rows, seconds, rows / seconds);
}

}  // namespace

void AddStreamCommand(CLI::App& app, const GlobalFlags& global) {
  auto flags = std::make_shared<StreamFlags>();
  CLI::App* command = app.add_subcommand(
      "stream", "Stream a tensor's rows through a method or a session, chunk by chunk");
  flags->input.AddTo(*command);
  flags->input.AddResidualTo(*command);
  command->add_option("-o,--output", flags->output,
                      "Where to write the normalized rows, as the input; -: standard output");
  command
      ->add_option("--rows-per-chunk", flags->rows_per_chunk,
                   "Rows, or with --lengths sequences, of one message")
      ->check(AtLeastOne())
      ->capture_default_str();
  flags->target.AddTo(*command);
  command->callback([&global, flags] { RunCommand(*flags, global); });
}

}  // namespace normd::cli
