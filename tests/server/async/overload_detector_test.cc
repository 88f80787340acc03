#include "server/async/overload_detector.h"

#include <gtest/gtest.h>

#include <list>
#include <optional>

namespace normd::server {
namespace {

using std::chrono::milliseconds;
using Stream = OverloadDetector::Stream;

constexpr double kBusy = 0.96;
constexpr double kNearlyBusy = 0.92;
constexpr double kIdle = 0.3;

// Windows of 200 ms, and 5 ms that a stream may wait: a rate of 200 messages a window is enough for
// 5 streams, and they may be 16.
class OverloadDetectorTest : public ::testing::Test {
 protected:
  void Begin(int count) {
    for (int i = 0; i < count; ++i) Bring(streams_.emplace_back(detector_), 4);
  }

  static void Bring(Stream& stream, int messages) {
    for (int i = 0; i < messages; ++i) stream.CountMessage();
  }

  // A window in which every stream gets so many messages.
  void Pass(int messages, double busy_share, milliseconds queue_delay = milliseconds(0)) {
    for (Stream& stream : streams_) Bring(stream, messages);
    detector_.Update({milliseconds(200), busy_share, queue_delay});
  }

  // Two of them: one alone decides nothing.
  void PassTwo(int messages, double busy_share) {
    Pass(messages, busy_share);
    Pass(messages, busy_share);
  }

  bool Refuses() {
    const Stream stream(detector_);
    EXPECT_EQ(stream.refused(), detector_.overloaded());
    return stream.refused();
  }

  OverloadDetector detector_{milliseconds(5)};
  std::list<Stream> streams_;
};

TEST_F(OverloadDetectorTest, RefusesWhereStreamsWaitTooLong) {
  Begin(50);
  PassTwo(20, kBusy);  // 50 streams, 5000 a second: 10 ms each
  EXPECT_TRUE(Refuses());
}

TEST_F(OverloadDetectorTest, TakesStreamsThatGetTheirMessagesInTime) {
  Begin(50);
  PassTwo(100, kBusy);  // 2 ms each
  EXPECT_FALSE(Refuses());
}

TEST_F(OverloadDetectorTest, TakesAllWhileTheLoopsHaveTime) {
  Begin(50);
  PassTwo(1, kIdle);  // it is the clients that are slow
  EXPECT_FALSE(Refuses());
}

TEST_F(OverloadDetectorTest, TakesNoMoreThanFitWhileTheLoopsAreBusy) {
  Begin(50);
  PassTwo(40, kBusy);  // 5 ms each: just as many as may be
  Begin(1);
  EXPECT_TRUE(Refuses());
  streams_.pop_back();
  streams_.pop_back();
  EXPECT_FALSE(Refuses());
}

TEST_F(OverloadDetectorTest, AFewStreamsAreNeverTooMany) {
  Begin(OverloadDetector::kFewStreams - 1);
  Pass(0, kBusy);
  Pass(0, kBusy);
  EXPECT_FALSE(Refuses());
  Begin(1);
  EXPECT_TRUE(Refuses());
}

TEST_F(OverloadDetectorTest, StreamsThatOnlyOpenedDoNotCount) {
  for (int i = 0; i < 1000; ++i) streams_.emplace_back(detector_).CountMessage();
  Pass(0, kBusy);
  Pass(0, kBusy);
  EXPECT_FALSE(Refuses());
}

TEST_F(OverloadDetectorTest, StreamsThatFellSilentDoNotCount) {
  Begin(50);
  for (int i = 0; i < 4; ++i) Pass(0, kBusy);
  EXPECT_TRUE(Refuses());
  Pass(0, kBusy);
  EXPECT_FALSE(Refuses());
}

// Or the slow clients of a server that lives long would be taken for its being slow.
TEST_F(OverloadDetectorTest, OldStreamsDoNotCount) {
  Begin(50);
  for (int i = 0; i < 50; ++i) Pass(4, kBusy);
  EXPECT_TRUE(Refuses());
  for (int i = 0; i < 5; ++i) Pass(4, kBusy);
  EXPECT_FALSE(Refuses());
}

TEST_F(OverloadDetectorTest, RecoversWithinTwoWindowsInWhichThereIsTime) {
  Begin(50);
  PassTwo(4, kBusy);
  Pass(4, kIdle);
  EXPECT_TRUE(Refuses());
  Pass(4, kIdle);
  EXPECT_FALSE(Refuses());
}

TEST_F(OverloadDetectorTest, OneBusyWindowIsNoOverload) {
  Begin(50);
  for (int i = 0; i < 5; ++i) {
    Pass(4, kBusy);
    EXPECT_FALSE(Refuses());
    Pass(4, kNearlyBusy);
    EXPECT_FALSE(Refuses());
  }
}

// Streams with a pace of their own wait for it, and not for the server.
TEST_F(OverloadDetectorTest, TakesPacedStreamsUntilTheLoopsAreSaturated) {
  Begin(50);
  for (int i = 0; i < 5; ++i) PassTwo(4, kNearlyBusy);
  EXPECT_FALSE(Refuses());
}

TEST_F(OverloadDetectorTest, RefusingIsNoReasonToTakeMore) {
  Begin(50);
  PassTwo(4, kBusy);
  for (int i = 0; i < 5; ++i) {
    PassTwo(4, kNearlyBusy);
    EXPECT_TRUE(Refuses());
  }
}

TEST_F(OverloadDetectorTest, RefusesWhileALoopIsStuck) {
  Pass(0, kIdle, milliseconds(101));
  EXPECT_FALSE(Refuses());  // it was so once
  Pass(0, kIdle, milliseconds(101));
  EXPECT_TRUE(Refuses());
  Pass(0, kIdle, milliseconds(99));
  EXPECT_FALSE(Refuses());
}

TEST_F(OverloadDetectorTest, RefusesNothingWhereAnyDelayMayBe) {
  OverloadDetector detector(OverloadDetector::Duration::max());
  std::list<Stream> streams;
  for (int i = 0; i < 100; ++i) Bring(streams.emplace_back(detector), 4);
  for (int i = 0; i < 2; ++i) detector.Update({milliseconds(200), kBusy, std::chrono::hours(1)});
  EXPECT_FALSE(detector.overloaded());
  detector.Update({milliseconds(200), kBusy, std::chrono::hours(1)});  // not a message
  EXPECT_FALSE(detector.overloaded());
}

}  // namespace
}  // namespace normd::server
