// What many threads compute has the bits of one, and what goes past the caches those of what does
// not.
#include "core/kernels/parts.h"

#include <gtest/gtest.h>

#include <limits>

#include "core/kernels/channel_kernels.h"
#include "core/kernels/output_size.h"
#include "core/kernels/row_kernels.h"
#include "tests/core/kernels/targets.h"
#include "tests/testing/thread_executor.h"

namespace normd::kernels {
namespace {

using ::normd::testing::ThreadExecutor;

std::vector<float> Draw(int64_t size) { return RandomFloats(size, 5, 3); }

TEST(Parts, CoverAllOnce) {
  for (int width : {1, 2, 7}) {
    for (int64_t count : {0, 1, 15, 16, 17, 1000}) {
      for (int64_t step : {1, 16}) {
        for (int64_t item_bytes : {int64_t{1}, kLeastPartBytes / 3, 2 * kLeastPartBytes}) {
          ThreadExecutor executor(width);
          std::vector<std::atomic<int>> seen(count);
          ForEachPart(executor, count, step, item_bytes, [&](Part part) {
            EXPECT_EQ(part.begin % step, 0);
            EXPECT_TRUE(part.size() > 0 || count == 0);
            for (int64_t i = part.begin; i < part.end; ++i) ++seen[i];
          });
          for (const std::atomic<int>& times : seen) EXPECT_EQ(times, 1);
        }
      }
    }
  }
}

TEST(Parts, AreAsManyForEachThread) {
  for (int64_t bytes = kLeastPartBytes; bytes < 20 * kLeastPartBytes; bytes += kLeastPartBytes) {
    ThreadExecutor executor(2);
    std::atomic<int> parts = 0;
    ForEachPart(executor, 1000, 1, bytes / 1000 + 1, [&](Part) { ++parts; });
    EXPECT_TRUE(parts == 1 || parts % 2 == 0) << parts;
  }
}

TEST(Parts, AreOneWhereThereIsLittleToDo) {
  ThreadExecutor executor(7);
  ForEachPart(executor, 1000, 1, kLeastPartBytes / 1000,
              [](Part part) { EXPECT_EQ(part.size(), 1000); });
  EXPECT_EQ(executor.runs(), 0);
}

TEST(PartsBits, OfRowsDoNotDependOnThreads) {
  const int64_t size = 1001;
  const auto x = Draw(4096 * size);
  const RowAffine affine(RandomDoubles(3 * size, -2, 2, 2), RandomDoubles(3 * size, -2, 2, 3));
  for (const RowStatistic statistic : {RowStatistic::kMeanVariance, RowStatistic::kExtremes}) {
    RowNorm norm = affine.In({.statistic = statistic});
    norm.affine_rows = 3;
    std::vector<float> expected(x.size());
    portable::NormalizeRows(norm, x.data(), {0, 4096}, size, expected.data());
    for (int width : {1, 2, 7}) {
      ThreadExecutor executor(width);
      std::vector<float> y(x.size());
      EXPECT_TRUE(NormalizeRows(norm, x.data(), 4096, size, y.data(), executor));
      EXPECT_TRUE(SameBits(y, expected));
      EXPECT_EQ(executor.runs(), width > 1 ? 1 : 0);
    }
  }
}

TEST(PartsBits, OfSumsDoNotDependOnThreads) {
  const int64_t size = 1001;
  const auto x = Draw(4096 * size);
  const auto residual = RandomFloats(4096 * size, 0, 1);
  const RowAffine affine(RandomDoubles(3 * size, -2, 2, 2), RandomDoubles(3 * size, -2, 2, 3));
  RowNorm norm = affine.In({});
  norm.affine_rows = 3;
  std::vector<float> expected(x.size());
  portable::Add(x.data(), residual.data(), 4096 * size, expected.data());
  portable::NormalizeRows(norm, expected.data(), {0, 4096}, size, expected.data());
  for (int width : {1, 2, 7}) {
    ThreadExecutor executor(width);
    std::vector<float> y(x.size());
    EXPECT_TRUE(NormalizeSums(norm, x.data(), residual.data(), 4096, size, y.data(), executor));
    EXPECT_TRUE(SameBits(y, expected));
    EXPECT_EQ(executor.runs(), width > 1 ? 1 : 0);
  }
}

TEST(PartsBits, OfChannelsDoNotDependOnThreads) {
  for (const ChannelLayout& layout : {ChannelLayout{3000, 700, 1}, ChannelLayout{30, 7, 10001}}) {
    const auto x = Draw(layout.size());
    const auto shift = RandomDoubles(layout.channels, -2, 2);
    std::vector<double> expected_mean(layout.channels), expected_scale(layout.channels);
    portable::ComputeChannelMoments(x.data(), layout, {0, layout.channels}, expected_mean.data(),
                                    expected_scale.data());
    std::vector<float> expected(x.size());
    portable::NormalizeChannels({expected_mean.data(), expected_scale.data(), shift.data()},
                                x.data(), layout, {0, layout.spans()}, {0, layout.channels},
                                expected.data());
    for (int width : {1, 2, 7}) {
      ThreadExecutor executor(width);
      std::vector<double> mean(layout.channels), scale(layout.channels);
      ComputeChannelMoments(x.data(), layout, mean.data(), scale.data(), executor);
      EXPECT_TRUE(SameBits(mean, expected_mean));
      EXPECT_TRUE(SameBits(scale, expected_scale));
      std::vector<float> y(x.size()), narrow(4 * layout.channels);
      const ChannelAffine affine =
          Narrowed({mean.data(), scale.data(), shift.data()}, layout.channels, narrow.data());
      EXPECT_TRUE(NormalizeChannels(affine, x.data(), layout, y.data(), executor));
      EXPECT_TRUE(SameBits(y, expected));
    }
    portable::ComputeChannelScale(expected_scale.data(),
                                  static_cast<double>(layout.values_per_channel()), {1e-5}, nullptr,
                                  layout.channels, expected_scale.data());
    portable::NormalizeChannels({expected_mean.data(), expected_scale.data(), shift.data()},
                                x.data(), layout, {0, layout.spans()}, {0, layout.channels},
                                expected.data());
    for (int width : {1, 2, 7}) {
      ThreadExecutor executor(width);
      std::vector<float> y(x.size());
      EXPECT_TRUE(NormalizeByOwnMoments({{1e-5}, nullptr, shift.data()}, x.data(), layout, y.data(),
                                        executor));
      EXPECT_TRUE(SameBits(y, expected));
      EXPECT_EQ(executor.runs(), width > 1 ? 1 : 0);
    }
  }
}

TEST(Parts, TellOfOneThatWasNotFinite) {
  ThreadExecutor executor(2);
  for (int64_t at : {int64_t{0}, int64_t{2'999'999}}) {
    auto x = Draw(3'000'000);
    x[at] = std::numeric_limits<float>::quiet_NaN();
    std::vector<float> y(x.size());
    EXPECT_FALSE(NormalizeRows({}, x.data(), 3000, 1000, y.data(), executor));
    const std::vector<double> center(1000), scale(1000, 1);
    const ChannelAffine affine{center.data(), scale.data()};
    EXPECT_FALSE(NormalizeChannels(affine, x.data(), {3000, 1000, 1}, y.data(), executor));
  }
}

// Aligned and not, of rows that vectors divide.
TEST(LargeOutputs, HaveTheBitsOfSmallOnes) {
  const int64_t size = 4096;
  const int64_t rows = kLeastOutputPastCaches / size / 4;
  const auto x = Draw(rows * size);
  const auto center = RandomDoubles(size, 4, 6);
  const auto scale = RandomDoubles(size, -1, 1);
  const ChannelLayout neighbors{rows, size, 1}, planes{rows, size / 64, 64};
  const ChannelAffine affine{center.data(), scale.data()};
  std::vector<float> by_rows(x.size()), by_neighbors(x.size()), by_planes(x.size());
  for (int64_t row = 0; row < rows; ++row) {  // each alone is small
    const int64_t begin = row * size;
    NormalizeRows({}, &x[begin], 1, size, &by_rows[begin]);
    NormalizeChannels(affine, &x[begin], {1, size, 1}, &by_neighbors[begin]);
    NormalizeChannels(affine, &x[begin], {1, size / 64, 64}, &by_planes[begin]);
  }
  ForEachTarget([&] {
    for (int64_t offset : {0, 1}) {
      std::vector<float> memory(x.size() + 32), narrow(4 * size);
      float* y = memory.data();
      while (reinterpret_cast<uintptr_t>(y) % 64 != 0) ++y;
      y += offset;
      const auto expect = [&](const std::vector<float>& expected) {
        EXPECT_EQ(std::memcmp(y, expected.data(), x.size() * sizeof(float)), 0) << offset;
      };
      NormalizeRows({}, x.data(), rows, size, y);
      expect(by_rows);
      NormalizeChannels(Narrowed(affine, size, narrow.data()), x.data(), neighbors, y);
      expect(by_neighbors);
      NormalizeChannels(affine, x.data(), planes, y);
      expect(by_planes);
    }
  });
}

}  // namespace
}  // namespace normd::kernels
