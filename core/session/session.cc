#include "core/session/session.h"

#include <algorithm>
#include <limits>
#include <utility>

#include "absl/cleanup/cleanup.h"
#include "absl/strings/str_cat.h"
#include "core/error/error.h"

namespace normd {
namespace {

// Bytes per channel: mean and spread, now and initially, the cached coefficients and shift, gamma,
// beta, and the estimator's scratch; and the coefficients in float32.
constexpr int64_t kBytesPerChannel = 10 * sizeof(double) + 4 * sizeof(float);
constexpr int64_t kFixedBytes = 1024;
// Elements that are folded in one by one under the lock: some 70 us (tests/bench/compute_cost.cc).
constexpr int64_t kMostUnderLock = 1 << 14;
// Of a long update whose statistics were reset meanwhile.
constexpr int kMostAttemptsBeside = 3;
constexpr char kBusy[] = "SESSION_BUSY";

absl::Status FrozenError(const std::string& name) {
  return WithReason(absl::FailedPreconditionError(absl::StrCat(
                        name,
                        " is frozen: unfreeze it, use INFERENCE, or open the stream with "
                        "ON_FROZEN_NORMALIZE_ONLY")),
                    "FROZEN");
}

bool IsRowByRow(const StreamingPolicy& policy) {
  return policy.mode == BatchNormMode::kStreaming &&
         policy.granularity == UpdateGranularity::kPerRow;
}

// Where the contract has a statistic.
std::string StatisticsField(const std::string& field) {
  if (field == "mean" || field == "variance") return "statistics.mean_variance";
  if (field == "minimum" || field == "maximum") return "statistics.minimum_maximum";
  return "statistics";
}

}  // namespace

bool IsBusy(const absl::Status& status) {
  return absl::IsAborted(status) && DetailsOf(status).reason == kBusy;
}

absl::Status Validate(const StreamingPolicy& policy, const Estimator& estimator) {
  if (policy.direction == Direction::kInverse && policy.mode != BatchNormMode::kInference) {
    return InvalidFieldError("direction",
                             "INVERSE goes with INFERENCE: it leads back by the running "
                             "statistics, and updates none");
  }
  if (policy.mode != BatchNormMode::kStreaming || TakesSingleTokens(estimator)) {
    return absl::OkStatus();
  }
  return InvalidFieldError(
      "mode",
      "STREAMING cannot use an estimator that averages batch variances: a single token has "
      "variance 0, so that average would sink to zero and the outputs explode. Use a session with "
      "the estimator cumulative or token_ema");
}

absl::StatusOr<std::shared_ptr<Session>> Session::Create(SessionConfig config, Clock clock) {
  const MethodTraits& traits = TraitsOf(config.spec.method);
  if (!traits.keeps_running_statistics) {
    return InvalidFieldError("spec.method",
                             absl::StrCat(absl::string_view(traits.name),
                                          " keeps no running statistics, so it needs no session: "
                                          "open a stream with the spec"));
  }
  absl::StatusOr<NormalizationSpec> spec = Resolve(config.spec);
  if (!spec.ok()) return PrefixSpec(config.spec, spec.status());
  config.spec = *std::move(spec);
  const absl::StatusOr<int64_t> count = ElementCount({config.channels});
  if (!count.ok()) return InvalidFieldError("channel_count", "must be at least 1");
  for (const auto& [parameter, field] : {std::pair(&config.spec.gamma, "affine.gamma"),
                                         std::pair(&config.spec.beta, "affine.beta")}) {
    if (parameter->has_value() && (*parameter)->shape != Shape{config.channels}) {
      return PrefixSpec(config.spec, InvalidFieldError(field, absl::StrCat("must have shape [",
                                                                           config.channels, "]")));
    }
  }
  if (config.idle_timeout < absl::ZeroDuration()) {
    return InvalidFieldError("idle_timeout", "must not be negative");
  }
  RunningStatistics initial(*config.spec.estimator, config.channels);
  if (config.initial_statistics) {
    absl::StatusOr<RunningStatistics> given = RunningStatistics::From(
        *config.spec.estimator, config.channels, *config.initial_statistics);
    if (!given.ok()) {
      return PrefixField(StatisticsField(DetailsOf(given.status()).field), given.status());
    }
    initial = *std::move(given);
  }
  return std::shared_ptr<Session>(
      new Session(std::move(config), std::move(initial), std::move(clock)));
}

Session::Session(SessionConfig config, RunningStatistics initial, Clock clock)
    : name_(std::move(config.name)),
      uid_(std::move(config.uid)),
      spec_(std::move(config.spec)),
      channels_(config.channels),
      initial_(initial),
      clock_(std::move(clock)),
      create_time_(clock_()),
      statistics_(std::move(initial)),
      frozen_(config.frozen),
      idle_timeout_(config.idle_timeout),
      update_time_(create_time_),
      last_use_(create_time_) {}

int64_t Session::ByteSize(int64_t channels) {
  constexpr int64_t kMax = std::numeric_limits<int64_t>::max();
  return channels > (kMax - kFixedBytes) / kBytesPerChannel
             ? kMax
             : kFixedBytes + kBytesPerChannel * std::max(channels, int64_t{0});
}

absl::Status Session::CheckAliveLocked() const {
  if (!deleted_) return absl::OkStatus();
  return WithResource(
      WithReason(absl::NotFoundError(absl::StrCat(name_, " was deleted, or has expired")),
                 "SESSION_NOT_FOUND"),
      name_);
}

std::string Session::EtagLocked() const { return absl::StrCat(uid_.substr(0, 8), "-", revision_); }

absl::Status Session::CheckEtagLocked(const std::string& etag) const {
  if (etag.empty() || etag == EtagLocked()) return absl::OkStatus();
  return WithReason(absl::AbortedError(absl::StrCat(
                        name_, " was changed by another: read it again and retry with its etag")),
                    "ETAG_MISMATCH");
}

absl::Time Session::ExpireTimeLocked() const {
  return open_streams_ > 0 ? absl::InfiniteFuture() : last_use_ + idle_timeout_;
}

uint64_t Session::AdvanceLocked() {
  update_time_ = clock_();
  return ++version_;
}

bool Session::UpdatesByValue(const StreamingPolicy& policy) const {
  if (policy.mode == BatchNormMode::kInference) return false;
  return IsRowByRow(policy) || initial_.folds_tokens();
}

absl::StatusOr<bool> Session::BeginUpdate(const StreamingPolicy& policy, Patience patience,
                                          Lock& lock) {
  for (;;) {
    NORMD_RETURN_IF_ERROR(CheckAliveLocked());
    if (policy.mode == BatchNormMode::kInference) return false;
    if (frozen_) {
      if (policy.on_frozen == OnFrozen::kError) return FrozenError(name_);
      return false;
    }
    if (!in_long_update_) return true;
    if (patience == Patience::kRefuse) {
      return WithReason(absl::AbortedError("a long update is under way"), kBusy);
    }
    long_update_ended_.wait(lock);
  }
}

bool Session::UpdateLocked(absl::FunctionRef<bool(RunningStatistics&)> fold) {
  if (fold(statistics_)) AdvanceLocked();
  return true;
}

bool Session::UpdateBeside(absl::FunctionRef<bool(RunningStatistics&)> fold, Lock& lock) {
  RunningStatistics statistics = statistics_;
  const uint64_t version = version_;
  in_long_update_ = true;
  const absl::Cleanup end = [&] {
    if (!lock.owns_lock()) lock.lock();  // it threw
    in_long_update_ = false;
    long_update_ended_.notify_all();
  };
  lock.unlock();
  const bool changed = fold(statistics);
  const absl::Time now = clock_();
  lock.lock();
  if (deleted_ || frozen_ || version_ != version) return false;
  last_use_ = now;
  if (!changed) return true;
  statistics_ = std::move(statistics);
  AdvanceLocked();
  return true;
}

absl::StatusOr<uint64_t> Session::Apply(const ChannelNormalizer& normalizer,
                                        const StreamingPolicy& policy, ConstElements x,
                                        const Rows& rows, Elements y, Patience patience,
                                        Executor& executor) {
  const bool row_by_row = IsRowByRow(policy);
  if (row_by_row) NORMD_RETURN_IF_ERROR(normalizer.CheckFinite(x, rows));

  // Outside the lock: the statistics of what is to enter.
  ChannelNormalizer::FiniteBatch batch{{}, Moments(0)};
  if (policy.mode != BatchNormMode::kInference && !row_by_row) {
    absl::StatusOr<ChannelNormalizer::FiniteBatch> finite =
        normalizer.ComputeFinite(x, rows, executor);
    if (!finite.ok()) return finite.status();
    batch = *std::move(finite);
    if (policy.mode == BatchNormMode::kTraining) {
      NORMD_RETURN_IF_ERROR(ChannelNormalizer::CheckEnoughValues(CountOf(batch.statistics)));
    }
  }
  const auto fold = [&](RunningStatistics& statistics) {
    if (row_by_row) {
      const uint64_t batches = statistics.batches();
      normalizer.NormalizeRowByRow(policy.order == UpdateOrder::kUpdateThenNormalize, x, rows,
                                   statistics, y);
      return statistics.batches() != batches;
    }
    if (CountOf(batch.statistics) == 0) return false;
    statistics.Fold(batch.rows.data, normalizer.Layout(batch.rows.rows), batch.statistics);
    return true;
  };
  bool is_long = UpdatesByValue(policy) && normalizer.steps().TotalSize(rows) > kMostUnderLock;
  const bool by_the_old = policy.order == UpdateOrder::kNormalizeThenUpdate;

  bool updates = false;
  // By running statistics, after all; row by row it is done with the update.
  const auto normalizes = [&] {
    return policy.mode != BatchNormMode::kTraining && !(row_by_row && updates);
  };
  std::shared_ptr<const ChannelCoefficients> coefficients;
  uint64_t version = 0;
  {
    Lock lock(mutex_);
    const auto current = [&] {
      if (coefficients_ == nullptr || coefficients_version_ != version_) {
        coefficients_ =
            std::make_shared<const ChannelCoefficients>(normalizer.CoefficientsOf(statistics_));
        coefficients_version_ = version_;
      }
      return coefficients_;
    };
    int attempts = 0;
    do {
      const absl::StatusOr<bool> begun = BeginUpdate(policy, patience, lock);
      if (!begun.ok()) return begun.status();
      updates = *begun;
      last_use_ = clock_();
      if (normalizes() && by_the_old) coefficients = current();
      // Others may wait for the lock then, or else who resets again and again would stop it
      // forever.
      is_long = is_long && ++attempts <= kMostAttemptsBeside;
    } while (updates && !(is_long ? UpdateBeside(fold, lock) : UpdateLocked(fold)));
    if (normalizes() && !by_the_old) coefficients = current();
    version = version_;
  }
  if (row_by_row && updates) return version;

  if (policy.mode == BatchNormMode::kTraining) {
    normalizer.Apply(normalizer.CoefficientsOf(std::move(batch.statistics)), Direction::kForward, x,
                     rows, y, executor);
    return version;
  }
  // What does not update has not looked at its input yet.
  // What streams by chunks of single rows has the bits of what streams by rows.
  const bool finite =
      normalizer.Apply(*coefficients, policy.direction, x, rows, y, executor, updates);
  NORMD_RETURN_IF_ERROR(CheckFinite(normalizer.spec(), finite));
  return version;
}

absl::Status Session::Update(const SessionUpdate& update, const std::string& etag) {
  if (update.idle_timeout && *update.idle_timeout < absl::ZeroDuration()) {
    return InvalidFieldError("session.idle_timeout", "must not be negative");
  }
  const std::lock_guard lock(mutex_);
  NORMD_RETURN_IF_ERROR(CheckAliveLocked());
  NORMD_RETURN_IF_ERROR(CheckEtagLocked(etag));
  frozen_ = update.frozen.value_or(frozen_);
  idle_timeout_ = update.idle_timeout.value_or(idle_timeout_);
  ++revision_;
  last_use_ = update_time_ = clock_();
  return absl::OkStatus();
}

absl::Status Session::Reset(const std::string& etag) {
  const std::lock_guard lock(mutex_);
  NORMD_RETURN_IF_ERROR(CheckAliveLocked());
  NORMD_RETURN_IF_ERROR(CheckEtagLocked(etag));
  if (frozen_) return FrozenError(name_);
  statistics_ = initial_;
  ++revision_;
  AdvanceLocked();
  last_use_ = update_time_;
  return absl::OkStatus();
}

absl::Status Session::Delete(const std::string& etag) {
  const std::lock_guard lock(mutex_);
  NORMD_RETURN_IF_ERROR(CheckAliveLocked());
  NORMD_RETURN_IF_ERROR(CheckEtagLocked(etag));
  deleted_ = true;
  return absl::OkStatus();
}

bool Session::DeleteIfIdle() {
  const std::lock_guard lock(mutex_);
  deleted_ = deleted_ || ExpireTimeLocked() <= clock_();
  return deleted_;
}

SessionSnapshot Session::Snapshot() const {
  const std::lock_guard lock(mutex_);
  return SnapshotLocked(statistics_.Snapshot());
}

SessionSnapshot Session::SnapshotWithoutChannels() const {
  const std::lock_guard lock(mutex_);
  StatisticsSnapshot statistics;
  statistics.count = statistics_.count();
  statistics.batches = statistics_.batches();
  return SnapshotLocked(std::move(statistics));
}

SessionSnapshot Session::SnapshotLocked(StatisticsSnapshot statistics) const {
  return {.name = name_,
          .uid = uid_,
          .etag = EtagLocked(),
          .spec = spec_,
          .channels = channels_,
          .frozen = frozen_,
          .statistics = std::move(statistics),
          .version = version_,
          .create_time = create_time_,
          .update_time = update_time_,
          .expire_time = ExpireTimeLocked(),
          .idle_timeout = idle_timeout_};
}

Session::StreamLease::StreamLease(std::shared_ptr<Session> session) : session_(std::move(session)) {
  const std::lock_guard lock(session_->mutex_);
  ++session_->open_streams_;
}

Session::StreamLease& Session::StreamLease::operator=(StreamLease&& other) noexcept {
  std::swap(session_, other.session_);
  return *this;
}

Session::StreamLease::~StreamLease() {
  if (session_ == nullptr) return;
  const std::lock_guard lock(session_->mutex_);
  --session_->open_streams_;
  session_->last_use_ = session_->clock_();
}

}  // namespace normd
