// Enum values that nobody knows, parameters out of range, statistics that cannot be.
#ifndef NORMD_TESTS_E2E_MALFORMED_PARAMETER_FAMILIES_H_
#define NORMD_TESTS_E2E_MALFORMED_PARAMETER_FAMILIES_H_

#include <cmath>
#include <limits>
#include <string>
#include <vector>

#include "absl/strings/str_cat.h"
#include "tests/e2e/malformed/valid_requests.h"
#include "tests/testing/non_finite.h"

namespace normd::malformed {

using testing::kInfinity;
using testing::kNan;

// An enum field of a request that is there to be wrong.
struct EnumPlace {
  google::protobuf::Message* message;
  const google::protobuf::FieldDescriptor* field;
  std::string path;
};

// All enum fields of a message and of the messages that are set within it.
inline void FindEnums(google::protobuf::Message& message, const std::string& path,
                      std::vector<EnumPlace>& places) {
  const auto* reflection = message.GetReflection();
  for (int i = 0; i < message.GetDescriptor()->field_count(); ++i) {
    const auto* field = message.GetDescriptor()->field(i);
    const std::string name = path.empty() ? field->name() : absl::StrCat(path, ".", field->name());
    if (field->cpp_type() == google::protobuf::FieldDescriptor::CPPTYPE_ENUM) {
      places.push_back({&message, field, name});
    } else if (field->cpp_type() == google::protobuf::FieldDescriptor::CPPTYPE_MESSAGE) {
      if (field->is_repeated()) {
        for (int j = 0; j < reflection->FieldSize(message, field); ++j) {
          FindEnums(*reflection->MutableRepeatedMessage(&message, field, j),
                    absl::StrCat(name, "[", j, "]"), places);
        }
      } else if (reflection->HasField(message, field)) {
        FindEnums(*reflection->MutableMessage(&message, field), name, places);
      }
    }
  }
}

// Makes one enum field of a request unknown; its path.
inline std::string SpoilEnum(Random& random, google::protobuf::Message& request) {
  std::vector<EnumPlace> places;
  FindEnums(request, "", places);
  const EnumPlace& place = random.Pick(places);
  int value = random.Pick<int>(
      {-1, 6, 99, std::numeric_limits<int>::max(), std::numeric_limits<int>::min()});
  if (random.Below(2) == 0) value = static_cast<int>(random.Bits());
  if (place.field->enum_type()->FindValueByNumber(value) != nullptr) value = -1;
  place.message->GetReflection()->SetEnumValue(place.message, place.field, value);
  return place.path;
}

inline Case UnknownEnum(Random& random) {
  const std::string method = random.Pick(AllMethods());
  const v1::NormalizationSpec spec = RichSpec(method);
  const std::string call = CallFor(method, random);
  const auto spoil = [&](auto request, bool streams) {
    const std::string path = SpoilEnum(random, request);
    return Case{call, streams, {request.SerializeAsString()}, InvalidField(path)};
  };
  const bool keeps = TakesSession(method);
  if (call == kNormalize) {
    v1::NormalizeRequest request = NormalizeBy(spec);
    if (keeps) *request.mutable_statistics() = Statistics(method == "min_max");
    return spoil(request, false);
  }
  if (call == kCreateSession) {
    v1::CreateSessionRequest request = CreateBy(spec);
    *request.mutable_session()->mutable_statistics() = Statistics(method == "min_max");
    return spoil(request, false);
  }
  return call == kCompare ? spoil(CompareOpenBy(spec), true) : spoil(OpenBy(spec), true);
}

// A parameter of a method, and numbers that it may not be.
struct WrongParameter {
  std::string method;
  std::string field;  // its path within the method's message
  std::vector<double> values;
};

inline const std::vector<WrongParameter>& WrongParameters() {
  static const std::vector<WrongParameter> wrong = [] {
    const double low = std::numeric_limits<int32_t>::min();
    const double high = std::numeric_limits<int32_t>::max();
    std::vector<WrongParameter> result = {
        {"batch_norm", "estimator.batch_ema.momentum", {-0.1, 1.1, 0, kNan, kInfinity, -kInfinity}},
        {"batch_norm", "estimator.token_ema.alpha", {0, -1, 1.5, kNan, kInfinity}},
        {"standardization", "estimator.token_ema.alpha", {0, -1e-300, 2, kNan}},
        {"group_norm", "group_count", {0, -1, 3, 5, 8, -0x1p62, 0x1p62}},
        {"rms_norm", "partial", {0, -1, 1.0000001, kNan, kInfinity}},
        {"scale_norm", "gain", {kNan, kInfinity, -kInfinity, 1e39, -1e300}},
        {"dynamic_tanh", "alpha", {kNan, kInfinity, -kInfinity}},
    };
    for (const char* method : {"min_max", "row_min_max"}) {
      result.push_back({method, "low", {kNan, kInfinity, -kInfinity, 1e300}});
      result.push_back({method, "high", {kNan, kInfinity, 1e39, 0, -1}});
    }
    for (const std::string& method : AllMethods()) {
      v1::NormalizationSpec spec;
      const auto& parameters = MethodIn(spec, method);
      if (FieldOf(parameters, "epsilon") != nullptr) {
        result.push_back({method, "epsilon.value", {-1e-5, -5e-324, kNan, kInfinity, -kInfinity}});
      }
      if (FieldOf(parameters, "channel_axis") != nullptr) {
        result.push_back({method, "channel_axis", {0, 2, -2, 7, -9, low, high}});
      }
      if (FieldOf(parameters, "normalized_rank") != nullptr) {
        result.push_back({method, "normalized_rank", {0, -1, 2, 9, low, high}});
      }
    }
    return result;
  }();
  return wrong;
}

inline void SetNumber(google::protobuf::Message& message, const std::string& path, double value) {
  const size_t dot = path.find('.');
  const auto* field = FieldOf(message, path.substr(0, dot));
  const auto* reflection = message.GetReflection();
  if (dot != std::string::npos) {
    SetNumber(*reflection->MutableMessage(&message, field), path.substr(dot + 1), value);
  } else if (field->cpp_type() == google::protobuf::FieldDescriptor::CPPTYPE_DOUBLE) {
    reflection->SetDouble(&message, field, value);
  } else if (field->cpp_type() == google::protobuf::FieldDescriptor::CPPTYPE_INT64) {
    reflection->SetInt64(&message, field, static_cast<int64_t>(value));
  } else {
    reflection->SetInt32(&message, field, static_cast<int32_t>(value));
  }
}

inline Case ParameterOutOfRange(Random& random) {
  const WrongParameter& wrong = random.Pick(WrongParameters());
  double value = random.Pick(wrong.values);
  v1::NormalizationSpec spec = RichSpec(wrong.method);
  std::string call = CallFor(wrong.method, random);
  // Without rows there is only one axis that cannot be.
  if (call == kCreateSession && wrong.field == "channel_axis") value = 0;
  SetNumber(MethodIn(spec, wrong.method), wrong.field, value);
  return WithSpec(call, spec, wrong.method + "." + wrong.field);
}

inline Case WrongClipOrMethod(Random& random) {
  const std::string method = random.Pick(AllMethods());
  v1::NormalizationSpec spec = RichSpec(method);
  const std::string call = CallFor(method, random);
  switch (random.Below(3)) {
    case 0:
      spec.Clear();
      return WithSpec(call, spec, "method");
    case 1: {
      v1::NormalizationSpec stateless = RichSpec(random.Pick<std::string>(
          {"layer_norm", "rms_norm", "lp_norm", "dynamic_tanh", "row_min_max"}));
      return WithSpec(kCreateSession, stateless, "method");
    }
    default:
      spec.set_clip(random.Pick<double>({0, -0.0, -1, kNan, kInfinity, -kInfinity}));
      return WithSpec(call, spec, "clip");
  }
}

// gamma or beta of another shape than the row's, or of values that no float32 holds.
inline Case WrongAffine(Random& random) {
  SomeAffine affine(random);
  if (random.Below(2) == 0) {
    const int64_t size = random.Pick<int64_t>({1, 2, 3, 5, 8, 100});
    *affine.tensor = random.Below(2) == 0 ? TensorOf({size}, std::vector<double>(size, 1))
                                          : TensorOf({1, 4}, {1, 2, 3, 4});
  } else {
    std::vector<double> values(kChannels, 1);
    values[random.Below(kChannels)] =
        random.Pick<double>({kNan, kInfinity, -kInfinity, 3.5e38, -1e300});
    *affine.tensor = TensorOf({kChannels}, values);
  }
  return WithSpec(CallFor(affine.method, random), affine.spec, affine.path);
}

// Running statistics that nothing could have come to.
inline Case LyingStatistics(Random& random) {
  const bool extremes = random.Below(2) == 0;
  v1::RunningStatistics statistics = Statistics(extremes);
  v1::NormalizationSpec spec;
  if (extremes) {
    spec.mutable_min_max();
  } else {
    spec.mutable_batch_norm()->mutable_estimator()->mutable_cumulative();
  }
  const auto spoiled = [&](double value) {
    std::vector<double> values(kChannels, 0);
    values[random.Below(kChannels)] = value;
    return TensorOf({kChannels}, values);
  };
  const int64_t other = random.Pick<int64_t>({1, 3, 5, 64});
  const v1::Tensor longer = TensorOf({other}, std::vector<double>(other, 1));
  const double impossible = random.Pick<double>({kNan, kInfinity, -kInfinity, 1e101, -1e300});
  v1::MinimumMaximum* range = extremes ? statistics.mutable_minimum_maximum() : nullptr;
  v1::MeanVariance* moments = extremes ? nullptr : statistics.mutable_mean_variance();
  std::string field;
  switch (random.Below(7)) {
    case 0:
      *statistics.mutable_count() =
          TensorOf({1}, {random.Pick<double>({-1, 0, kNan, kInfinity, -kInfinity, 1e19, -0.0})});
      field = "count";
      break;
    case 1:
      *statistics.mutable_count() = TensorOf({2}, {10, 10});
      field = "count";
      break;
    case 2:
      statistics.set_batches((uint64_t{1} << 53) + 1 + random.Bits() / 2);
      field = "batches";
      break;
    case 3:
      statistics.clear_kind();
      field = "kind";
      break;
    case 4:
      if (extremes) {
        *range->mutable_minimum() = random.Below(2) == 0 ? longer : spoiled(impossible);
        field = "minimum_maximum.minimum";
      } else {
        *moments->mutable_mean() = random.Below(2) == 0 ? longer : spoiled(impossible);
        field = "mean_variance.mean";
      }
      break;
    case 5:  // those of the other kind of method
      statistics = Statistics(!extremes);
      field = extremes ? "minimum_maximum.minimum" : "mean_variance.mean";
      break;
    default:
      if (extremes) {
        *range->mutable_maximum() = spoiled(random.Below(2) == 0 ? -1.0000001 : impossible);
        field = "minimum_maximum.maximum";
      } else {
        *moments->mutable_variance() =
            spoiled(random.Pick<double>({-1e-9, kNan, kInfinity, 1e201}));
        field = "mean_variance.variance";
      }
  }
  if (random.Below(2) == 0) {
    v1::NormalizeRequest request = NormalizeBy(spec);
    *request.mutable_statistics() = statistics;
    return Unary(kNormalize, request, InvalidField("statistics." + field));
  }
  v1::CreateSessionRequest request = CreateBy(spec);
  *request.mutable_session()->mutable_statistics() = statistics;
  return Unary(kCreateSession, request, InvalidField("session.statistics." + field));
}

}  // namespace normd::malformed

#endif  // NORMD_TESTS_E2E_MALFORMED_PARAMETER_FAMILIES_H_
