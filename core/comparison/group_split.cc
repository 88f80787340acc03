#include "core/comparison/group_split.h"

namespace normd {

void GroupSplit::Add(const Moments& group) {
  ++groups_;
  squared_sizes_ += group.count * group.count;
  for (size_t c = 0; c < within_.size(); ++c) within_[c] += group.m2[c];
  total_.Merge(group);
}

std::optional<Grouping> GroupSplit::Result() const {
  if (groups_ < 2 || total_.count <= static_cast<double>(groups_)) return std::nullopt;
  Grouping result;
  result.groups = groups_;
  result.tokens = static_cast<int64_t>(total_.count);
  const double tokens = total_.count;
  const auto groups = static_cast<double>(groups_);
  const double per_group = (tokens - squared_sizes_ / tokens) / (groups - 1);
  double channels = 0;
  for (size_t c = 0; c < within_.size(); ++c) {
    const double total = total_.m2[c];
    if (total <= 0) continue;
    ++channels;
    result.within_share += within_[c] / total;
    const double between = (total - within_[c]) / (groups - 1);
    const double within = within_[c] / (tokens - groups);
    result.intraclass_correlation += (between - within) / (between + (per_group - 1) * within);
  }
  if (channels == 0) return std::nullopt;
  result.within_share /= channels;
  result.intraclass_correlation /= channels;
  return result;
}

}  // namespace normd
