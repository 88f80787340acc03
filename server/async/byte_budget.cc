#include "server/async/byte_budget.h"

namespace normd::server {

bool ByteBudget::Entry::await_suspend(std::coroutine_handle<> waiter) {
  const std::lock_guard lock(budget_.mutex_);
  waiter_ = waiter;
  place_ = budget_.waiters_.insert(budget_.waiters_.end(), this);
  // Whoever releases from here on sees that somebody waits.
  ++budget_.waiting_;
  budget_.AdmitLocked(this);
  if (entered_) {
    budget_.waiters_.erase(place_);
    --budget_.waiting_;
    return false;
  }
  ++budget_.pauses_;
  loop_.Add(this);
  alarm_.Set(loop_.queue(), gpr_inf_future(GPR_CLOCK_MONOTONIC), AsTag());
  return true;
}

void ByteBudget::Entry::await_resume() {
  if (!entered_) budget_.Take(bytes_);
  charge_.bytes_ += bytes_;
}

void ByteBudget::Entry::Complete(bool /*ok*/) {
  loop_.Remove(this);
  {
    const std::lock_guard lock(budget_.mutex_);
    budget_.waiters_.erase(place_);
    --budget_.waiting_;
  }
  waiter_.resume();  // destroys this
}

void ByteBudget::Take(int64_t bytes) {
  const int64_t used = used_.fetch_add(bytes) + bytes;
  // A race may lose one of two peaks of the same moment.
  if (used > peak_.load(std::memory_order_relaxed)) {
    peak_.store(used, std::memory_order_relaxed);
  }
}

void ByteBudget::Release(int64_t bytes) {
  used_ -= bytes;
  if (waiting_ == 0 || !HasRoom()) return;
  const std::lock_guard lock(mutex_);
  AdmitLocked(nullptr);
}

void ByteBudget::AdmitLocked(const Entry* own) {
  for (Entry* entry : waiters_) {
    if (entry->entered_) continue;
    if (!HasRoom()) return;
    Take(entry->bytes_);
    entry->entered_ = true;
    if (entry != own) entry->alarm_.Cancel();
  }
}

}  // namespace normd::server
