// Shapes that overflow, dimensions and sizes that are not right, wherever a tensor stands.
#ifndef NORMD_TESTS_E2E_MALFORMED_SHAPE_FAMILIES_H_
#define NORMD_TESTS_E2E_MALFORMED_SHAPE_FAMILIES_H_

#include <algorithm>
#include <limits>
#include <string>
#include <vector>

#include "tests/e2e/malformed/valid_requests.h"

namespace normd::malformed {

using Dimensions = std::vector<int64_t>;

inline constexpr int64_t kMaxInt64 = std::numeric_limits<int64_t>::max();
inline constexpr int64_t kMinInt64 = std::numeric_limits<int64_t>::min();

// Of 2 to `most` dimensions above 0 whose product is above an int64: to a negative number where it
// wraps, to 0, to a small one, or far beyond.
inline Dimensions Overflowing(Random& random, size_t most) {
  static const std::vector<Dimensions> ways = {
      {int64_t{1} << 32, int64_t{1} << 31},  // -2^63
      {int64_t{1} << 32, int64_t{1} << 32},  // 0
      {3, 6'148'914'691'236'517'206},        // 2
      {5, 3'689'348'814'741'910'324},        // 4, of which rows have as many
      {kMaxInt64, 2},                        // -2
      {kMaxInt64, kMaxInt64},                // 1
      {int64_t{1} << 21, int64_t{1} << 21, int64_t{1} << 21},
      {int64_t{1} << 62, 2},
  };
  Dimensions shape = random.Pick(ways);
  if (random.Below(3) == 0) {
    shape.assign(2, 0);
    for (int64_t& dimension : shape) dimension = random.Between(int64_t{1} << 32, kMaxInt64);
  }
  while (shape.size() < most && random.Below(2) == 0) {
    shape.insert(shape.begin() + random.Below(static_cast<int64_t>(shape.size())),
                 random.Between(1, 3));
  }
  std::shuffle(shape.begin(), shape.end(), std::mt19937_64(random.Bits()));
  return shape;
}

// With a dimension of 0 or below, or with too many, or none at all.
inline Dimensions Impossible(Random& random, int64_t least_rank, int64_t most_rank) {
  Dimensions shape(random.Between(std::max<int64_t>(least_rank, 1), most_rank), 1);
  const int64_t place = random.Below(static_cast<int64_t>(shape.size()));
  switch (random.Below(6)) {
    case 0:
      shape[place] = 0;
      break;
    case 1:
      shape[place] = random.Pick<int64_t>({-2, -7, kMinInt64, kMinInt64 + 1, -(int64_t{1} << 32)});
      break;
    case 2:
      shape[place] = -random.Between(2, kMaxInt64);
      break;
    case 3:
      shape.assign(most_rank + random.Between(1, 3), 1);
      break;
    case 4:
      shape.assign(most_rank + random.Between(1, 3000), random.Between(1, 2));
      break;
    default:
      shape.assign(std::max<int64_t>(least_rank - 1, 0), 1);
  }
  return shape;
}

template <typename Request>
void SetRowShape(Request& request, const Dimensions& shape) {
  request.mutable_open()->mutable_row_shape()->Assign(shape.begin(), shape.end());
}

// A batch of that shape.
inline Case WithInputShape(const Dimensions& shape, const std::string& field) {
  v1::NormalizeRequest request = NormalizeBy(RichSpec("layer_norm"));
  request.mutable_input()->mutable_shape()->Assign(shape.begin(), shape.end());
  return Unary(kNormalize, request, InvalidField(field));
}

// Either kind of stream for rows of that shape.
inline Case WithRowShape(Random& random, const Dimensions& shape) {
  v1::NormalizationSpec spec;
  spec.mutable_rms_norm();
  Case result{kNormalizeStream, true, {}, InvalidField("open.row_shape")};
  if (random.Below(2) == 0) {
    v1::NormalizeStreamRequest request = OpenBy(spec);
    SetRowShape(request, shape);
    result.messages = {request.SerializeAsString()};
  } else {
    v1::CompareRequest request = CompareOpenBy(spec);
    SetRowShape(request, shape);
    result.method = kCompare;
    result.messages = {request.SerializeAsString()};
  }
  return result;
}

// gamma or beta of that shape, with its data as it was.
inline Case WithAffineShape(Random& random, const Dimensions& shape) {
  SomeAffine affine(random);
  affine.tensor->mutable_shape()->Assign(shape.begin(), shape.end());
  return WithSpec(CallFor(affine.method, random), affine.spec, affine.path + ".shape");
}

// One of the statistics' tensors changed, in Normalize or in CreateSession; `field` is the tensor's
// own.
template <typename Change>
Case WithStatisticsTensor(Random& random, const std::string& field, Change change) {
  v1::RunningStatistics statistics;
  const bool extremes = random.Below(2) == 0;
  statistics = Statistics(extremes);
  std::string path;
  switch (random.Below(3)) {
    case 0:
      change(*statistics.mutable_count());
      path = "count.";
      break;
    case 1:
      change(extremes ? *statistics.mutable_minimum_maximum()->mutable_minimum()
                      : *statistics.mutable_mean_variance()->mutable_mean());
      path = extremes ? "minimum_maximum.minimum." : "mean_variance.mean.";
      break;
    default:
      change(extremes ? *statistics.mutable_minimum_maximum()->mutable_maximum()
                      : *statistics.mutable_mean_variance()->mutable_variance());
      path = extremes ? "minimum_maximum.maximum." : "mean_variance.variance.";
  }
  const v1::NormalizationSpec spec = RichSpec(extremes ? "min_max" : "batch_norm");
  if (random.Below(2) == 0) {
    v1::NormalizeRequest request = NormalizeBy(spec);
    *request.mutable_statistics() = statistics;
    return Unary(kNormalize, request, InvalidField("statistics." + path + field));
  }
  v1::CreateSessionRequest request = CreateBy(spec);
  *request.mutable_session()->mutable_statistics() = statistics;
  return Unary(kCreateSession, request, InvalidField("session.statistics." + path + field));
}

inline Case WithStatisticsShape(Random& random, const Dimensions& shape) {
  return WithStatisticsTensor(random, "shape", [&](v1::Tensor& tensor) {
    tensor.mutable_shape()->Assign(shape.begin(), shape.end());
  });
}

// A second chunk of that shape in a stream whose rows are [-1, 2], or [4] where `fixed`.
inline Case WithChunkShape(Random& random, bool fixed, const Dimensions& shape,
                           const std::string& field) {
  v1::NormalizationSpec spec;
  spec.mutable_layer_norm();
  const Dimensions row_shape = fixed ? Dimensions{kChannels} : Dimensions{-1, 2};
  Case result{kNormalizeStream, true, {}, InvalidInPlace("chunk." + field)};
  if (random.Below(2) == 0) {
    v1::NormalizeStreamRequest open = OpenBy(spec);
    SetRowShape(open, row_shape);
    result.messages = {open.SerializeAsString()};
  } else {
    v1::CompareRequest open = CompareOpenBy(spec);
    SetRowShape(open, row_shape);
    result.method = kCompare;
    result.messages = {open.SerializeAsString()};
  }
  v1::Chunk chunk = ChunkOf(1);
  const Dimensions good = fixed ? Dimensions{kRows, kChannels} : Dimensions{kRows, 2, 2};
  chunk.mutable_shape()->Assign(good.begin(), good.end());
  result.messages.push_back(ChunkMessage(chunk));
  chunk.set_sequence_number(2);
  chunk.mutable_shape()->Assign(shape.begin(), shape.end());
  result.messages.push_back(ChunkMessage(chunk));
  return result;
}

inline Case OverflowingShape(Random& random) {
  switch (random.Below(6)) {
    case 0:
      return WithInputShape(Overflowing(random, 8), "input.shape");
    case 1:
      return WithRowShape(random, Overflowing(random, 7));
    case 2: {
      Dimensions shape = Overflowing(random, 6);
      shape.insert(shape.begin(), -1);
      return WithRowShape(random, shape);
    }
    case 3:
      return WithAffineShape(random, Overflowing(random, 8));
    case 4:
      return WithStatisticsShape(random, Overflowing(random, 8));
    default: {
      // Steps times what a step holds, and rows times that.
      const int64_t steps = random.Between((1 << 19) + 1, kMaxInt64);
      if (random.Below(2) == 0) return WithChunkShape(random, false, {1, steps, 2}, "shape");
      const int64_t rows = random.Between(int64_t{1} << 40, kMaxInt64);
      return WithChunkShape(random, false, {rows, 2, 2}, "data");
    }
  }
}

inline Case ImpossibleShape(Random& random) {
  switch (random.Below(7)) {
    case 0:
      return WithInputShape(Impossible(random, 2, 8), "input.shape");
    case 1:
      return WithRowShape(random, Impossible(random, 1, 7));
    case 2:  // -1 stands only for the first of two or more
      return WithRowShape(random, random.Pick<Dimensions>({{-1}, {2, -1}, {-1, -1}, {-1, 0}}));
    case 3:
      return WithAffineShape(random, Impossible(random, 1, 8));
    case 4:
      return WithStatisticsShape(random, Impossible(random, 1, 8));
    case 5:
      return WithChunkShape(random, false,
                            random.Pick<Dimensions>({{2, 0, 2},
                                                     {2, -1, 2},
                                                     {2, kMinInt64, 2},
                                                     {2},
                                                     {2, 2},
                                                     {2, 2, 3},
                                                     {2, 2, -2},
                                                     {2, 2, 2, 1},
                                                     {},
                                                     Dimensions(random.Between(9, 999), 1)}),
                            "shape");
    default:
      return WithChunkShape(
          random, true,
          random.Pick<Dimensions>(
              {{2, 0}, {2, -4}, {2, 5}, {2}, {2, 4, 1}, Dimensions(random.Between(9, 999), 1)}),
          "shape");
  }
}

// Larger than the server takes, or than what comes with it, without overflow.
inline Case HugeShape(Random& random) {
  const int64_t huge = random.Between((int64_t{1} << 20) + 1, int64_t{1} << 40);
  switch (random.Below(5)) {
    case 0:
      return WithInputShape({1, huge}, "input.shape");
    case 1:
      return WithRowShape(random, {huge});
    case 2:
      return WithRowShape(random, {-1, huge});
    case 3:
      return WithChunkShape(random, true, {random.Pick<int64_t>({0, 1, 3, -1, huge}), kChannels},
                            "data");
    default: {
      v1::CreateSessionRequest request = CreateBy(RichSpec(random.Pick(ChannelMethods())));
      request.mutable_session()->set_channel_count(
          random.Pick<int64_t>({0, -1, kMinInt64, kMaxInt64, huge}));
      return Unary(kCreateSession, request, InvalidField("session.channel_count"));
    }
  }
}

// Data of another size than the shape needs.
inline Case WrongDataSize(Random& random) {
  const auto wrong_size = [&random](int64_t right, int64_t most) {
    const int64_t size = random.Below(most);
    return size == right ? most : size;
  };
  switch (random.Below(4)) {
    case 0: {
      v1::NormalizeRequest request = NormalizeBy(RichSpec(random.Pick(AllMethods())));
      request.mutable_input()->set_data(random.Bytes(wrong_size(kRows * kChannels * 4, 200)));
      return Unary(kNormalize, request, InvalidField("input.data"));
    }
    case 1:
      return WithStatisticsTensor(random, "data", [&](v1::Tensor& tensor) {
        const auto right = static_cast<int64_t>(tensor.data().size());
        tensor.set_data(random.Bytes(wrong_size(right, 100)));
      });
    case 2: {
      v1::NormalizationSpec spec = RichSpec("layer_norm");
      spec.mutable_layer_norm()->mutable_affine()->mutable_gamma()->set_data(
          random.Bytes(wrong_size(kChannels * 8, 100)));
      return WithSpec(CallFor("layer_norm", random), spec, "layer_norm.affine.gamma.data");
    }
    default: {
      const std::string method = random.Pick<std::string>({kNormalizeStream, kCompare});
      v1::Chunk chunk;
      chunk.set_sequence_number(1);
      chunk.set_data(random.Bytes(random.Below(40) * 16 + random.Between(1, 15)));
      return {method, true, {GoodOpen(method), ChunkMessage(chunk)}, InvalidInPlace("chunk.data")};
    }
  }
}

}  // namespace normd::malformed

#endif  // NORMD_TESTS_E2E_MALFORMED_SHAPE_FAMILIES_H_
