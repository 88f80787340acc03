#include "server/async/byte_budget.h"

#include <gtest/gtest.h>

#include <future>
#include <memory>
#include <optional>
#include <utility>
#include <vector>

#include "server/async/task.h"
#include "tests/testing/loop_fixture.h"

namespace normd::server {
namespace {

using testing::Loops;

// Enters with a byte on `loop`, keeps a promise, and leaves.
Task WaitForRoom(ByteBudget& budget, EventLoop& loop, std::promise<void>& done) {
  ByteBudget::Charge charge(budget);
  if (!charge.TryEnter(1)) co_await ByteBudget::Entry(charge, loop, 1);
  done.set_value();
}

// Enters with so many bytes and stays.
Task EnterAndStay(ByteBudget& budget, EventLoop& loop, int64_t bytes, std::promise<void>& entered,
                  std::vector<std::unique_ptr<ByteBudget::Charge>>& charges) {
  auto charge = std::make_unique<ByteBudget::Charge>(budget);
  if (!charge->TryEnter(bytes)) co_await ByteBudget::Entry(*charge, loop, bytes);
  charges.push_back(std::move(charge));
  entered.set_value();
}

bool IsKept(std::future<void>& future) {
  return future.wait_for(std::chrono::milliseconds(50)) == std::future_status::ready;
}

TEST(ByteBudgetTest, AllWaitersOfAllLoopsGoOnWhenThereIsRoom) {
  Loops loops(2);
  ByteBudget budget(100);
  std::optional<ByteBudget::Charge> charge(std::in_place, budget);
  charge->Add(60);
  charge->Add(40);
  EXPECT_FALSE(budget.HasRoom());
  std::promise<void> done[4];
  std::future<void> futures[4];
  for (int i = 0; i < 4; ++i) {
    futures[i] = done[i].get_future();
    loops[i % 2].Post([&, i] { WaitForRoom(budget, loops[i % 2], done[i]); });
  }
  for (auto& future : futures) EXPECT_FALSE(IsKept(future));
  EXPECT_EQ(budget.pauses(), 4);
  charge.reset();
  for (auto& future : futures) future.get();
  loops.Shutdown();
  EXPECT_EQ(budget.used(), 0);
}

// Whoever comes later must not take the room of those who wait.
TEST(ByteBudgetTest, TheyEnterInOrderAndNobodyPassesThem) {
  Loops loops(1);
  ByteBudget budget(100);
  std::vector<std::unique_ptr<ByteBudget::Charge>> charges;  // the loop's thread's
  std::promise<void> entered[4];
  std::future<void> futures[4];
  const auto enter = [&](int i, int64_t bytes) {
    futures[i] = entered[i].get_future();
    loops[0].Post([&, i, bytes] { EnterAndStay(budget, loops[0], bytes, entered[i], charges); });
  };
  enter(0, 100);
  futures[0].get();
  enter(1, 100);
  enter(2, 1);
  EXPECT_FALSE(IsKept(futures[2]));
  loops[0].Post([&charges] { charges.clear(); });
  futures[1].get();  // which fills it again
  enter(3, 1);
  EXPECT_FALSE(IsKept(futures[2]));
  EXPECT_FALSE(IsKept(futures[3]));
  loops[0].Post([&] {
    charges.clear();
    ByteBudget::Charge late(budget);
    EXPECT_FALSE(late.TryEnter(1));  // two wait, though there is room
  });
  futures[2].get();
  futures[3].get();
  loops[0].Post([&charges] { charges.clear(); });
  loops.Shutdown();
  EXPECT_EQ(budget.used(), 0);
}

TEST(ByteBudgetTest, WaitersStayWhileThereIsNoRoom) {
  Loops loops(1);
  ByteBudget budget(100);
  std::optional<ByteBudget::Charge> large(std::in_place, budget);
  large->Add(150);
  std::optional<ByteBudget::Charge> small(std::in_place, budget);
  small->Add(1);
  std::promise<void> done;
  std::future<void> future = done.get_future();
  loops[0].Post([&] { WaitForRoom(budget, loops[0], done); });
  EXPECT_FALSE(IsKept(future));
  small.reset();
  EXPECT_FALSE(IsKept(future));
  large.reset();
  future.get();
  loops.Shutdown();
}

TEST(ByteBudgetTest, ADrainEndsTheWaiting) {
  Loops loops(1);
  ByteBudget budget(100);
  ByteBudget::Charge charge(budget);
  charge.Add(100);
  std::promise<void> done;
  std::future<void> future = done.get_future();
  loops[0].Post([&] { WaitForRoom(budget, loops[0], done); });
  EXPECT_FALSE(IsKept(future));
  loops[0].StopAll();
  future.get();
  loops.Shutdown();
}

// Releases race with those who begin to wait: none may be forgotten.
TEST(ByteBudgetTest, NobodyIsForgotten) {
  Loops loops(2);
  ByteBudget budget(1);
  for (int round = 0; round < 300; ++round) {
    std::optional<ByteBudget::Charge> charge(std::in_place, budget);
    charge->Add(1);
    std::promise<void> done[2];
    std::future<void> futures[2] = {done[0].get_future(), done[1].get_future()};
    for (int i = 0; i < 2; ++i) {
      loops[i].Post([&, i] { WaitForRoom(budget, loops[i], done[i]); });
    }
    charge.reset();
    for (auto& future : futures) future.get();
  }
  loops.Shutdown();
}

}  // namespace
}  // namespace normd::server
