#include "core/comparison/co_batch.h"

#include <algorithm>
#include <cmath>
#include <utility>

#include "core/comparison/seeded_random.h"
#include "core/comparison/token_buffer.h"

namespace normd {
namespace {

// The statistics of both together.
BatchStatistics Merged(BatchStatistics a, const BatchStatistics& b) {
  if (auto* moments = std::get_if<Moments>(&a)) {
    moments->Merge(std::get<Moments>(b));
    return a;
  }
  auto& extremes = std::get<Extremes>(a);
  const auto& others = std::get<Extremes>(b);
  extremes.count += others.count;
  for (size_t c = 0; c < extremes.minimum.size(); ++c) {
    extremes.minimum[c] = std::min(extremes.minimum[c], others.minimum[c]);
    extremes.maximum[c] = std::max(extremes.maximum[c], others.maximum[c]);
  }
  return a;
}

}  // namespace

std::optional<CoBatchOutputs> OutputsAmongMates(const ComparedMethod& method,
                                                const SingleTokens& mates,
                                                const SingleTokens& probes, int64_t batch_size,
                                                int batches, uint64_t seed, StopRequest& stop) {
  const auto available = static_cast<int64_t>(mates.size());
  if (!method.takes_tokens() || batch_size < 2 || available == 0) return std::nullopt;
  SeededRandom random(seed);
  const ChannelNormalizer* channels = method.channels();
  const int64_t width = mates[0].channels;
  CoBatchOutputs outputs;
  for (int i = 0; i < batches; ++i) {
    if (stop.IsMadeBefore(batch_size)) return std::nullopt;
    TokenBuffer batch(batch_size + static_cast<int64_t>(probes.size()));
    for (int64_t mate = 1; mate < batch_size; ++mate) {
      batch.Add(mates[random.Below(available)]);
    }
    std::vector<double>& output = outputs.emplace_back(probes.size() * width);
    if (channels != nullptr) {
      const BatchStatistics of_mates = method.StatisticsOf(batch.Get());
      for (size_t probe = 0; probe < probes.size(); ++probe) {
        const ChannelCoefficients coefficients =
            channels->CoefficientsOf(Merged(of_mates, method.StatisticsOf(probes[probe])));
        method.Apply(&coefficients, probes[probe], output.data() + probe * width);
      }
      continue;
    }
    for (size_t probe = 0; probe < probes.size(); ++probe) batch.Add(probes[probe]);
    const Tokens all = batch.Get();
    std::vector<double> normalized(all.count * width);
    method.Apply(nullptr, all, normalized.data());
    std::copy(normalized.end() - static_cast<int64_t>(output.size()), normalized.end(),
              output.begin());
  }
  return outputs;
}

std::optional<Estimate> SensitivityOf(const CoBatchOutputs& outputs, int64_t channels) {
  if (outputs.empty()) return std::nullopt;
  const auto batches = static_cast<double>(outputs.size());
  BlockMeans mean;
  for (size_t begin = 0; begin < outputs.front().size(); begin += channels) {
    double spread = 0;
    double square = 0;
    for (size_t c = begin; c < begin + channels; ++c) {
      // From the first output: 0 where all are the same, as their mean may not be.
      double center = 0;
      for (const std::vector<double>& output : outputs) center += output[c] - outputs.front()[c];
      center /= batches;
      for (const std::vector<double>& output : outputs) {
        const double distance = output[c] - outputs.front()[c] - center;
        spread += distance * distance;
        square += output[c] * output[c];
      }
    }
    if (square > 0) mean.Add(std::sqrt(spread / square));
  }
  return mean.Result();
}

int64_t MostVariedChannel(const CoBatchOutputs& outputs) {
  std::vector<double> spread(outputs.front().size());
  for (size_t c = 0; c < spread.size(); ++c) {
    const auto [least, most] = std::minmax_element(
        outputs.begin(), outputs.end(), [c](const auto& a, const auto& b) { return a[c] < b[c]; });
    spread[c] = (*most)[c] - (*least)[c];
  }
  return std::max_element(spread.begin(), spread.end()) - spread.begin();
}

}  // namespace normd
