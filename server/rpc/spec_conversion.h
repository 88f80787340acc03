// Specs between the contract's messages and core's values.
#ifndef NORMD_SERVER_RPC_SPEC_CONVERSION_H_
#define NORMD_SERVER_RPC_SPEC_CONVERSION_H_

#include "absl/status/statusor.h"
#include "absl/types/span.h"
#include "core/method/normalizer.h"
#include "core/method/spec.h"
#include "normd/v1/method.pb.h"

namespace normd::server {

// INVALID_ARGUMENT with the field's path.
absl::StatusOr<NormalizationSpec> FromProto(const v1::NormalizationSpec& proto);

// The normalizer of a spec with its defaults, for rows of that shape and type. INVALID_ARGUMENT
// with the field's path from the spec's parent on ("spec.layer_norm.epsilon.value"), or
// "row_shape".
absl::StatusOr<Normalizer> NormalizerFromProto(const v1::NormalizationSpec& proto,
                                               absl::Span<const int64_t> row_shape,
                                               ElementType input);

// `spec` must be resolved.
void ToProto(const NormalizationSpec& spec, v1::NormalizationSpec* proto);

}  // namespace normd::server

#endif  // NORMD_SERVER_RPC_SPEC_CONVERSION_H_
