#include "core/method/normalizer.h"

namespace normd {
namespace {

template <typename Kind>
absl::StatusOr<Normalizer> CreateKind(const NormalizationSpec& spec,
                                      absl::Span<const int64_t> row_shape) {
  absl::StatusOr<Kind> result = Kind::Create(spec, row_shape);
  if (!result.ok()) return result.status();
  return Normalizer(*std::move(result));
}

}  // namespace

absl::StatusOr<Normalizer> CreateNormalizer(const NormalizationSpec& spec,
                                            absl::Span<const int64_t> row_shape) {
  switch (TraitsOf(spec.method).shared_over) {
    case SharedOver::kChannel:
      return CreateKind<ChannelNormalizer>(spec, row_shape);
    case SharedOver::kChannelGroup:
      return CreateKind<GroupNormalizer>(spec, row_shape);
    case SharedOver::kNothing:
    case SharedOver::kTrailingDimensions:
      break;
  }
  return CreateKind<RowNormalizer>(spec, row_shape);
}

absl::Status Normalize(const Normalizer& normalizer, ConstElements x, const Rows& rows, Elements y,
                       Executor& executor) {
  if (const auto* row = std::get_if<RowNormalizer>(&normalizer)) {
    return row->Normalize(x, rows, y, executor);
  }
  if (const auto* group = std::get_if<GroupNormalizer>(&normalizer)) {
    return group->Normalize(x, rows, y, executor);
  }
  return std::get<ChannelNormalizer>(normalizer).NormalizeByBatch(x, rows, y, executor);
}

const NormalizationSpec& SpecOf(const Normalizer& normalizer) {
  return std::visit([](const auto& kind) -> const NormalizationSpec& { return kind.spec(); },
                    normalizer);
}

const StepLayout& StepsOf(const Normalizer& normalizer) {
  return std::visit([](const auto& kind) -> const StepLayout& { return kind.steps(); }, normalizer);
}

}  // namespace normd
