// A session: the one owner of the running statistics of one method, shared by any number of
// streams.
//
// Thread-safe. Time comes from the clock that it was given. What a chunk needs is computed outside
// the lock where its mode allows that, and folded in inside. What must be folded in value by value
// and is long is folded into a copy, so that nobody waits for the lock, and only updates wait.
#ifndef NORMD_CORE_SESSION_SESSION_H_
#define NORMD_CORE_SESSION_SESSION_H_

#include <condition_variable>
#include <cstdint>
#include <functional>
#include <memory>
#include <mutex>
#include <optional>
#include <string>

#include "absl/functional/function_ref.h"
#include "absl/status/status.h"
#include "absl/status/statusor.h"
#include "absl/time/time.h"
#include "core/method/channel_normalizer.h"
#include "core/method/spec.h"
#include "core/statistics/running_statistics.h"

namespace normd {

using Clock = std::function<absl::Time()>;

// What is done with running statistics, BatchNorm's or another's.
enum class BatchNormMode { kTraining, kInference, kStreaming };
enum class UpdateOrder { kUpdateThenNormalize, kNormalizeThenUpdate };
enum class UpdateGranularity { kPerRow, kPerChunk };
enum class OnFrozen { kError, kNormalizeOnly };

// How a stream uses a session. Order and granularity matter in STREAMING only.
struct StreamingPolicy {
  BatchNormMode mode = BatchNormMode::kInference;
  UpdateOrder order = UpdateOrder::kUpdateThenNormalize;
  UpdateGranularity granularity = UpdateGranularity::kPerRow;
  OnFrozen on_frozen = OnFrozen::kError;
  Direction direction = Direction::kForward;
};

// What an update does that comes during a long one of the same session: waits for its end, or is
// refused.
enum class Patience { kWait, kRefuse };

// Whether an update was refused for that.
bool IsBusy(const absl::Status& status);

// INVALID_ARGUMENT (field "mode") for STREAMING with an estimator that averages batch variances,
// and (field "direction") for INVERSE in any mode but INFERENCE.
absl::Status Validate(const StreamingPolicy& policy, const Estimator& estimator);

// What a session is made of.
struct SessionConfig {
  std::string name;  // "sessions/{session}"
  std::string uid;
  NormalizationSpec spec;  // need not be resolved
  int64_t channels = 0;
  bool frozen = false;
  std::optional<StatisticsSnapshot> initial_statistics;
  absl::Duration idle_timeout = absl::InfiniteDuration();
};

// A consistent picture of a session at one moment.
struct SessionSnapshot {
  std::string name;
  std::string uid;
  std::string etag;
  NormalizationSpec spec;  // resolved
  int64_t channels = 0;
  bool frozen = false;
  StatisticsSnapshot statistics;
  uint64_t version = 0;
  absl::Time create_time;
  absl::Time update_time;
  absl::Time expire_time;  // infinite future: not now
  absl::Duration idle_timeout;
};

// Changes to a session; what is not set stays.
struct SessionUpdate {
  std::optional<bool> frozen;
  std::optional<absl::Duration> idle_timeout;
};

class Session {
 public:
  // INVALID_ARGUMENT with the field's path ("spec.batch_norm...", "channel_count",
  // "statistics.mean_variance.mean", "statistics.count", "idle_timeout") where the config cannot be
  // a session.
  static absl::StatusOr<std::shared_ptr<Session>> Create(SessionConfig config, Clock clock);

  // Normalizes the rows of `x` into `y` as `policy` says, by a normalizer made of this session's
  // spec, and updates the statistics. Returns the version after it. `y` must not be `x`. On an
  // error the statistics are as they were and `y` is unspecified:
  //
  // - IsBusy: under Patience::kRefuse, nothing was touched.
  // - INVALID_ARGUMENT (field "data"): NaN or infinity under REJECT.
  // - INVALID_ARGUMENT, reason NEEDS_MORE_ROWS: TRAINING with fewer than two values per channel.
  // - FAILED_PRECONDITION, reason FROZEN: an update of a frozen session under OnFrozen::kError.
  // - NOT_FOUND: the session was deleted.
  absl::StatusOr<uint64_t> Apply(const ChannelNormalizer& normalizer, const StreamingPolicy& policy,
                                 ConstElements x, const Rows& rows, Elements y,
                                 Patience patience = Patience::kWait,
                                 Executor& executor = SerialExecutor());

  // Whether updates by `policy` fold in value by value, so that a long one makes others wait.
  bool UpdatesByValue(const StreamingPolicy& policy) const;

  // ABORTED where `etag` is not empty and differs; FAILED_PRECONDITION, reason FROZEN, for Reset of
  // a frozen session; NOT_FOUND where it was deleted.
  absl::Status Update(const SessionUpdate& update, const std::string& etag);
  absl::Status Reset(const std::string& etag);

  // Marks the session as deleted: every Apply from now on answers NOT_FOUND. ABORTED as above.
  absl::Status Delete(const std::string& etag);

  // Deletes the session if it has been idle for its timeout. Returns whether it is deleted now.
  bool DeleteIfIdle();

  SessionSnapshot Snapshot() const;
  // Of the statistics only count and batches, so that the cost is not by their size.
  SessionSnapshot SnapshotWithoutChannels() const;

  // Immutable, so without a lock.
  const std::string& name() const { return name_; }
  const std::string& uid() const { return uid_; }
  const NormalizationSpec& spec() const { return spec_; }  // resolved
  int64_t channels() const { return channels_; }
  int64_t byte_size() const { return ByteSize(channels_); }

  // Bytes that a session of so many channels takes, about; saturates. Known before it is made.
  static int64_t ByteSize(int64_t channels);

  // A session does not expire while such a lease of it lives.
  class StreamLease {
   public:
    StreamLease() = default;
    explicit StreamLease(std::shared_ptr<Session> session);
    StreamLease(StreamLease&&) = default;
    StreamLease& operator=(StreamLease&& other) noexcept;
    ~StreamLease();

   private:
    std::shared_ptr<Session> session_;
  };

 private:
  Session(SessionConfig config, RunningStatistics initial, Clock clock);

  using Lock = std::unique_lock<std::mutex>;

  // Waits until an update may begin. False where there is to be none.
  absl::StatusOr<bool> BeginUpdate(const StreamingPolicy& policy, Patience patience, Lock& lock);
  // Lets `fold` change the statistics; it returns whether it did. True.
  bool UpdateLocked(absl::FunctionRef<bool(RunningStatistics&)> fold);
  // Lets `fold` change a copy of the statistics, without the lock, and takes the copy over; false
  // where that was forbidden meanwhile, or Reset.
  bool UpdateBeside(absl::FunctionRef<bool(RunningStatistics&)> fold, Lock& lock);

  absl::Status CheckAliveLocked() const;
  SessionSnapshot SnapshotLocked(StatisticsSnapshot statistics) const;
  absl::Status CheckEtagLocked(const std::string& etag) const;
  std::string EtagLocked() const;
  absl::Time ExpireTimeLocked() const;
  // Counts an update of the statistics.
  uint64_t AdvanceLocked();

  const std::string name_;
  const std::string uid_;
  const NormalizationSpec spec_;
  const int64_t channels_;
  const RunningStatistics initial_;
  const Clock clock_;
  const absl::Time create_time_;

  mutable std::mutex mutex_;  // guards what follows
  RunningStatistics statistics_;
  uint64_t version_ = 0;
  uint64_t revision_ = 1;  // of everything but the statistics; makes the etag
  bool frozen_;
  bool deleted_ = false;
  bool in_long_update_ = false;  // then only Reset may change the statistics
  std::condition_variable long_update_ended_;
  int open_streams_ = 0;
  absl::Duration idle_timeout_;
  absl::Time update_time_;
  absl::Time last_use_;
  // The coefficients of the statistics at this version, made when first needed.
  std::shared_ptr<const ChannelCoefficients> coefficients_;
  uint64_t coefficients_version_ = 0;
};

}  // namespace normd

#endif  // NORMD_CORE_SESSION_SESSION_H_
