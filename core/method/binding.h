// Binding a spec to the shape of a row: the checks and layouts that all normalizers share.
#ifndef NORMD_CORE_METHOD_BINDING_H_
#define NORMD_CORE_METHOD_BINDING_H_

#include <cstdint>
#include <optional>

#include "absl/status/statusor.h"
#include "absl/types/span.h"
#include "core/method/spec.h"
#include "core/tensor/channel_layout.h"

namespace normd {

// INVALID_ARGUMENT (field "row_shape") where it is no shape.
absl::Status CheckRowShape(absl::Span<const int64_t> row_shape);

// The last dimensions of `row_shape`, as many as spec.normalized_rank says, which gamma and beta
// must have as their shape. INVALID_ARGUMENT otherwise.
absl::StatusOr<absl::Span<const int64_t>> TrailingDimensions(const NormalizationSpec& spec,
                                                             absl::Span<const int64_t> row_shape);

// One row as channels on spec.channel_axis, which gamma and beta must have one value each of.
// INVALID_ARGUMENT otherwise.
absl::StatusOr<ChannelLayout> ChannelsOf(const NormalizationSpec& spec,
                                         absl::Span<const int64_t> row_shape);

int64_t Product(absl::Span<const int64_t> dimensions);

// The values for kernels: null where there are none.
const double* ValuesOrNull(const std::optional<AffineParameter>& parameter);

// What REJECT answers to NaN or infinity.
absl::Status NotFiniteError();

}  // namespace normd

#endif  // NORMD_CORE_METHOD_BINDING_H_
