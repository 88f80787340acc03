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

std::optional<double> BlockMeans::Reach(const std::vector<double>& blocks) {
  const size_t count = blocks.size();
  if (count < kLeastBlocks) return std::nullopt;
  const auto n = static_cast<double>(count);
  double center = 0;
  double largest = 0;
  for (const double block : blocks) {
    center += block / n;
    largest = std::max(largest, std::abs(block));
  }
  if (largest == 0) return 0;
  // In units of the largest, lest squares overflow.
  double squares = 0;
  for (const double block : blocks) squares += std::pow((block - center) / largest, 2);
  return kQuantiles[count - kLeastBlocks] * largest * std::sqrt(squares / (n - 1) / n);
}

std::optional<Estimate> BlockMeans::Result() const {
  if (count_ == 0) return std::nullopt;
  Estimate result{mean(), std::nullopt, std::nullopt};
  if (const std::optional<double> of_blocks = Reach(blocks_)) {
    const double reach = *of_blocks / static_cast<double>(block_size_);
    result.low = std::max(result.value - reach, 0.0);
    result.high = result.value + reach;
  }
  return result;
}

std::optional<Estimate> BlockMeans::Over(const BlockMeans& divisor) const {
  if (count_ == 0) return std::nullopt;
  Estimate result{sum_ / divisor.sum_, std::nullopt, std::nullopt};
  std::vector<double> residuals;
  double divisors = 0;
  for (size_t k = 0; k < blocks_.size(); ++k) {
    residuals.push_back(blocks_[k] - result.value * divisor.blocks_[k]);
    divisors += divisor.blocks_[k] / static_cast<double>(blocks_.size());
  }
  const std::optional<double> of_residuals = Reach(residuals);
  if (of_residuals && divisors > 0) {
    const double reach = *of_residuals / divisors;
    result.low = std::max(result.value - reach, 0.0);
    result.high = result.value + reach;
  }
  return result;
}

}  // namespace normd
