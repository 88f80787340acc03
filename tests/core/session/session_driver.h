// Makes BatchNorm sessions and feeds them.
#ifndef NORMD_TESTS_CORE_SESSION_SESSION_DRIVER_H_
#define NORMD_TESTS_CORE_SESSION_SESSION_DRIVER_H_

#include <cstdint>
#include <memory>
#include <utility>
#include <vector>

#include "core/session/session.h"
#include "tests/testing/fake_clock.h"

namespace normd::testing {

inline SessionConfig ConfigOf(const Estimator& estimator, int64_t channels) {
  return {.name = "sessions/x",
          .uid = "0123456789abcdef",
          .spec = {.method = Method::kBatchNorm, .estimator = estimator},
          .channels = channels};
}

// How a stream in mode STREAMING uses its session.
inline StreamingPolicy Streaming(UpdateOrder order, UpdateGranularity granularity) {
  return {.mode = BatchNormMode::kStreaming, .order = order, .granularity = granularity};
}

inline constexpr StreamingPolicy kTraining = {.mode = BatchNormMode::kTraining};
inline constexpr StreamingPolicy kInference = {.mode = BatchNormMode::kInference};
inline constexpr StreamingPolicy kPerRow = {.mode = BatchNormMode::kStreaming};
inline constexpr StreamingPolicy kPerChunk = {.mode = BatchNormMode::kStreaming,
                                              .granularity = UpdateGranularity::kPerChunk};
inline constexpr UpdateOrder kOrders[] = {UpdateOrder::kUpdateThenNormalize,
                                          UpdateOrder::kNormalizeThenUpdate};

// A session, and the normalizer of a stream of rows of one shape.
class SessionDriver {
 public:
  // The row is [channels]. The configuration must be valid.
  SessionDriver(SessionConfig config, Clock clock)
      : SessionDriver(config, Shape{config.channels}, std::move(clock)) {}

  SessionDriver(SessionConfig config, const Shape& row_shape, Clock clock)
      : session_(Session::Create(std::move(config), std::move(clock)).value()),
        normalizer_(ChannelNormalizer::Create(session_->spec(), row_shape).value()) {}

  struct Chunk {
    std::vector<float> y;
    uint64_t version = 0;  // after it
  };

  // Applies `x` as one chunk.
  absl::StatusOr<Chunk> Apply(const StreamingPolicy& policy, const std::vector<float>& x) const {
    Chunk chunk;
    chunk.y.resize(x.size());
    const int64_t rows = static_cast<int64_t>(x.size()) / normalizer_.row_size();
    const auto version = session_->Apply(normalizer_, policy, x.data(), rows, chunk.y.data());
    if (!version.ok()) return version.status();
    chunk.version = *version;
    return chunk;
  }

  // Applies `x` in chunks of so many rows; all must go well. Returns the outputs in one.
  std::vector<float> ApplyInChunks(const StreamingPolicy& policy, const std::vector<float>& x,
                                   const std::vector<int64_t>& rows_of_chunks) const {
    std::vector<float> y;
    auto begin = x.begin();
    for (int64_t rows : rows_of_chunks) {
      const auto end = begin + rows * normalizer_.row_size();
      const Chunk chunk = Apply(policy, {begin, end}).value();
      y.insert(y.end(), chunk.y.begin(), chunk.y.end());
      begin = end;
    }
    return y;
  }

  Session& session() const { return *session_; }
  std::shared_ptr<Session> shared_session() const { return session_; }
  const ChannelNormalizer& normalizer() const { return normalizer_; }
  SessionSnapshot Snapshot() const { return session_->Snapshot(); }
  StatisticsSnapshot Statistics() const { return session_->Snapshot().statistics; }

 private:
  std::shared_ptr<Session> session_;
  ChannelNormalizer normalizer_;
};

}  // namespace normd::testing

#endif  // NORMD_TESTS_CORE_SESSION_SESSION_DRIVER_H_
