#include <ATen/ATen.h>
#include <ATen/Parallel.h>
#include <c10/core/InferenceMode.h>
#include <malloc.h>

#include <cstring>
#include <memory>
#include <set>
#include <tuple>

#include "tests/bench/kernels/kernel_case.h"

namespace normd::bench {
namespace {

at::ScalarType TypeOf(ElementType type) {
  switch (type) {
    case ElementType::kFloat32:
      return at::kFloat;
    case ElementType::kFloat64:
      return at::kDouble;
    case ElementType::kFloat16:
      return at::kHalf;
    case ElementType::kBFloat16:
      return at::kBFloat16;
  }
  std::abort();
}

at::Tensor Vector(const std::vector<float>& values, at::IntArrayRef shape, at::ScalarType type) {
  return at::tensor(values).reshape(shape).to(type);
}

std::vector<int64_t> DimsOf(const KernelCase& measured) {
  std::vector<int64_t> dims = {measured.rows};
  dims.insert(dims.end(), measured.row_shape.begin(), measured.row_shape.end());
  return dims;
}

// The output that one call makes.
std::function<at::Tensor()> CallOf(const Operands& operands, const at::Tensor& x,
                                   at::ScalarType parameter_type) {
  const KernelCase& measured = operands.measured();
  const double epsilon = measured.epsilon;
  const std::vector<int64_t> row_shape(measured.row_shape.begin(), measured.row_shape.end());
  const std::vector<int64_t> channel = {measured.channels()};
  const auto& shape = measured.is_within_rows() ? row_shape : channel;
  at::Tensor gamma;
  at::Tensor beta;
  if (measured.affine) {
    gamma = Vector(operands.gamma(), shape, parameter_type);
    beta = Vector(operands.beta(), shape, parameter_type);
  }
  switch (measured.op) {
    case Op::kLayerNorm:
      return [=] { return std::get<0>(at::native_layer_norm(x, row_shape, gamma, beta, epsilon)); };
    case Op::kBatchNormTrain:
      return [=] {
        return std::get<0>(at::native_batch_norm(x, gamma, beta, {}, {}, true, 0, epsilon));
      };
    case Op::kBatchNormInference:
      return [=, mean = Vector(operands.mean(), channel, parameter_type),
              variance = Vector(operands.variance(), channel, parameter_type)] {
        return std::get<0>(
            at::native_batch_norm(x, gamma, beta, mean, variance, false, 0, epsilon));
      };
    case Op::kGroupNorm:
      return [=, rows = measured.rows, channels = measured.channels(), pixels = measured.pixels()] {
        return std::get<0>(
            at::native_group_norm(x, gamma, beta, rows, channels, pixels, kGroups, epsilon));
      };
    case Op::kRmsNorm:
      break;
  }
  return nullptr;
}

// Nothing where PyTorch refuses it.
std::optional<Contender> Try(const Operands& operands, const at::Tensor& x,
                             at::ScalarType parameter_type) {
  const std::function<at::Tensor()> call = CallOf(operands, x, parameter_type);
  if (call == nullptr) return std::nullopt;
  const auto output = std::make_shared<at::Tensor>();
  Contender contender;
  contender.run = [call, output] {
    output->reset();  // the next output comes to lie in its place
    *output = call();
  };
  contender.settle = [output, &operands] {
    const at::Tensor plain = output->contiguous();
    std::memcpy(operands.y().data, plain.data_ptr(), operands.measured().bytes());
  };
  try {
    contender.run();
  } catch (const c10::Error&) {
    return std::nullopt;
  }
  return contender;
}

}  // namespace

std::vector<Contender> PyTorchKernels(const Operands& operands, int threads) {
  // PyTorch 1.13 has no norm on a processor that writes into a given output. Let its allocation
  // cost next to nothing instead: what was freed stays in the heap, and its pages are there
  // already.
  mallopt(M_MMAP_MAX, 0);
  mallopt(M_TRIM_THRESHOLD, -1);
  static const c10::InferenceMode kInferenceMode;
  at::set_num_threads(threads);
  const KernelCase& measured = operands.measured();
  const at::ScalarType type = TypeOf(measured.type);
  const at::Tensor x = at::from_blob(const_cast<void*>(operands.x().data), DimsOf(measured), type);
  std::vector<at::Tensor> inputs = {x};
  if (measured.is_image() && !measured.is_within_rows()) {
    inputs.push_back(x.contiguous(at::MemoryFormat::ChannelsLast));
  }
  // Some kernels take parameters of the input's type only, and some float32 beside half precision.
  const std::set<at::ScalarType> parameter_types = {at::kFloat, type};
  std::vector<Contender> contenders;
  for (const at::Tensor& input : inputs) {
    for (const at::ScalarType parameter_type : parameter_types) {
      if (auto contender = Try(operands, input, parameter_type)) contenders.push_back(*contender);
    }
  }
  return contenders;
}

}  // namespace normd::bench
