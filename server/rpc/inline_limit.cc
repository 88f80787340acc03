#include "server/rpc/inline_limit.h"

#include <variant>

namespace normd::server {
namespace {

// Elements cost alike, whatever their size: those of 4 bytes what they have in bytes.
constexpr double kElementSize = sizeof(float);

// What some elements have to be paid for together, in bytes.
struct Surcharge {
  int64_t elements;
  int64_t bytes;
};

constexpr int64_t kPerStatistics = 128;    // 70 ns a row, 160 where it updates running statistics
constexpr int64_t kPerGroupedChannel = 8;  // 13 ns to merge it into its group's statistics

Surcharge SurchargeOf(const RowNormalizer& normalizer, int64_t row_size) {
  return {normalizer.group_size() > 0 ? normalizer.group_size() : row_size, kPerStatistics};
}

Surcharge SurchargeOf(const GroupNormalizer& normalizer, int64_t row_size) {
  return {row_size, kPerStatistics + kPerGroupedChannel * normalizer.channels()};
}

Surcharge SurchargeOf(const ChannelNormalizer& /*normalizer*/, int64_t row_size) {
  return {row_size, kPerStatistics};
}

}  // namespace

void InlineLimit::Add(const Normalizer& normalizer, ElementType type) {
  // Where each batch tells its rows' steps, there may be one a row.
  const StepLayout& steps = StepsOf(normalizer);
  const int64_t row_size = steps.steps == 0 ? steps.step_size : steps.row_size();
  const Surcharge surcharge =
      std::visit([&](const auto& bound) { return SurchargeOf(bound, row_size); }, normalizer);
  const auto element_size = static_cast<double>(SizeOf(type));
  cost_per_byte_ +=
      kElementSize / element_size + static_cast<double>(surcharge.bytes) /
                                        (static_cast<double>(surcharge.elements) * element_size);
}

}  // namespace normd::server
