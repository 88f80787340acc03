#include <algorithm>
#include <cstdio>
#include <string>
#include <vector>

#include "client/cli/commands.h"

namespace normd::cli {
namespace {

using Row = std::vector<std::string>;

std::string YesNo(bool value) { return value ? "yes" : "no"; }

// Columns as wide as what they hold; nothing after the last one.
void Print(const std::vector<Row>& rows) {
  std::vector<size_t> widths(rows[0].size(), 0);
  for (const Row& row : rows) {
    for (size_t i = 0; i + 1 < row.size(); ++i) widths[i] = std::max(widths[i], row[i].size() + 2);
  }
  for (const Row& row : rows) {
    for (size_t i = 0; i < row.size(); ++i) {
      std::printf("%-*s", static_cast<int>(widths[i]), row[i].c_str());
    }
    std::puts("");
  }
}

}  // namespace

void AddMethodsCommand(CLI::App& app, const GlobalFlags& global) {
  app.add_subcommand("methods", "List the methods that the server knows")->callback([&global] {
    const auto response = ValueOrFail(global.Connect().ListMethods(), global);
    if (global.json) return PrintJson(response, global);
    std::vector<Row> rows = {{"method", "fixes", "depends on batch", "keeps state",
                              "training = inference", "typical use", "statistics over"}};
    for (const auto& method : response.methods()) {
      rows.push_back({method.name(), method.fixes(), YesNo(method.depends_on_batch()),
                      YesNo(method.keeps_running_statistics()),
                      YesNo(method.same_in_training_and_inference()), method.typical_use(),
                      method.shares_statistics_over()});
    }
    Print(rows);
  });
}

}  // namespace normd::cli
