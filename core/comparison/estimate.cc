#include "core/comparison/estimate.h"

#include <algorithm>
#include <cmath>
#include <iterator>

namespace normd {
namespace {

constexpr size_t kMostBlocks = 32;
constexpr size_t kLeastBlocks = 8;

// The 97.5 % quantiles of the t distribution with 7 to 31 degrees of freedom.
constexpr double kQuantiles[] = {
    2.3646242515927844, 2.3060041352041671, 2.2621571627409915, 2.2281388519649385,
    2.2009851600829944, 2.1788128296672280, 2.1603686564627917, 2.1447866879177956,
    2.1314495455597742, 2.1199052992210112, 2.1098155778331806, 2.1009220402410382,
    2.0930240544083087, 2.0859634472658360, 2.0796138447276795, 2.0738730679040147,
    2.0686576104190406, 2.0638985616280205, 2.0595385527532941, 2.0555294386428709,
    2.0518305164802837, 2.0484071417952445, 2.0452296421327030, 2.0422724563012373,
    2.0395134463964077};
static_assert(std::size(kQuantiles) == kMostBlocks - kLeastBlocks + 1);

}  // namespace

Estimate Estimate::Times(double factor) const {
  Estimate result{value * factor, low, high};
  if (low) result.low = *low * factor;
  if (high) result.high = *high * factor;
  return result;
}

Estimate Estimate::Root() const {
  Estimate result{std::sqrt(value), low, high};
  if (low) result.low = std::sqrt(*low);
  if (high) result.high = std::sqrt(*high);
  return result;
}

void BlockMeans::Add(double value) {
  ++count_;
  sum_ += value;
  open_block_ += value;
  if (++in_open_block_ < block_size_) return;
  if (blocks_.size() < kMostBlocks) {
    blocks_.push_back(open_block_);
    open_block_ = 0;
    in_open_block_ = 0;
    return;
  }
  // Blocks of twice the size, of which the last is half full.
  for (size_t i = 0; i < kMostBlocks / 2; ++i) blocks_[i] = blocks_[2 * i] + blocks_[2 * i + 1];
  blocks_.resize(kMostBlocks / 2);
  block_size_ *= 2;
}

std::optional<Estimate> BlockMeans::Result() const {
  if (count_ == 0) return std::nullopt;
  Estimate result{mean(), std::nullopt, std::nullopt};
  const size_t blocks = blocks_.size();
  if (blocks < kLeastBlocks) return result;
  double center = 0;
  for (const double block : blocks_) center += block;
  center /= static_cast<double>(blocks);
  // In units of the center, lest squares overflow.
  const double unit = center > 0 ? center : 1;
  double squares = 0;
  for (const double block : blocks_) squares += std::pow((block - center) / unit, 2);
  const auto n = static_cast<double>(blocks);
  const double deviation =
      unit * std::sqrt(squares / (n - 1) / n) / static_cast<double>(block_size_);
  const double reach = kQuantiles[blocks - kLeastBlocks] * deviation;
  result.low = std::max(result.value - reach, 0.0);
  result.high = result.value + reach;
  return result;
}

}  // namespace normd
