// The bytes of messages that all calls hold, and waiting until there is room for more.
#ifndef NORMD_SERVER_ASYNC_BYTE_BUDGET_H_
#define NORMD_SERVER_ASYNC_BYTE_BUDGET_H_

#include <atomic>
#include <coroutine>
#include <cstdint>
#include <list>
#include <mutex>

#include "grpcpp/alarm.h"
#include "server/async/event_loop.h"

namespace normd::server {

// Thread-safe. There is room while less than `most` is used: whoever enters may exceed it by its
// own bytes. Those who wait enter in the order in which they came, and before any others.
class ByteBudget {
 public:
  explicit ByteBudget(int64_t most) : most_(most) {}

  ByteBudget(const ByteBudget&) = delete;
  ByteBudget& operator=(const ByteBudget&) = delete;

  class Entry;

  // Bytes that count for as long as it lives.
  class Charge {
   public:
    explicit Charge(ByteBudget& budget) : budget_(budget) {}
    ~Charge() { budget_.Release(bytes_); }
    Charge(const Charge&) = delete;
    Charge& operator=(const Charge&) = delete;

    // Adds `bytes` where there is room and nobody waits.
    bool TryEnter(int64_t bytes) {
      if (budget_.waiting_ != 0 || !budget_.HasRoom()) return false;
      Add(bytes);
      return true;
    }

    // Adds `bytes` in any case.
    void Add(int64_t bytes) {
      bytes_ += bytes;
      budget_.Take(bytes);
    }

   private:
    friend class Entry;

    ByteBudget& budget_;
    int64_t bytes_ = 0;
  };

  // `co_await Entry(charge, loop, bytes)`, where TryEnter failed: waits for room and adds `bytes`
  // to the charge; without room as soon as the loop stops.
  class Entry final : public Completion, public Stoppable {
   public:
    Entry(Charge& charge, EventLoop& loop, int64_t bytes)
        : charge_(charge), budget_(charge.budget_), loop_(loop), bytes_(bytes) {}

    bool await_ready() const { return loop_.stopping(); }
    bool await_suspend(std::coroutine_handle<> waiter);
    void await_resume();

    void Complete(bool ok) override;
    void Stop() override { alarm_.Cancel(); }

   private:
    friend class ByteBudget;

    Charge& charge_;
    ByteBudget& budget_;
    EventLoop& loop_;
    const int64_t bytes_;
    bool entered_ = false;  // its bytes are taken; guarded by the budget's mutex while it waits
    const Work work_{loop_};
    grpc::Alarm alarm_;
    std::coroutine_handle<> waiter_;
    std::list<Entry*>::iterator place_;
  };

  bool HasRoom() const { return used() < most_; }
  // For all of `bytes`.
  bool HasRoomFor(int64_t bytes) const { return bytes <= most_ - used(); }
  // In one order with `waiting_`: whoever releases sees who waits, or who would wait sees the room.
  int64_t used() const { return used_; }
  // The most that was used since this was last called.
  int64_t TakePeak() { return peak_.exchange(used()); }
  // How often a call had to wait.
  int64_t pauses() const { return pauses_.load(std::memory_order_relaxed); }

 private:
  void Take(int64_t bytes);
  void Release(int64_t bytes);
  // Lets those in who wait, as far as there is room. Wakes them, but for `own`.
  void AdmitLocked(const Entry* own);

  const int64_t most_;
  std::atomic<int64_t> used_ = 0;
  std::atomic<int64_t> peak_ = 0;
  std::atomic<int64_t> pauses_ = 0;
  std::atomic<int> waiting_ = 0;
  std::mutex mutex_;           // guards what follows
  std::list<Entry*> waiters_;  // in order; those that entered first, until they are resumed
};

}  // namespace normd::server

#endif  // NORMD_SERVER_ASYNC_BYTE_BUDGET_H_
