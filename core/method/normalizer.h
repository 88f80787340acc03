// Normalizers: a resolved spec bound to the shape of a row, applied to rows.
//
// One for each access pattern: RowNormalizer where statistics lie within a row's trailing
// dimensions, GroupNormalizer where they lie within groups of a row's channels, ChannelNormalizer
// where they lie across rows. All are immutable and safe for concurrent use.
//
// A row's shape is what follows the batch's dimension; its first dimension may be -1 where there
// are others, if it is not the channels: then every batch tells its rows' steps. Otherwise rows may
// bring their own steps where steps().may_vary.
//
// `x` holds the rows, row-major, of any element type; `y` has room for as many elements of any
// type, and may be `x` where the types are the same.
#ifndef NORMD_CORE_METHOD_NORMALIZER_H_
#define NORMD_CORE_METHOD_NORMALIZER_H_

#include <variant>

#include "absl/status/statusor.h"
#include "absl/types/span.h"
#include "core/method/channel_normalizer.h"
#include "core/method/group_normalizer.h"
#include "core/method/row_normalizer.h"

namespace normd {

using Normalizer = std::variant<RowNormalizer, GroupNormalizer, ChannelNormalizer>;

// The normalizer of spec.method. `spec` must be resolved. INVALID_ARGUMENT with the field's path
// within the method, or "row_shape", where the two do not fit.
absl::StatusOr<Normalizer> CreateNormalizer(const NormalizationSpec& spec,
                                            absl::Span<const int64_t> row_shape);

// On the executor's threads, where rows are alike and there is enough to do; the bits do not depend
// on them. Without running statistics: a ChannelNormalizer goes by the batch's own
// (NormalizeByBatch).
absl::Status Normalize(const Normalizer& normalizer, ConstElements x, const Rows& rows, Elements y,
                       Executor& executor = SerialExecutor());

// What all have.
const NormalizationSpec& SpecOf(const Normalizer& normalizer);
const StepLayout& StepsOf(const Normalizer& normalizer);

}  // namespace normd

#endif  // NORMD_CORE_METHOD_NORMALIZER_H_
