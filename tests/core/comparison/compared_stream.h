// A stream that is compared, and what is read off its report.
#ifndef NORMD_TESTS_CORE_COMPARISON_COMPARED_STREAM_H_
#define NORMD_TESTS_CORE_COMPARISON_COMPARED_STREAM_H_

#include <gtest/gtest.h>

#include <algorithm>
#include <memory>
#include <optional>
#include <vector>

#include "core/comparison/stream_comparison.h"
#include "tests/testing/compared_methods.h"

namespace normd::testing {

// Feeds rows of one shape to several methods.
class ComparedStream {
 public:
  ComparedStream(const std::vector<NormalizationSpec>& specs, const Shape& row_shape,
                 const ComparisonPlan& plan = {}) {
    std::vector<Normalizer> methods;
    methods.reserve(specs.size());
    for (const NormalizationSpec& spec : specs) methods.push_back(NormalizerOf(spec, row_shape));
    tokens_.emplace(RowTokens::For(methods, row_shape));
    row_size_ = 1;
    for (const int64_t size : row_shape) row_size_ *= size;
    comparison_ = *StreamComparison::Create(plan, methods, row_shape, [] { return int64_t{0}; });
  }

  StreamComparison& comparison() { return *comparison_; }
  ComparisonReport Finish() {
    return *comparison_->Finish([] { return false; });
  }

  // In chunks of so many rows; again: as the second pass.
  template <typename T>
  void Feed(const std::vector<T>& values, int64_t rows_per_chunk, bool again = false) {
    const auto rows = static_cast<int64_t>(values.size()) / row_size_;
    for (int64_t row = 0; row < rows; row += rows_per_chunk) {
      const ChunkTokens chunk = tokens_->Read(values.data() + row * row_size_,
                                              std::min(rows_per_chunk, rows - row), {}, row);
      if (again) {
        comparison_->AddAgain(chunk, nullptr);
      } else {
        comparison_->Add(chunk, nullptr);
      }
    }
  }

  // Rows of one step each, of which every third is padding; but for the first two chunks.
  void FeedPadded(const std::vector<float>& values, int64_t rows_per_chunk, bool again) {
    const auto rows = static_cast<int64_t>(values.size()) / row_size_;
    RowTokens with_padding = *tokens_;
    for (int64_t row = 0; row < rows; row += rows_per_chunk) {
      const int64_t count = std::min(rows_per_chunk, rows - row);
      const float* const begin = values.data() + row * row_size_;
      const bool is_padded = row >= 2 * rows_per_chunk;
      std::vector<int64_t> steps;
      std::vector<float> valid;
      for (int64_t i = 0; i < count; ++i) {
        steps.push_back(is_padded && i % 3 == 2 ? 0 : 1);
        if (steps.back() == 0) continue;
        valid.insert(valid.end(), begin + i * row_size_, begin + (i + 1) * row_size_);
      }
      const ChunkTokens all = with_padding.Read(begin, count, {}, 0, steps);
      const ChunkTokens chunk =
          tokens_->Read(valid.data(), static_cast<int64_t>(valid.size()) / row_size_, {}, 0);
      const ChunkTokens* const padded = is_padded ? &all : nullptr;
      again ? comparison_->AddAgain(chunk, padded) : comparison_->Add(chunk, padded);
    }
  }

 private:
  int64_t row_size_ = 0;
  std::optional<RowTokens> tokens_;
  std::unique_ptr<StreamComparison> comparison_;
};

// Null, and a failure, where there is none.
inline const CellReport* FindCell(const ComparisonReport& report, BatchOrder order,
                                  int64_t batch_size) {
  for (const CellReport& cell : report.cells) {
    const bool is_it = cell.order == order && cell.batch_size == batch_size && !cell.with_padding;
    if (is_it) return &cell;
  }
  ADD_FAILURE() << "no cell of " << batch_size;
  return nullptr;
}

// All figures of a cell, absent ones as -1.
inline std::vector<double> FiguresOf(const CellReport& cell) {
  std::vector<double> figures = {static_cast<double>(cell.batches), cell.mean_batch_size,
                                 static_cast<double>(cell.usual_batch_size),
                                 cell.effective_batch_size.value_or(-1)};
  const auto add = [&](const std::optional<Estimate>& estimate) {
    for (const double figure :
         {estimate ? estimate->value : -1, estimate ? estimate->low.value_or(-1) : -1,
          estimate ? estimate->high.value_or(-1) : -1}) {
      figures.push_back(figure);
    }
  };
  for (const CellMethod& method : cell.methods) {
    const GapSummary gap = method.output_gap.value_or(GapSummary{-1, -1, -1, -1});
    figures.insert(figures.end(), {gap.p50, gap.p99, gap.largest, gap.overall.value});
    add(method.co_batch_sensitivity);
    for (const auto& discrepancy : method.discrepancies.value_or(Discrepancies()).values) {
      add(discrepancy.measured);
      figures.push_back(discrepancy.noise_floor.value_or(-1));
    }
  }
  return figures;
}

}  // namespace normd::testing

#endif  // NORMD_TESTS_CORE_COMPARISON_COMPARED_STREAM_H_
