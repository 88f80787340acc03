#include "core/comparison/measurements.h"

#include <gtest/gtest.h>

namespace normd {
namespace {

TEST(StreamMeasurementsTest, NothingMeasuredIsAbsent) {
  const Measurements result = StreamMeasurements().Result();
  EXPECT_EQ(result.values, 0);
  EXPECT_FALSE(result.output_gap.has_value());
  EXPECT_FALSE(result.largest_gap.has_value());
  EXPECT_FALSE(result.deviation_noise_floor.has_value());
}

TEST(StreamMeasurementsTest, AveragesWhatThereIsAndKeepsTheLargest) {
  StreamMeasurements stream;
  stream.Add({.values = 3, .output_gap = 0.5, .largest_gap = 2, .mean_noise_floor = 1});
  stream.Add({.values = 100, .output_gap = 0.25, .largest_gap = 7, .mean_discrepancy = 4});
  stream.Add({.values = 1});
  stream.Add({.values = 2, .largest_gap = 1});
  const Measurements result = stream.Result();
  EXPECT_EQ(result.values, 106);
  EXPECT_EQ(result.output_gap, 0.375);
  EXPECT_EQ(result.largest_gap, 7);
  EXPECT_EQ(result.mean_discrepancy, 4);
  EXPECT_EQ(result.mean_noise_floor, 1);
  EXPECT_FALSE(result.deviation_discrepancy.has_value());
}

}  // namespace
}  // namespace normd
