#include <cstdio>

#include "absl/time/clock.h"
#include "client/cli/chunk_exchange.h"
#include "client/cli/commands.h"
#include "client/cli/input_flags.h"
#include "client/cli/number_check.h"
#include "client/cli/output_file.h"
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
  OutputFile output = ValueOrFail(OutputFile::Open(flags.output), global);
  RowChunks chunks = ValueOrFail(OpenChunks(flags.input, flags.rows_per_chunk), global);
  v1::Open open;
  OkOrFail(Fill(flags.target, open), global);
  open.set_element_type(chunks.element_type());
  const std::vector<int64_t> row_shape = chunks.row_shape();
  open.mutable_row_shape()->Assign(row_shape.begin(), row_shape.end());
  const auto stream = ValueOrFail(global.Connect().OpenStream(open), global);
  const absl::Time start = absl::Now();
  OkOrFail(output.Write(TensorHeader(stream->opened().output_element_type(), chunks.shape(),
                                     flags.input.format.raw)),
           global);
  const auto write = [&](const client::Answer& answer) { return output.Write(answer.data); };
  ValueOrFail(Exchange(*stream, chunks, write), global);
  OkOrFail(output.Commit(), global);
  const double seconds = absl::ToDoubleSeconds(absl::Now() - start);
  const auto rows = static_cast<double>(chunks.rows().value_or(0));
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
  command->add_option(
      "-o,--output", flags->output,
      "Where to write the normalized rows, as the input; -: standard output, as they "
      "come");
  command
      ->add_option("--rows-per-chunk", flags->rows_per_chunk,
                   "Rows, or with --lengths sequences, of one message")
      ->check(AtLeastOne())
      ->capture_default_str();
  flags->target.AddTo(*command);
  command->footer("INPUT that is a pipe is sent as its rows come.");
  command->callback([&global, flags] { RunCommand(*flags, global); });
}

}  // namespace normd::cli
