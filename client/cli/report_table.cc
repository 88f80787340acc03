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

class Csv {
 public:
  Csv() : text_("order,batch_size,with_padding,method,figure,value,low,high,noise_floor,ratio\n") {}

  void AddCell(const v1::Cell& cell, const std::vector<std::string>& methods) {
    for (int i = 0; i < cell.methods_size(); ++i) {
      prefix_ = absl::StrCat(absl::StrReplaceAll(OrderName(cell.order()), {{" ", "_"}}), ",",
                             cell.batch_size(), ",", cell.with_padding() ? 1 : 0, ",", methods[i]);
      AddDiscrepancies(cell.methods(i));
      if (cell.methods(i).has_output_gap()) AddGap(cell.methods(i).output_gap());
      if (cell.methods(i).has_co_batch_sensitivity()) {
        Add("co_batch_sensitivity", cell.methods(i).co_batch_sensitivity());
      }
    }
  }
  std::string text() const { return text_; }

 private:
  void AddDiscrepancies(const v1::CellMethod& method) {
    const v1::Discrepancies& all = method.discrepancies();
    const auto* type = v1::Discrepancies::descriptor();
    for (int i = 0; i < type->field_count(); ++i) {
      const auto* field = type->field(i);
      if (!all.GetReflection()->HasField(all, field)) continue;
      const auto& one =
          static_cast<const v1::Discrepancy&>(all.GetReflection()->GetMessage(all, field));
      Add(field->name(), one.measured(), one.has_noise_floor() ? Exact(one.noise_floor()) : "",
          one.has_ratio() ? Exact(one.ratio().value()) : "");
    }
  }
  void AddGap(const v1::GapQuantiles& gap) {
    for (const auto& [name, value] :
         {std::pair("gap_p50", gap.p50()), std::pair("gap_p99", gap.p99()),
          std::pair("gap_largest", gap.largest()), std::pair("gap_overall", gap.overall())}) {
      v1::Estimate estimate;
      estimate.set_value(value);
      Add(name, estimate);
    }
  }
  void Add(const std::string& figure, const v1::Estimate& estimate, const std::string& floor = "",
           const std::string& ratio = "") {
    absl::StrAppend(&text_, prefix_, ",", figure, ",", Exact(estimate.value()), ",",
                    estimate.has_low() ? Exact(estimate.low()) : "", ",",
                    estimate.has_high() ? Exact(estimate.high()) : "", ",", floor, ",", ratio,
                    "\n");
  }
  static std::string Exact(double value) { return absl::StrFormat("%.17g", value); }

  std::string text_;
  std::string prefix_;
};

}  // namespace

std::vector<std::string> MethodColumns(const v1::CompareOpened& opened) {
  std::vector<std::string> names;
  const auto* methods = v1::NormalizationSpec::descriptor()->FindOneofByName("method");
  for (const v1::NormalizationSpec& spec : opened.resolved_specs()) {
    const auto* method = spec.GetReflection()->GetOneofFieldDescriptor(spec, methods);
    names.push_back(method == nullptr ? "-" : method->name());
  }
  std::vector<std::string> numbered = names;
  for (size_t i = 0; i < names.size(); ++i) {
    const auto same =
        std::count(names.begin(), names.begin() + static_cast<ptrdiff_t>(i), names[i]);
    if (same > 0) absl::StrAppend(&numbered[i], " #", same + 1);
  }
  return numbered;
}

std::string ReportTable(const v1::ComparisonReport& report,
                        const std::vector<std::string>& methods) {
  std::string text = absl::StrCat(Wrapped(report.verdict().summary(), 100, ""), "\n");
  for (const std::string& reason : report.verdict().reasons()) {
    absl::StrAppend(&text, "  - ", Wrapped(reason, 96, "    "), "\n");
  }
  absl::StrAppend(
      &text, "\n",
      absl::StrFormat("%-12s %12s %9s %9s %9s", "order", "tokens", "batches", "worth", "x chance"));
  for (const std::string& method : methods) {
    absl::StrAppend(&text, absl::StrFormat(" %18s", method));
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

std::string ReportCsv(const v1::ComparisonReport& report, const std::vector<std::string>& methods) {
  Csv csv;
  for (const v1::Cell& cell : report.cells()) csv.AddCell(cell, methods);
  return csv.text();
}

}  // namespace normd::cli
