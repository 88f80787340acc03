#include "client/cli/report_table.h"

#include <algorithm>
#include <utility>

#include "absl/strings/ascii.h"
#include "absl/strings/str_cat.h"
#include "absl/strings/str_format.h"
#include "absl/strings/str_replace.h"

namespace normd::cli {
namespace {

// "by position" of BATCH_ORDER_BY_POSITION.
std::string OrderName(v1::BatchOrder order) {
  std::string name = v1::BatchOrder_Name(order);
  absl::AsciiStrToLower(&name);
  name.erase(0, sizeof("batch_order_") - 1);
  return absl::StrReplaceAll(name, {{"_", " "}});
}

std::string SizeName(int64_t batch_size) {
  return batch_size == 0 ? "as they come" : absl::StrCat(batch_size);
}

std::string Figure(double value) { return absl::StrFormat("%.3g", value); }

std::string Exact(double value) { return absl::StrFormat("%.17g", value); }

// Breaks at spaces, so that no line is longer than `width` where its words allow.
std::string Wrapped(const std::string& text, size_t width, const std::string& indent) {
  std::string result;
  size_t line = 0;
  size_t begin = 0;
  while (begin < text.size()) {
    const size_t end = std::min(text.find(' ', begin), text.size());
    const size_t word = end - begin;
    if (line > 0 && line + 1 + word > width) {
      absl::StrAppend(&result, "\n", indent);
      line = 0;
    } else if (line > 0) {
      result += ' ';
      ++line;
    }
    result.append(text, begin, word);
    line += word;
    begin = end + 1;
  }
  return result;
}

// The two ends of an interval with their commas, or as much nothing.
std::string Ends(const v1::Estimate& estimate) {
  return absl::StrCat(estimate.has_low() ? Exact(estimate.low()) : "", ",",
                      estimate.has_high() ? Exact(estimate.high()) : "");
}

class Csv {
 public:
  void AddCell(const v1::Cell& cell) {
    for (const v1::CellMethod& method : cell.methods()) {
      prefix_ = absl::StrCat(
          absl::StrReplaceAll(OrderName(cell.order()), {{" ", "_"}}), ",", cell.batch_size(), ",",
          cell.with_padding() ? 1 : 0, ",", cell.batches(), ",", Exact(cell.mean_batch_size()), ",",
          cell.has_effective_batch_size() ? Exact(cell.effective_batch_size()) : "", ",",
          method.method());
      AddDiscrepancies(method.discrepancies());
      if (method.has_output_gap()) AddGap(method.output_gap());
      if (!method.has_co_batch_sensitivity()) continue;
      v1::Discrepancy mates;
      *mates.mutable_measured() = method.co_batch_sensitivity();
      Add("co_batch_sensitivity", mates);
    }
  }
  std::string text() const { return text_; }

 private:
  void AddDiscrepancies(const v1::Discrepancies& all) {
    const auto* type = v1::Discrepancies::descriptor();
    for (int i = 0; i < type->field_count(); ++i) {
      const auto* field = type->field(i);
      if (!all.GetReflection()->HasField(all, field)) continue;
      Add(field->name(),
          static_cast<const v1::Discrepancy&>(all.GetReflection()->GetMessage(all, field)));
    }
  }
  void AddGap(const v1::GapQuantiles& gap) {
    for (const auto& [name, value] :
         {std::pair("gap_p50", gap.p50()), std::pair("gap_p99", gap.p99()),
          std::pair("gap_largest", gap.largest())}) {
      v1::Discrepancy alone;
      alone.mutable_measured()->set_value(value);
      Add(name, alone);
    }
    v1::Discrepancy overall;
    overall.mutable_measured()->set_value(gap.overall());
    if (gap.has_low()) overall.mutable_measured()->set_low(gap.low());
    if (gap.has_high()) overall.mutable_measured()->set_high(gap.high());
    Add("gap_overall", overall);
  }
  void Add(const std::string& figure, const v1::Discrepancy& found) {
    absl::StrAppend(
        &text_, prefix_, ",", figure, ",", Exact(found.measured().value()), ",",
        Ends(found.measured()), ",", found.has_noise_floor() ? Exact(found.noise_floor()) : "", ",",
        found.has_ratio() ? Exact(found.ratio().value()) : "", ",", Ends(found.ratio()), "\n");
  }

  std::string text_ =
      "order,batch_size,with_padding,batches,mean_batch_size,effective_batch_size,method,figure,"
      "value,low,high,noise_floor,ratio,ratio_low,ratio_high\n";
  std::string prefix_;  // of the cell and the method
};

}  // namespace

std::string ReportTable(const v1::ComparisonReport& report) {
  std::string text = absl::StrCat(Wrapped(report.verdict().summary(), 100, ""), "\n");
  for (const std::string& reason : report.verdict().reasons()) {
    absl::StrAppend(&text, "  - ", Wrapped(reason, 96, "    "), "\n");
  }
  absl::StrAppend(
      &text, "\n",
      absl::StrFormat("%-12s %12s %9s %9s %9s", "order", "tokens", "batches", "worth", "x chance"));
  for (const v1::MethodReport& method : report.methods()) {
    absl::StrAppend(&text, absl::StrFormat(" %18s", method.name()));
  }
  text += '\n';
  for (const v1::Cell& cell : report.cells()) {
    if (cell.batches() == 0) continue;
    std::string ratio = "-";
    for (const v1::CellMethod& method : cell.methods()) {
      if (!method.discrepancies().final_mean().has_ratio()) continue;
      ratio = Figure(method.discrepancies().final_mean().ratio().value());
      break;
    }
    absl::StrAppend(
        &text,
        absl::StrFormat("%-12s %12s %9d %9s %9s",
                        cell.with_padding() ? "with padding" : OrderName(cell.order()),
                        SizeName(cell.batch_size()), cell.batches(),
                        cell.has_effective_batch_size() ? Figure(cell.effective_batch_size()) : "-",
                        ratio));
    for (const v1::CellMethod& method : cell.methods()) {
      const v1::GapQuantiles& gap = method.output_gap();
      absl::StrAppend(
          &text, absl::StrFormat(
                     " %18s", method.has_output_gap() ? Figure(100 * gap.overall()) + " %" : "-"));
    }
    text += '\n';
  }
  return text +
         "\nUnder each method: its output gap, training's outputs from inference's, rms over rms.\n"
         "Worth: independent tokens that would let a batch's means vary as much.\n"
         "x chance: how far the batches' means are from those of all tokens, over what "
         "independent\n"
         "  tokens would give.\n";
}

std::string ReportCsv(const v1::ComparisonReport& report) {
  Csv csv;
  for (const v1::Cell& cell : report.cells()) csv.AddCell(cell);
  return csv.text();
}

}  // namespace normd::cli
