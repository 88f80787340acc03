#include <omp.h>

#include <cstring>
#include <dnnl.hpp>
#include <string>
#include <unordered_map>

#include "tests/bench/kernels/kernel_case.h"

namespace normd::bench {
namespace {

using dnnl::memory;
using Tag = memory::format_tag;
using Arguments = std::unordered_map<int, memory>;

constexpr auto kInference = dnnl::prop_kind::forward_inference;
const dnnl::normalization_flags kAffine =
    dnnl::normalization_flags::use_scale | dnnl::normalization_flags::use_shift;

const dnnl::engine& Engine() {
  static const dnnl::engine engine(dnnl::engine::kind::cpu, 0);
  return engine;
}

dnnl::stream& Stream() {
  static dnnl::stream stream(Engine());
  return stream;
}

memory::data_type TypeOf(ElementType type) {
  switch (type) {
    case ElementType::kFloat32:
      return memory::data_type::f32;
    case ElementType::kBFloat16:
      return memory::data_type::bf16;
    case ElementType::kFloat16:
      return memory::data_type::f16;
    case ElementType::kFloat64:
      break;
  }
  return memory::data_type::undef;
}

memory Vector(const std::vector<float>& values) {
  const memory::dims dims = {static_cast<int64_t>(values.size())};
  memory copy({dims, memory::data_type::f32, Tag::a}, Engine());
  std::memcpy(copy.get_data_handle(), values.data(), values.size() * sizeof(float));
  return copy;
}

void AddVectors(const Operands& operands, Arguments& arguments) {
  arguments[DNNL_ARG_SCALE] = Vector(operands.gamma());
  arguments[DNNL_ARG_SHIFT] = Vector(operands.beta());
  arguments[DNNL_ARG_MEAN] = Vector(operands.mean());
  arguments[DNNL_ARG_VARIANCE] = Vector(operands.variance());
}

// The operands where they are, in a layout that is theirs.
memory InPlace(const memory::desc& layout, const void* data) {
  return {layout, Engine(), const_cast<void*>(data)};  // oneDNN has no memory that is read only
}

std::function<void()> Run(const dnnl::primitive& primitive, const Arguments& arguments) {
  return [primitive, arguments] {
    primitive.execute(Stream(), arguments);
    Stream().wait();
  };
}

Contender LayerNorm(const Operands& operands) {
  const KernelCase& measured = operands.measured();
  const memory::desc layout({measured.rows, measured.features()}, TypeOf(measured.type), Tag::ab);
  const auto flags = measured.affine ? kAffine : dnnl::normalization_flags::none;
  const dnnl::layer_normalization_forward::primitive_desc kernel(
      {kInference, layout, static_cast<float>(measured.epsilon), flags}, Engine());
  Arguments arguments;
  if (measured.affine) AddVectors(operands, arguments);
  arguments.erase(DNNL_ARG_MEAN);  // its own
  arguments.erase(DNNL_ARG_VARIANCE);
  arguments[DNNL_ARG_SRC] = InPlace(layout, operands.x().data);
  arguments[DNNL_ARG_DST] = InPlace(layout, operands.y().data);
  return {.run = Run(dnnl::layer_normalization_forward(kernel), arguments)};
}

struct Layout {
  memory::dims dims;
  Tag tag;
  bool is_theirs;  // the operands'
};

std::vector<Layout> LayoutsOf(const KernelCase& measured) {
  const int64_t rows = measured.rows;
  const int64_t channels = measured.channels();
  if (measured.is_image()) {
    const memory::dims dims = {rows, channels, measured.row_shape[1], measured.row_shape[2]};
    return {{dims, Tag::nchw, true},
            {dims, Tag::nhwc, false},
            {dims, Tag::nChw8c, false},
            {dims, Tag::nChw16c, false}};
  }
  // Rows of features are images of one pixel, or pixels of one image, channels last. As the plain
  // 2-D tensor that they are, the kernel would be a scalar one.
  return {{{rows, channels, 1, 1}, Tag::nhwc, true}, {{1, channels, rows, 1}, Tag::nhwc, true}};
}

// Nothing where oneDNN has its reference only.
std::optional<Contender> BatchNorm(const Operands& operands, const Layout& chosen) {
  const KernelCase& measured = operands.measured();
  const bool trains = measured.op == Op::kBatchNormTrain;
  const memory::desc layout(chosen.dims, TypeOf(measured.type), chosen.tag);
  const dnnl::batch_normalization_forward::primitive_desc kernel(
      {trains ? dnnl::prop_kind::forward_training : kInference, layout,
       static_cast<float>(measured.epsilon),
       trains ? kAffine : kAffine | dnnl::normalization_flags::use_global_stats},
      Engine());
  if (std::string(kernel.impl_info_str()).find("ref") != std::string::npos) return std::nullopt;
  Arguments arguments;
  AddVectors(operands, arguments);
  const memory::desc plain(chosen.dims, TypeOf(measured.type), Tag::nchw);
  const memory y = chosen.is_theirs ? InPlace(layout, operands.y().data) : memory(layout, Engine());
  memory x = chosen.is_theirs ? InPlace(layout, operands.x().data) : memory(layout, Engine());
  arguments[DNNL_ARG_SRC] = x;
  arguments[DNNL_ARG_DST] = y;
  Contender contender = {.run = Run(dnnl::batch_normalization_forward(kernel), arguments)};
  if (chosen.is_theirs) return contender;
  const auto reorder = [](memory from, memory to) {
    dnnl::reorder(from, to).execute(Stream(), from, to);
    Stream().wait();
  };
  reorder(InPlace(plain, operands.x().data), x);
  contender.settle = [=, to = InPlace(plain, operands.y().data)] { reorder(y, to); };
  return contender;
}

}  // namespace

std::vector<Contender> OneDnnKernels(const Operands& operands, int threads) {
  omp_set_num_threads(threads);
  const KernelCase& measured = operands.measured();
  std::vector<Contender> contenders;
  try {
    if (measured.op == Op::kLayerNorm) contenders.push_back(LayerNorm(operands));
    if (measured.op == Op::kBatchNormTrain || measured.op == Op::kBatchNormInference) {
      for (const Layout& layout : LayoutsOf(measured)) {
        if (auto contender = BatchNorm(operands, layout)) contenders.push_back(*contender);
      }
    }
  } catch (const dnnl::error& error) {
    if (error.status != dnnl_unimplemented) throw;  // else no such kernel for this type
  }
  return contenders;
}

}  // namespace normd::bench
