#include "server/rpc/comparison_stream.h"

#include <algorithm>
#include <utility>

#include "absl/strings/str_cat.h"
#include "absl/time/clock.h"
#include "core/error/error.h"
#include "core/kernels/row_kernels.h"
#include "core/method/normalizer.h"
#include "server/rpc/comparison_conversion.h"
#include "server/rpc/report_conversion.h"
#include "server/rpc/spec_conversion.h"
#include "server/rpc/status_mapping.h"
#include "server/rpc/tensor_conversion.h"

namespace normd::server {
namespace {

using Specs = google::protobuf::RepeatedPtrField<v1::NormalizationSpec>;

// Of measurements, numbers and tags, for each method.
constexpr int64_t kBytesBesideOutputs = 256;

// What a chunk of any size costs for each running statistic, as InlineLimit has it: 45 ns.
constexpr int64_t kCostPerChannel = 32;

// BatchNorm that knows all it has seen, and LayerNorm, of the same features. Tokens that hold NaN
// or infinity are left out and counted.
Specs DefaultSpecs() {
  Specs specs;
  v1::BatchNorm* batch_norm = specs.Add()->mutable_batch_norm();
  batch_norm->set_channel_axis(-1);
  batch_norm->mutable_estimator()->mutable_cumulative();
  specs.Add()->mutable_layer_norm();
  for (v1::NormalizationSpec& spec : specs) {
    spec.set_non_finite(v1::NON_FINITE_POLICY_PROPAGATE);
  }
  return specs;
}

// " #2" for the second of a kind.
std::string NumberOf(const std::vector<MethodComparison>& methods, size_t index) {
  int64_t number = 1;
  for (size_t i = 0; i < index; ++i) {
    if (methods[i].spec().method == methods[index].spec().method) ++number;
  }
  return number == 1 ? "" : absl::StrCat(" #", number);
}

std::string NameOf(const std::vector<MethodComparison>& methods, size_t index) {
  return absl::StrCat(TraitsOf(methods[index].spec().method).name, NumberOf(methods, index));
}

// Begins a path at the spec's number instead of its parent's "spec".
absl::Status AtIndex(int index, const absl::Status& status) {
  const std::string field = DetailsOf(status).field;
  if (field.rfind("spec.", 0) != 0) return status;
  return InvalidFieldError(absl::StrCat("specs[", index, "]", field.substr(4)), status.message());
}

}  // namespace

absl::Status ComparisonStream::BindMethod(const v1::NormalizationSpec& spec) {
  absl::StatusOr<Normalizer> normalizer =
      NormalizerFromProto(spec, batches_->row_shape(), batches_->type());
  if (!normalizer.ok()) return normalizer.status();
  if (const auto* channels = std::get_if<ChannelNormalizer>(&*normalizer)) {
    channels_ += channels->channels();
    if (channels_ > kMaxChannels) {
      return InvalidFieldError(
          "specs", absl::StrCat("keep statistics of ", channels_, " channels together; at most ",
                                kMaxChannels, " are allowed"));
    }
    // Running statistics, a chunk's, and snapshots of the cold start.
    constexpr int64_t kBytesPerChannel = 384;
    NORMD_RETURN_IF_ERROR(Charge(channels->channels() * kBytesPerChannel));
    inline_limit_.AddFixed(kCostPerChannel * channels->channels());
  }
  batches_->RestrictTo(StepsOf(*normalizer));
  inline_limit_.Add(*normalizer, batches_->type());
  normalizers_.push_back(*normalizer);
  methods_.emplace_back(*std::move(normalizer), output_type_);
  return absl::OkStatus();
}

absl::Status ComparisonStream::Charge(int64_t bytes) {
  if (!memory_.HasRoom()) {
    return WithReason(absl::ResourceExhaustedError(
                          "this server's Compare streams keep as many statistics as they "
                          "may: close some, or raise --max_comparison_bytes"),
                      "TOO_MANY_COMPARISON_BYTES");
  }
  if (!charge_.has_value()) charge_.emplace(memory_);
  charge_->Add(bytes);
  return absl::OkStatus();
}

absl::Status ComparisonStream::BindPlan(const v1::ComparisonPlan& proto) {
  absl::StatusOr<ComparisonPlan> plan = FromProto(proto);
  if (!plan.ok()) return PrefixField("plan", plan.status());
  auto report = StreamComparison::Create(*std::move(plan), normalizers_, batches_->row_shape(),
                                         &absl::GetCurrentTimeNanos);
  if (!report.ok()) return report.status();
  report_ = *std::move(report);
  valid_tokens_ = RowTokens::For(normalizers_, batches_->row_shape());
  all_tokens_ = valid_tokens_;
  const int64_t bytes = BytesOf(report_->plan());
  if (memory_.HasRoomFor(bytes)) return Charge(bytes);
  return WithReason(absl::ResourceExhaustedError(
                        absl::StrCat("the plan would take ", bytes,
                                     " bytes, more than this server's Compare streams may yet: "
                                     "lower its batch_sizes or sample_bytes (normctl: "
                                     "--batch-sizes 0,2,32,128, --sample-kib), "
                                     "or raise --max_comparison_bytes")),
                    "TOO_MANY_COMPARISON_BYTES");
}

int64_t ComparisonStream::BytesOf(const ComparisonPlan& plan) const {
  constexpr int64_t kBytesOfSegments = 4096;       // of a channel
  constexpr int64_t kBytesOfStatistics = 192;      // of a channel, in a size's two cells
  constexpr int64_t kBytesOfGaps = 40 << 10;       // of a method in a cell
  constexpr int64_t kBytesOfAverages = 264 << 10;  // the same: what averages of batches consist of
  const int64_t channels = valid_tokens_->channels();
  const int64_t token = channels * SizeOf(batches_->type());
  const auto methods = static_cast<int64_t>(methods_.size());
  const int64_t sample = plan.sample_bytes + TokenSample::MostBytesBeside(plan.sample_bytes);
  int64_t bytes = sample + channels * kBytesOfSegments;
  // The cells of a size in the order of arrival, without padding and with it. The latter are gone
  // before there is one in another order.
  int64_t largest = 0;
  for (const int64_t named : plan.batch_sizes) {
    const int64_t size = named > 0 ? named : limits_.max_message_bytes / token;  // a chunk at most
    bytes += (methods + 1) * channels * kBytesOfStatistics +
             2 * (size * (token + 1) + methods * (kBytesOfGaps + kBytesOfAverages));
    largest = std::max(largest, size);
  }
  // The sample with padding; once it is gone, all tokens of one position, or places of the sample's
  // tokens and a batch of such mates with its outputs.
  const int64_t tokens = plan.sample_bytes / token + 1;
  const auto output = static_cast<int64_t>(sizeof(double)) * channels;
  return bytes + std::max(sample + tokens,
                          tokens * SingleTokens::kBytesOfPlace + largest * (token + output));
}

absl::Status ComparisonStream::Bind(const v1::CompareOpen& open) {
  if (open.specs_size() > kMaxMethods) {
    return InvalidFieldError("specs", absl::StrCat("are ", open.specs_size(), "; at most ",
                                                   kMaxMethods, " are allowed"));
  }
  ElementType input_type = ElementType::kFloat32;
  NORMD_RETURN_IF_ERROR(FromProto(open.element_type(), "element_type", &input_type));
  output_type_ = input_type;
  NORMD_RETURN_IF_ERROR(
      FromProto(open.output_element_type(), "output_element_type", &output_type_));
  return_outputs_ = open.return_outputs();
  const Shape row_shape(open.row_shape().begin(), open.row_shape().end());
  absl::StatusOr<RowBatches> batches = RowBatches::Create(row_shape, input_type, limits_);
  if (!batches.ok()) return batches.status();
  batches_ = *std::move(batches);
  const Specs specs = open.specs().empty() ? DefaultSpecs() : open.specs();
  for (int i = 0; i < specs.size(); ++i) {
    NORMD_RETURN_IF_ERROR(AtIndex(i, BindMethod(specs[i])));
  }
  return open.has_plan() ? BindPlan(open.plan()) : absl::OkStatus();
}

absl::Status ComparisonStream::Open(const v1::CompareRequest& request,
                                    v1::CompareResponse* response) {
  NORMD_RETURN_IF_ERROR(ChunkSequence::CheckFirst(request));
  NORMD_RETURN_IF_ERROR(PrefixField("open", Bind(request.open())));
  v1::CompareOpened* opened = response->mutable_opened();
  for (size_t i = 0; i < methods_.size(); ++i) {
    ToProto(methods_[i].spec(), opened->add_resolved_specs());
    opened->add_names(NameOf(methods_, i));
  }
  ToProto(limits_, opened->mutable_limits());
  opened->set_next_sequence_number(1);
  opened->set_output_element_type(ToProto(output_type_));
  return absl::OkStatus();
}

absl::Status ComparisonStream::Answer(const v1::CompareRequest& request, Patience /*patience*/,
                                      Executor& /*executor*/, v1::CompareResponse* response) {
  NORMD_RETURN_IF_ERROR(sequence_.CheckNext(request));
  v1::CompareResult* result = response->mutable_result();
  result->clear_methods();
  const absl::Status status = Measure(request.chunk(), result);
  if (status.ok()) {
    result->set_sequence_number(sequence_.Advance());
  } else {
    sequence_.Refuse(status, response->mutable_error());
    metrics_.refusals().Count(ReasonOf(status));
  }
  return absl::OkStatus();
}

bool ComparisonStream::Close(absl::FunctionRef<bool()> is_abandoned,
                             v1::CompareResponse* response) {
  v1::CompareSummary* summary = response->mutable_summary();
  summary->set_last_sequence_number(sequence_.last());
  for (const MethodComparison& method : methods_) {
    ToProto(method.Summarize(), summary->add_methods());
  }
  if (report_ == nullptr) return true;
  std::optional<ComparisonReport> report = report_->Finish(is_abandoned);
  if (!report) return false;
  for (size_t i = 0; i < methods_.size(); ++i) {
    const v1::Measurements& measured = summary->methods(static_cast<int>(i)).measurements();
    MethodReport& method = report->methods[i];
    method.gap_is_exactly_zero = measured.has_largest_gap() && measured.largest_gap() == 0;
    method.spec = methods_[i].spec();
    method.name = NameOf(methods_, i);
    method.title = absl::StrCat(TraitsOf(method.spec.method).title, NumberOf(methods_, i));
  }
  ToProto(*report, summary->mutable_report());
  return true;
}

void ComparisonStream::AddToReport(ConstElements valid, const Rows& rows, const v1::Chunk& chunk,
                                   const Padding& padding) {
  const absl::Span<const int64_t> ids = chunk.sequence_ids();
  std::vector<int64_t> valid_ids;
  for (size_t row = 0; row < ids.size(); ++row) {
    if (padding.has(static_cast<int64_t>(row))) valid_ids.push_back(ids[row]);
  }
  const ChunkTokens tokens = valid_tokens_->Read(valid, rows, valid_ids, rows_);
  rows_ += rows.count;
  std::optional<ChunkTokens> all;
  if (!padding.empty()) {
    const std::vector<int64_t> steps(padding.rows(), padding.steps());
    all = all_tokens_->Read({valid.type, chunk.data().data()}, Rows(padding.rows(), steps), ids, 0,
                            padding.row_steps());
  }
  const ChunkTokens* const with_padding = all ? &*all : nullptr;
  if (IsSecondPass()) return report_->AddAgain(tokens, with_padding);
  report_->Add(tokens, with_padding);
}

bool ComparisonStream::IsSecondPass() const {
  const uint64_t first = report_ != nullptr ? report_->plan().first_pass_chunks : 0;
  return first > 0 && sequence_.last() >= first;
}

absl::Status ComparisonStream::Measure(const v1::Chunk& chunk, v1::CompareResult* result) {
  if (!chunk.residual().empty()) {
    return InvalidFieldError("residual", "does not apply to Compare: send the sum");
  }
  const absl::StatusOr<Padding> padding =
      batches_->PaddingOf({chunk.data(), chunk.shape(), chunk.lengths(), chunk.row_mask(), ""});
  if (!padding.ok()) return padding.status();
  const int64_t element_size = SizeOf(batches_->type());
  const int64_t elements = static_cast<int64_t>(chunk.data().size()) / element_size;
  if (return_outputs_) NORMD_RETURN_IF_ERROR(CheckOutputsFit(elements));

  ConstElements x(batches_->type(), chunk.data().data());
  if (!padding->empty()) {
    const int64_t step_bytes = batches_->step_size() * element_size;
    valid_.resize(padding->valid_steps() * step_bytes);
    padding->TakeOut(chunk.data().data(), step_bytes, valid_.data());
    x.data = valid_.data();
  }
  const Rows rows = padding->valid_rows();
  const int ids = chunk.sequence_ids_size();
  if (ids != 0 && (report_ == nullptr || ids != padding->rows())) {
    return InvalidFieldError("sequence_ids", absl::StrCat("are ", ids, " for ", padding->rows(),
                                                          " rows; they need a plan"));
  }
  for (const MethodComparison& method : methods_) {
    absl::Status status = method.Check(x, rows);
    if (status.ok()) continue;
    CountRejectedValues(method, x, rows);
    return status;
  }
  if (report_ != nullptr) {
    AddToReport(x, rows, chunk, *padding);
    if (IsSecondPass()) return absl::OkStatus();
  }

  for (MethodComparison& method : methods_) {
    v1::MethodResult* answer = result->add_methods();
    ToProto(method.Measure(x, rows, outputs_), answer->mutable_measurements());
    metrics_.CountTokens(method.spec().method, rows.count);
    const bool leaves_out = method.spec().non_finite == NonFinitePolicy::kPropagate &&
                            TraitsOf(method.spec().method).keeps_running_statistics;
    if (leaves_out) CountRejectedValues(method, x, rows);
    if (!return_outputs_) continue;
    *answer->mutable_inference_output() = WithPadding(outputs_.inference, *padding, elements);
    if (outputs_.training.empty()) continue;
    *answer->mutable_training_output() = WithPadding(outputs_.training, *padding, elements);
  }
  return absl::OkStatus();
}

void ComparisonStream::CountRejectedValues(const MethodComparison& method, ConstElements x,
                                           const Rows& rows) const {
  metrics_.CountRejectedValues(method.spec().method,
                               kernels::CountNonFinite(x, method.steps().TotalSize(rows)));
}

absl::Status ComparisonStream::CheckOutputsFit(int64_t elements) const {
  int64_t outputs = 0;
  for (const MethodComparison& method : methods_) {
    outputs += TraitsOf(method.spec().method).same_in_training_and_inference ? 1 : 2;
  }
  const int64_t bytes = elements * SizeOf(output_type_) * outputs +
                        kBytesBesideOutputs * static_cast<int64_t>(methods_.size());
  if (bytes <= limits_.max_message_bytes) return absl::OkStatus();
  return InvalidFieldError(
      "data", absl::StrCat("would be answered by ", outputs, " outputs of together ", bytes,
                           " bytes, above this server's limit of ", limits_.max_message_bytes,
                           " a message: send fewer rows a chunk"));
}

std::string ComparisonStream::WithPadding(const std::vector<char>& output, const Padding& padding,
                                          int64_t elements) const {
  if (padding.empty()) return std::string(output.begin(), output.end());
  const int64_t output_size = SizeOf(output_type_);
  std::string result(elements * output_size, '\0');
  padding.PutBack(output.data(), batches_->step_size() * output_size, result.data());
  return result;
}

}  // namespace normd::server
