// The figures of a comparison: of one chunk, and of a stream. See proto/normd/v1/comparison.proto,
// message Measurements, for their definitions.
#ifndef NORMD_CORE_COMPARISON_MEASUREMENTS_H_
#define NORMD_CORE_COMPARISON_MEASUREMENTS_H_

#include <array>
#include <cstddef>
#include <cstdint>
#include <optional>

namespace normd {

// What is absent could not be measured.
struct Measurements {
  int64_t values = 0;
  std::optional<double> output_gap;
  std::optional<double> largest_gap;
  std::optional<double> mean_discrepancy;
  std::optional<double> mean_noise_floor;
  std::optional<double> deviation_discrepancy;
  std::optional<double> deviation_noise_floor;
};

// The measurements of a stream from those of its chunks. A value.
class StreamMeasurements {
 public:
  void Add(const Measurements& chunk);

  // Means over the chunks that have a figure, each weighing the same; the sum of `values`, and the
  // largest largest_gap.
  Measurements Result() const;

 private:
  static constexpr std::array kAveraged = {
      &Measurements::output_gap, &Measurements::mean_discrepancy, &Measurements::mean_noise_floor,
      &Measurements::deviation_discrepancy, &Measurements::deviation_noise_floor};

  struct Average {
    double sum = 0;
    double chunks = 0;
  };

  int64_t values_ = 0;
  std::optional<double> largest_gap_;
  std::array<Average, kAveraged.size()> averages_;
};

}  // namespace normd

#endif  // NORMD_CORE_COMPARISON_MEASUREMENTS_H_
