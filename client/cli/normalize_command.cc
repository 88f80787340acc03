#include <cstdio>
#include <limits>

#include "absl/strings/str_cat.h"
#include "client/cli/commands.h"
#include "client/cli/input_flags.h"
#include "client/cli/output_file.h"
#include "client/cli/statistics_flags.h"
#include "client/cli/target_flags.h"
#include "client/cli/tensor_file.h"
#include "client/cpp/status.h"

namespace normd::cli {
namespace {

struct NormalizeFlags {
  InputFlags input;
  std::string output;
  TargetFlags target;
  StatisticsFlags statistics;
};

absl::StatusOr<v1::NormalizeRequest> ToRequest(const NormalizeFlags& flags, RowChunks& rows) {
  v1::NormalizeRequest request;
  if (absl::Status status = Fill(flags.target, request); !status.ok()) return status;
  auto statistics = ToStatistics(flags.statistics);
  if (!statistics.ok()) return statistics.status();
  if (*statistics) *request.mutable_statistics() = **std::move(statistics);
  if (*rows.count() == 0) return absl::InvalidArgumentError("there are no rows to normalize");
  absl::StatusOr<std::optional<v1::Chunk>> read = rows.Read(0);
  if (!read.ok()) return read.status();
  v1::Chunk batch = **std::move(read);
  if (!flags.input.lengths_path.empty() && batch.lengths_size() == 0) {
    return absl::InvalidArgumentError(
        "--lengths needs a batch [N, steps, ...]: rows one after the other are one batch without "
        "it, and a batch for each sequence with `normctl stream`");
  }
  v1::Tensor* input = request.mutable_input();
  input->set_element_type(rows.element_type());
  input->add_shape(*rows.rows());
  for (const int64_t dimension : rows.row_shape()) input->add_shape(dimension);
  input->set_data(std::move(*batch.mutable_data()));
  if (!batch.residual().empty()) {
    v1::Tensor* residual = request.mutable_residual();
    residual->set_element_type(rows.element_type());
    *residual->mutable_shape() = input->shape();
    residual->set_data(std::move(*batch.mutable_residual()));
  }
  *request.mutable_lengths() = std::move(*batch.mutable_lengths());
  request.set_row_mask(std::move(*batch.mutable_row_mask()));
  return request;
}

void RunCommand(const NormalizeFlags& flags, const GlobalFlags& global) {
  OutputFile output = ValueOrFail(OutputFile::Open(flags.output), global);
  RowChunks rows = ValueOrFail(
      OpenChunks(flags.input, std::numeric_limits<int64_t>::max(), Reading::kWhole), global);
  v1::NormalizeRequest request = ValueOrFail(ToRequest(flags, rows), global);
  request.set_return_statistics(global.json);
  absl::StatusOr<v1::NormalizeResponse> response = global.Connect().Normalize(request);
  if (client::IsMessageTooLarge(response.status())) {
    Fail(absl::ResourceExhaustedError(
             absl::StrCat(response.status().message(),
                          "\n  A batch must fit into one message; `normctl stream` sends any "
                          "number of rows in chunks")),
         global);
  }
  v1::NormalizeResponse answer = ValueOrFail(std::move(response), global);
  const std::vector<int64_t> shape = rows.shape();
  answer.mutable_output()->mutable_shape()->Assign(shape.begin(), shape.end());
  OkOrFail(WriteTensor(output, answer.output(), flags.input.format.raw), global);
  answer.mutable_output()->clear_data();
  if (global.json) return PrintJson(answer, global, flags.output == "-" ? stderr : stdout);
  std::fprintf(stderr, "%ld rows\n", *rows.rows());
}

}  // namespace

void AddNormalizeCommand(CLI::App& app, const GlobalFlags& global) {
  auto flags = std::make_shared<NormalizeFlags>();
  CLI::App* command = app.add_subcommand(
      "normalize", "Normalize one batch by one call, with statistics that need no session");
  flags->input.AddTo(*command);
  flags->input.AddResidualTo(*command);
  command->add_option("-o,--output", flags->output,
                      "Where to write the normalized batch, as the input; -: standard output");
  flags->target.AddTo(*command);
  flags->statistics.AddTo(*command);
  command->callback([&global, flags] { RunCommand(*flags, global); });
}

}  // namespace normd::cli
