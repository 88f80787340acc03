// What is measured: one operation on one tensor, and who computes it.
#ifndef NORMD_TESTS_BENCH_KERNELS_KERNEL_CASE_H_
#define NORMD_TESTS_BENCH_KERNELS_KERNEL_CASE_H_

#include <cstdint>
#include <cstdlib>
#include <functional>
#include <memory>
#include <optional>
#include <string>
#include <vector>

#include "absl/types/span.h"
#include "core/tensor/element_type.h"
#include "core/tensor/shape.h"

namespace normd::bench {

enum class Op { kLayerNorm, kRmsNorm, kBatchNormTrain, kBatchNormInference, kGroupNorm };

struct KernelCase {
  Op op = Op::kLayerNorm;
  ElementType type = ElementType::kFloat32;
  int64_t rows = 1;
  Shape row_shape;  // [features], or an image's [channels, height, width]
  bool affine = true;
  double epsilon = 1e-5;

  int64_t features() const;  // of a row
  int64_t channels() const { return row_shape[0]; }
  int64_t pixels() const { return features() / channels(); }  // of a channel
  int64_t size() const { return rows * features(); }
  int64_t bytes() const { return size() * SizeOf(type); }  // of the input, and of the output too
  bool is_image() const { return row_shape.size() > 1; }
  // Whether gamma and beta have an element for each feature, and not for each channel.
  bool is_within_rows() const { return op == Op::kLayerNorm || op == Op::kRmsNorm; }
  int64_t parameters() const { return is_within_rows() ? features() : channels(); }
};

inline constexpr int kGroups = 32;  // GroupNorm's, of channels

std::string NameOf(Op op);
std::string ShapeOf(const KernelCase& measured);  // "16x4096"

// Every operation, type and shape, in that order.
std::vector<KernelCase> AllCases();

// The tensors of a case. Input and output lie at the start of a page each, so that no contender's
// luck with addresses differs from another's.
class Operands {
 public:
  // Random values about 0.5, the same each time.
  explicit Operands(const KernelCase& measured);
  Operands(const KernelCase& measured, absl::Span<const float> x);

  const KernelCase& measured() const { return measured_; }
  ConstElements x() const { return {measured_.type, x_.get()}; }
  Elements y() const { return {measured_.type, y_.get()}; }
  std::vector<float> OutputValues() const;
  void ClearOutput() const;

  // As many as the case has parameters.
  const std::vector<float>& gamma() const { return gamma_; }
  const std::vector<float>& beta() const { return beta_; }
  // What BatchNorm's inference goes by.
  const std::vector<float>& mean() const { return mean_; }
  const std::vector<float>& variance() const { return variance_; }

 private:
  using Buffer = std::unique_ptr<void, decltype(&std::free)>;
  static Buffer Allocate(int64_t bytes);

  KernelCase measured_;
  Buffer x_;
  Buffer y_;
  std::vector<float> gamma_;
  std::vector<float> beta_;
  std::vector<float> mean_;
  std::vector<float> variance_;
};

// One way to compute a case. It refers to the case's operands.
struct Contender {
  std::function<void()> run;
  // Brings the output to where Operands have it; empty: `run` writes it there.
  std::function<void()> settle = nullptr;
};

// On so many threads. Nothing for a BatchNorm that would train on a single row.
std::optional<Contender> NormdKernel(const Operands& operands, int threads);
// One for each layout; the operands' own comes first. None where the library has no such kernel.
std::vector<Contender> OneDnnKernels(const Operands& operands, int threads);
std::vector<Contender> PyTorchKernels(const Operands& operands, int threads);

}  // namespace normd::bench

#endif  // NORMD_TESTS_BENCH_KERNELS_KERNEL_CASE_H_
