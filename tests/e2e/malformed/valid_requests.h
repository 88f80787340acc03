// Requests in which nothing is wrong: what the cases are made of, one fault each.
#ifndef NORMD_TESTS_E2E_MALFORMED_VALID_REQUESTS_H_
#define NORMD_TESTS_E2E_MALFORMED_VALID_REQUESTS_H_

#include <algorithm>
#include <string>
#include <vector>

#include "normd/v1/comparison.pb.h"
#include "normd/v1/normalization.pb.h"
#include "normd/v1/session.pb.h"
#include "tests/e2e/malformed/case.h"

namespace normd::malformed {

// Sessions that the test makes: of `kChannels` channels, pooled statistics; one of them frozen.
inline constexpr char kKept[] = "sessions/kept";
inline constexpr char kFrozen[] = "sessions/frozen";

// Rows are [4], batches [2, 4], of float32.
inline constexpr int64_t kChannels = 4;
inline constexpr int64_t kRows = 2;

inline v1::Tensor TensorOf(const std::vector<int64_t>& shape, const std::vector<double>& values) {
  v1::Tensor tensor;
  tensor.set_element_type(v1::ELEMENT_TYPE_FLOAT64);
  tensor.mutable_shape()->Assign(shape.begin(), shape.end());
  tensor.set_data(values.data(), values.size() * sizeof(double));
  return tensor;
}

inline v1::Tensor PerChannel(double value) {
  return TensorOf({kChannels}, std::vector<double>(kChannels, value));
}

// Rows of ones, twos, ...
inline std::string RowData(int64_t rows) {
  std::string data;
  for (int64_t i = 0; i < rows * kChannels; ++i) {
    const auto value = static_cast<float>(i + 1);
    data.append(reinterpret_cast<const char*>(&value), sizeof(value));
  }
  return data;
}

// The methods' names in a spec.
inline const std::vector<std::string>& ChannelMethods() {
  static const std::vector<std::string> names = {"batch_norm", "standardization", "min_max"};
  return names;
}
inline const std::vector<std::string>& AllMethods() {
  static const std::vector<std::string> names = {
      "batch_norm", "standardization", "min_max",       "layer_norm",
      "rms_norm",   "group_norm",      "instance_norm", "scale_norm",
      "lp_norm",    "dynamic_tanh",    "row_min_max",   "row_standardization"};
  return names;
}

// Whether a session can be of it.
inline bool TakesSession(const std::string& method) {
  const auto& names = ChannelMethods();
  return std::find(names.begin(), names.end(), method) != names.end();
}

// The method's message within a spec, made where it is not there.
inline google::protobuf::Message& MethodIn(v1::NormalizationSpec& spec, const std::string& name) {
  const auto* field = v1::NormalizationSpec::descriptor()->FindFieldByName(name);
  return *spec.GetReflection()->MutableMessage(&spec, field);
}

// A field of a message by its name; null where it has none.
inline const google::protobuf::FieldDescriptor* FieldOf(const google::protobuf::Message& message,
                                                        const std::string& name) {
  return message.GetDescriptor()->FindFieldByName(name);
}

// With whatever messages a method has: epsilon, affine part, estimator.
inline v1::NormalizationSpec RichSpec(const std::string& method) {
  v1::NormalizationSpec spec;
  google::protobuf::Message& parameters = MethodIn(spec, method);
  const auto* reflection = parameters.GetReflection();
  if (const auto* field = FieldOf(parameters, "epsilon")) {
    static_cast<v1::Epsilon*>(reflection->MutableMessage(&parameters, field))->set_value(1e-5);
  }
  if (const auto* field = FieldOf(parameters, "affine")) {
    auto* affine = static_cast<v1::Affine*>(reflection->MutableMessage(&parameters, field));
    *affine->mutable_gamma() = PerChannel(2);
    *affine->mutable_beta() = PerChannel(1);
  }
  if (const auto* field = FieldOf(parameters, "estimator")) {
    auto* estimator = static_cast<v1::Estimator*>(reflection->MutableMessage(&parameters, field));
    estimator->mutable_batch_ema()->set_momentum(0.1);
  }
  if (method == "group_norm") spec.mutable_group_norm()->set_group_count(2);
  return spec;
}

// A spec of some method with gamma and beta; one of them is to be spoiled.
struct SomeAffine {
  explicit SomeAffine(Random& random)
      : method(random.Pick<std::string>({"batch_norm", "layer_norm", "rms_norm", "group_norm",
                                         "instance_norm", "dynamic_tanh"})),
        spec(RichSpec(method)) {
    google::protobuf::Message& parameters = MethodIn(spec, method);
    auto* affine = static_cast<v1::Affine*>(
        parameters.GetReflection()->MutableMessage(&parameters, FieldOf(parameters, "affine")));
    const bool gamma = random.Below(2) == 0;
    tensor = gamma ? affine->mutable_gamma() : affine->mutable_beta();
    path = method + (gamma ? ".affine.gamma" : ".affine.beta");
  }
  SomeAffine(const SomeAffine&) = delete;
  SomeAffine& operator=(const SomeAffine&) = delete;

  std::string method;
  v1::NormalizationSpec spec;
  v1::Tensor* tensor = nullptr;  // within `spec`, at `path`
  std::string path;
};

inline v1::RunningStatistics Statistics(bool extremes) {
  v1::RunningStatistics statistics;
  *statistics.mutable_count() = TensorOf({1}, {10});
  statistics.set_batches(5);
  if (extremes) {
    *statistics.mutable_minimum_maximum()->mutable_minimum() = PerChannel(-1);
    *statistics.mutable_minimum_maximum()->mutable_maximum() = PerChannel(1);
  } else {
    *statistics.mutable_mean_variance()->mutable_mean() = PerChannel(0);
    *statistics.mutable_mean_variance()->mutable_variance() = PerChannel(1);
  }
  return statistics;
}

inline v1::NormalizeRequest NormalizeBy(const v1::NormalizationSpec& spec) {
  v1::NormalizeRequest request;
  *request.mutable_spec() = spec;
  request.mutable_input()->set_element_type(v1::ELEMENT_TYPE_FLOAT32);
  request.mutable_input()->add_shape(kRows);
  request.mutable_input()->add_shape(kChannels);
  request.mutable_input()->set_data(RowData(kRows));
  return request;
}

inline v1::NormalizeStreamRequest OpenBy(const v1::NormalizationSpec& spec) {
  v1::NormalizeStreamRequest request;
  *request.mutable_open()->mutable_spec() = spec;
  request.mutable_open()->add_row_shape(kChannels);
  return request;
}

inline v1::CompareRequest CompareOpenBy(const v1::NormalizationSpec& spec) {
  v1::CompareRequest request;
  *request.mutable_open()->add_specs() = spec;
  request.mutable_open()->add_row_shape(kChannels);
  return request;
}

inline v1::CreateSessionRequest CreateBy(const v1::NormalizationSpec& spec) {
  v1::CreateSessionRequest request;
  request.set_session_id("never-made");
  *request.mutable_session()->mutable_spec() = spec;
  request.mutable_session()->set_channel_count(kChannels);
  return request;
}

inline v1::Chunk ChunkOf(uint64_t sequence_number) {
  v1::Chunk chunk;
  chunk.set_sequence_number(sequence_number);
  chunk.set_data(RowData(kRows));
  return chunk;
}

// The message of a stream of either kind that brings a chunk: `chunk` is field 2 of both.
inline std::string ChunkMessage(const v1::Chunk& chunk) {
  v1::NormalizeStreamRequest request;
  *request.mutable_chunk() = chunk;
  return request.SerializeAsString();
}

// A stream of either kind by LayerNorm, opened.
inline std::string GoodOpen(const std::string& method) {
  v1::NormalizationSpec spec;
  spec.mutable_layer_norm();
  return method == kCompare ? CompareOpenBy(spec).SerializeAsString()
                            : OpenBy(spec).SerializeAsString();
}

// A request of one of the four calls that take a spec. Where the fault stands is told by its path
// within the spec.
inline Case WithSpec(const std::string& call, const v1::NormalizationSpec& spec,
                     const std::string& field) {
  if (call == kNormalize) return Unary(call, NormalizeBy(spec), InvalidField("spec." + field));
  if (call == kCreateSession) {
    return Unary(call, CreateBy(spec), InvalidField("session.spec." + field));
  }
  if (call == kCompare) {
    return {call,
            true,
            {CompareOpenBy(spec).SerializeAsString()},
            InvalidField("open.specs[0]." + field)};
  }
  return {call, true, {OpenBy(spec).SerializeAsString()}, InvalidField("open.spec." + field)};
}

// One of those calls; the last only where a session can be of `method`.
inline std::string CallFor(const std::string& method, Random& random) {
  static const std::vector<std::string> calls = {kNormalize, kNormalizeStream, kCompare,
                                                 kCreateSession};
  return calls[random.Below(TakesSession(method) ? 4 : 3)];
}

}  // namespace normd::malformed

#endif  // NORMD_TESTS_E2E_MALFORMED_VALID_REQUESTS_H_
