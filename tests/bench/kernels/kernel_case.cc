#include "tests/bench/kernels/kernel_case.h"

#include <algorithm>
#include <cstring>
#include <utility>

#include "absl/strings/str_join.h"
#include "core/kernels/element_conversion.h"
#include "tests/testing/random_values.h"

namespace normd::bench {
namespace {

constexpr int64_t kPage = 4096;

std::vector<float> RandomParameters(int64_t size, double low, double high, int seed) {
  const std::vector<double> values = testing::RandomDoubles(size, low, high, seed);
  return {values.begin(), values.end()};
}

}  // namespace

int64_t KernelCase::features() const {
  int64_t product = 1;
  for (const int64_t size : row_shape) product *= size;
  return product;
}

std::string NameOf(Op op) {
  static constexpr const char* kNames[] = {"layer_norm", "rms_norm", "batch_norm_train",
                                           "batch_norm_inference", "group_norm"};
  return kNames[static_cast<int>(op)];
}

std::string ShapeOf(const KernelCase& measured) {
  return std::to_string(measured.rows) + "x" + absl::StrJoin(measured.row_shape, "x");
}

std::vector<KernelCase> AllCases() {
  static const std::pair<int64_t, Shape> kShapes[] = {
      {1, {768}},     {1, {4096}},     {16, {4096}}, {64, {4096}},       {512, {4096}},
      {4096, {4096}}, {16384, {1024}}, {1, {65536}}, {32, {64, 56, 56}},
  };
  std::vector<KernelCase> cases;
  for (const Op op : {Op::kLayerNorm, Op::kRmsNorm, Op::kBatchNormTrain, Op::kBatchNormInference,
                      Op::kGroupNorm}) {
    for (const ElementType type :
         {ElementType::kFloat32, ElementType::kBFloat16, ElementType::kFloat16}) {
      for (const auto& [rows, row_shape] : kShapes) {
        cases.push_back({.op = op, .type = type, .rows = rows, .row_shape = row_shape});
      }
    }
  }
  return cases;
}

Operands::Operands(const KernelCase& measured)
    : Operands(measured, RandomParameters(measured.size(), -1.5, 2.5, 1)) {}

Operands::Operands(const KernelCase& measured, absl::Span<const float> x)
    : measured_(measured),
      x_(Allocate(measured.bytes())),
      y_(Allocate(measured.bytes())),
      gamma_(RandomParameters(measured.parameters(), 0.5, 1.5, 2)),
      beta_(RandomParameters(measured.parameters(), -1, 1, 3)),
      mean_(RandomParameters(measured.channels(), 0, 1, 4)),
      variance_(RandomParameters(measured.channels(), 0.5, 2, 5)) {
  VisitElementType(measured.type, [&]<typename T>(ElementTag<T>) {
    T* const to = static_cast<T*>(x_.get());
    for (size_t i = 0; i < x.size(); ++i) kernels::StoreElement(x[i], to + i);
  });
}

Operands::Buffer Operands::Allocate(int64_t bytes) {
  const int64_t whole_pages = (bytes + kPage - 1) / kPage * kPage;
  Buffer buffer(std::aligned_alloc(kPage, whole_pages), &std::free);
  if (buffer == nullptr) std::abort();
  std::memset(buffer.get(), 0, whole_pages);  // every page is there before anything is timed
  return buffer;
}

std::vector<float> Operands::OutputValues() const {
  std::vector<float> values(measured_.size());
  VisitElementType(measured_.type, [&]<typename T>(ElementTag<T>) {
    const T* const from = y().As<T>();
    for (size_t i = 0; i < values.size(); ++i) {
      values[i] = static_cast<float>(kernels::LoadElement(from + i));
    }
  });
  return values;
}

void Operands::ClearOutput() const { std::memset(y_.get(), 0, measured_.bytes()); }

}  // namespace normd::bench
