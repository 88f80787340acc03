#include <algorithm>
#include <cstdio>
#include <fstream>
#include <optional>
#include <sstream>

#include "absl/strings/str_cat.h"
#include "client/cli/chunk_exchange.h"
#include "client/cli/commands.h"
#include "client/cli/input_flags.h"
#include "client/cli/live_table.h"
#include "client/cli/number_check.h"
#include "client/cli/output_file.h"
#include "client/cli/plan_flags.h"
#include "client/cli/report/report_page.h"
#include "client/cli/report_table.h"
#include "client/cli/spec_flags.h"
#include "google/protobuf/util/json_util.h"

namespace normd::cli {
namespace {

struct CompareFlags {
  InputFlags input;
  PlanFlags plan;
  std::optional<int64_t> rows_per_chunk;
  std::vector<std::string> methods;
  bool channels_first = false;
  std::string specs_path;
  bool follow = false;
  std::string report_path;
  std::string csv_path;
};

absl::StatusOr<v1::CompareOpen> ReadSpecs(const std::string& path) {
  std::ifstream in(path);
  std::ostringstream json;
  in.peek();  // of a folder, which can be opened, it fails
  if (!in.is_open() || in.bad()) {
    return absl::NotFoundError(absl::StrCat(path, ": cannot be opened"));
  }
  json << in.rdbuf();
  v1::CompareOpen read;
  const auto status = google::protobuf::util::JsonStringToMessage(json.str(), &read);
  if (!status.ok()) {
    return absl::InvalidArgumentError(
        absl::StrCat(path, ": must be JSON like {\"specs\": [{\"layer_norm\": {}}]}: ",
                     std::string(status.message())));
  }
  v1::CompareOpen open;
  *open.mutable_specs() = read.specs();
  if (open.ByteSizeLong() != read.ByteSizeLong()) {
    return absl::InvalidArgumentError(
        absl::StrCat(path, ": may hold specs only; the rest comes from the input"));
  }
  return open;
}

absl::StatusOr<v1::CompareOpen> ToOpen(const CompareFlags& flags) {
  if (!flags.specs_path.empty()) return ReadSpecs(flags.specs_path);
  v1::CompareOpen open;
  for (const std::string& method : flags.methods) {
    SpecFlags with_defaults;
    with_defaults.method = method;
    with_defaults.propagate_non_finite = true;  // such tokens are left out, and counted
    absl::StatusOr<v1::NormalizationSpec> spec = ToSpec(with_defaults);
    if (!spec.ok()) return spec.status();
    *open.add_specs() = *std::move(spec);
  }
  return open;
}

// Of a page about a file.
std::string Title(const std::string& path) {
  return path == "-" ? "Standard input" : path.substr(path.rfind('/') + 1);
}

void Save(const std::string& text, OutputFile& file, const GlobalFlags& global) {
  OkOrFail(file.Write(text), global);
  OkOrFail(file.Commit(), global);
}

// The rows of a batch where nothing is said of it.
constexpr int64_t kUsualBatch = 128;

// Fewer batches tell nothing of how much they differ; and no server's limit is below so many bytes.
constexpr int64_t kFewestBatches = 16;
constexpr int64_t kMostChunkBytes = 2 << 20;

absl::StatusOr<RowChunks> OpenBatches(const CompareFlags& flags) {
  absl::StatusOr<RowChunks> chunks =
      OpenChunks(flags.input, flags.rows_per_chunk.value_or(kUsualBatch));
  if (chunks.ok() && !flags.rows_per_chunk) chunks->Refine(kFewestBatches, kMostChunkBytes);
  return chunks;
}

// What the verdict is about where rows are tokens and chunks do not tell what batches are meant to
// be: there are too few rows for them, or rows are too wide.
void SetBatchSizeInUse(const CompareFlags& flags, const RowChunks& chunks,
                       v1::ComparisonPlan& plan) {
  constexpr int64_t kLargestBatch = 1 << 16;
  const bool rows_are_tokens = chunks.row_shape().size() == 1 && flags.input.lengths_path.empty();
  if (plan.has_batch_size_in_use() || !rows_are_tokens) return;
  const int64_t meant = flags.rows_per_chunk.value_or(kUsualBatch);
  const bool are_few = chunks.count().value_or(kFewestBatches) < kFewestBatches;
  if (are_few || chunks.rows_per_chunk() < meant) {
    plan.set_batch_size_in_use(std::min(meant, kLargestBatch));
  }
}

void RunCommand(const CompareFlags& flags, const GlobalFlags& global) {
  OutputFile page = ValueOrFail(OutputFile::Open(flags.report_path), global);
  OutputFile csv = ValueOrFail(OutputFile::Open(flags.csv_path), global);
  v1::CompareOpen open = ValueOrFail(ToOpen(flags), global);
  RowChunks chunks = ValueOrFail(OpenBatches(flags), global);
  if (flags.channels_first && !chunks.MoveChannelsLast()) {
    Fail(absl::InvalidArgumentError(absl::StrCat(
             flags.input.path, ": --channels-first needs [N, C, ...] with further dimensions")),
         global);
  }
  chunks.TellSequences();
  *open.mutable_plan() = flags.plan.ToPlan();
  SetBatchSizeInUse(flags, chunks, *open.mutable_plan());
  const bool is_sent_twice =
      chunks.rereads() && *chunks.rows() * chunks.row_bytes() > open.plan().sample_bytes();
  if (is_sent_twice) open.mutable_plan()->set_first_pass_chunks(*chunks.count());
  open.set_element_type(chunks.element_type());
  const std::vector<int64_t> row_shape = chunks.row_shape();
  open.mutable_row_shape()->Assign(row_shape.begin(), row_shape.end());
  const auto stream = ValueOrFail(global.Connect().OpenCompare(open), global);
  const auto& names = stream->opened().names();
  LiveTable live({names.begin(), names.end()});
  const auto take = [&](const client::CompareAnswer& answer) {
    if (flags.follow && answer.result.methods_size() > 0) live.Add(answer.result);
    return absl::OkStatus();
  };
  const v1::CompareSummary summary =
      ValueOrFail(Exchange(*stream, chunks, take, is_sent_twice ? 2 : 1), global);
  if (flags.follow) live.Finish();
  if (!flags.report_path.empty()) {
    Save(ReportPage(ToJson(summary.report(), global), Title(flags.input.path)), page, global);
  }
  if (!flags.csv_path.empty()) Save(ReportCsv(summary.report()), csv, global);
  if (global.json) return PrintJson(summary, global);
  std::fputs(ReportTable(summary.report()).c_str(), stdout);
}

}  // namespace

void AddCompareCommand(CLI::App& app, const GlobalFlags& global) {
  auto flags = std::make_shared<CompareFlags>();
  CLI::App* command = app.add_subcommand(
      "compare", "Measure what distinguishes methods on a tensor's rows, batch by batch");
  flags->input.AddTo(*command);
  flags->plan.AddTo(*command);
  command
      ->add_option(
          "--rows-per-chunk", flags->rows_per_chunk,
          "Rows, or with --lengths sequences, of one batch as it comes (128; fewer where that "
          "makes less than 16 batches, or more than 2 MiB)")
      ->check(AtLeastOne());
  CLI::Option* method =
      command
          ->add_option("--method", flags->methods,
                       "A method with its defaults; once for each. Without: batch_norm and "
                       "layer_norm over the last dimension")
          ->allow_extra_args(false)
          ->check(CLI::IsMember(MethodNames()));
  command
      ->add_option("--specs", flags->specs_path,
                   "Methods with parameters, a JSON file: {\"specs\": [{\"layer_norm\": {}}]}")
      ->excludes(method);
  command->add_flag("--channels-first", flags->channels_first,
                    "The input is images [N, C, H, W] or rows [N, C, T]: every pixel or step is a "
                    "token of C features");
  command->add_flag("--follow", flags->follow, "Show the figures so far while the stream runs");
  command->add_option("--report", flags->report_path,
                      "Write the whole report here, one self-contained file of HTML");
  command->add_option("--csv", flags->csv_path, "Write every figure of every batch size here");
  command->footer(
      "INPUT that is a pipe is sent as its rows come, and once: beyond --sample-kib, a file is "
      "sent twice, and for a pipe the sample stands for what needs all tokens.");
  command->callback([&global, flags] { RunCommand(*flags, global); });
}

}  // namespace normd::cli
