// Every method, element type, affine part and mode against textbook formulas in long double. Prints
// how much of the allowed error each takes.
#include <gtest/gtest.h>

#include <cstdio>
#include <functional>
#include <map>
#include <string>
#include <utility>
#include <vector>

#include "core/method/normalizer.h"
#include "core/session/session.h"
#include "tests/conformance/reference/promise.h"
#include "tests/core/method/row_method_specs.h"
#include "tests/testing/error_matchers.h"
#include "tests/testing/random_values.h"
#include "tests/testing/row_reference.h"
#include "tests/testing/typed_values.h"

namespace normd {
namespace {

using testing::Expected;
using testing::IsOk;
using testing::kElementTypes;
using testing::NamedSpec;
using testing::RandomDoubles;
using testing::TypedValues;

constexpr int64_t kRows = 12;

// What is done with running statistics; methods that keep none are only normalized.
enum class Mode { kNone, kTraining, kInference, kStreaming };
constexpr const char* kModeNames[] = {"-", "TRAINING", "INFERENCE", "STREAMING"};

// Where each element of a batch of kRows rows belongs: those of one group share statistics.
struct Places {
  std::vector<int64_t> group;
  std::vector<size_t> parameter;  // which gamma and beta
};

// A spec on rows of one shape.
struct Case {
  std::string name;
  NormalizationSpec spec;
  Shape row_shape;
};

std::vector<NamedSpec> ChannelSpecs() {
  return {{"BatchNorm", {.method = Method::kBatchNorm, .estimator = Cumulative{}}},
          {"MinMax", {.method = Method::kMinMax}},
          {"MinMaxRange", {.method = Method::kMinMax, .low = -1, .high = 2}},
          {"Standardization", {.method = Method::kStandardization}},
          {"StandardizationCentered", {.method = Method::kStandardization, .scale = false}},
          {"StandardizationScaled", {.method = Method::kStandardization, .center = false}}};
}

std::vector<Case> Cases() {
  std::vector<Case> cases;
  for (const NamedSpec& named : testing::RowMethodSpecs()) {
    for (const Shape& shape : {Shape{40}, Shape{3, 24}})
      cases.push_back({named.name, named.spec, shape});
  }
  std::vector<NamedSpec> channel_specs = ChannelSpecs();
  channel_specs.push_back({"GroupNorm", {.method = Method::kGroupNorm, .group_count = 3}});
  channel_specs.push_back({"InstanceNorm", {.method = Method::kInstanceNorm}});
  for (NamedSpec& named : channel_specs) {
    cases.push_back({named.name, named.spec, {6, 5, 4}});
    named.spec.channel_axis = -1;
    cases.push_back({named.name, named.spec, {7, 6}});
  }
  return cases;
}

Places PlacesOf(const NormalizationSpec& spec, const Shape& row_shape) {
  const int64_t row_size = Product(row_shape);
  const SharedOver shared = TraitsOf(spec.method).shared_over;
  const bool by_channel = spec.channel_axis.has_value();
  const size_t axis = by_channel && *spec.channel_axis < 0 ? row_shape.size() - 1 : 0;
  const int64_t inner = by_channel ? Product(absl::MakeConstSpan(row_shape).subspan(axis + 1)) : 1;
  const int64_t channels = row_shape[axis];
  Places places;
  for (int64_t i = 0; i < kRows * row_size; ++i) {
    const int64_t row = i / row_size;
    const int64_t channel = i / inner % channels;
    if (shared == SharedOver::kChannel) {
      places.group.push_back(channel);
    } else if (shared == SharedOver::kChannelGroup) {
      const int64_t groups = spec.group_count.value_or(channels);
      places.group.push_back(row * groups + channel / (channels / groups));
    } else {
      places.group.push_back(i / row_shape.back());
    }
    places.parameter.push_back(static_cast<size_t>(by_channel ? channel : i % row_shape.back()));
  }
  return places;
}

// The textbook's outputs: each group by the statistics of `sample`'s values of the same group, or,
// where `rows_so_far`, of its own up to the row's end.
std::vector<Expected> Reference(const NormalizationSpec& spec, const Places& places,
                                const std::vector<double>& sample, const std::vector<double>& x,
                                bool rows_so_far) {
  NormalizationSpec unaffine = spec;
  unaffine.gamma.reset();
  unaffine.beta.reset();
  const size_t row_size = x.size() / kRows;
  std::vector<Expected> result;
  std::vector<double> group;
  std::pair<int64_t, size_t> known = {-1, 0};
  for (size_t i = 0; i < x.size(); ++i) {
    const size_t end = rows_so_far ? (i / row_size + 1) * row_size : sample.size();
    if (std::pair(places.group[i], end) != known) {
      known = {places.group[i], end};
      group.clear();
      for (size_t k = 0; k < end; ++k) {
        if (places.group[k] == places.group[i]) group.push_back(sample[k]);
      }
    }
    const auto norm = testing::ReferenceNorm(unaffine, static_cast<int64_t>(group.size()));
    const long double x_hat = testing::ReferenceNormalizeBy(norm, group, {&x[i], 1})[0];
    const size_t parameter = places.parameter[i];
    const long double scaled = spec.gamma ? x_hat * spec.gamma->values[parameter] : x_hat;
    const long double shift = spec.beta ? spec.beta->values[parameter] : 0;
    const long double deviation = std::sqrt(testing::ReferenceVariance(group));
    result.push_back({scaled + shift, std::fabs(scaled) + std::fabs(shift),
                      deviation == 0 ? 0 : std::fabs(testing::ReferenceMean(group)) / deviation,
                      spec.scale.value_or(true) ? 1 : std::max(1.0L, deviation)});
  }
  return result;
}

// Outputs of normd for a batch, after `fed` went into a session where the mode needs one.
void Run(const NormalizationSpec& spec, const Shape& row_shape, Mode mode, const TypedValues& fed,
         const TypedValues& x, TypedValues& y) {
  const absl::StatusOr<Normalizer> normalizer = CreateNormalizer(spec, row_shape);
  ASSERT_THAT(normalizer, IsOk());
  if (mode == Mode::kNone) {
    ASSERT_THAT(Normalize(*normalizer, x.data(), kRows, y.data()), IsOk());
    return;
  }
  const auto& channels = std::get<ChannelNormalizer>(*normalizer);
  SessionConfig config;
  config.spec = spec;
  config.channels = channels.channels();
  const auto session = Session::Create(config, [] { return absl::UnixEpoch(); });
  ASSERT_THAT(session, IsOk());
  StreamingPolicy policy;
  if (mode == Mode::kInference) {
    policy.mode = BatchNormMode::kTraining;
    TypedValues ignored(y.type(), y.size());
    ASSERT_THAT((*session)->Apply(channels, policy, fed.data(), kRows, ignored.data()), IsOk());
    policy.mode = BatchNormMode::kInference;
  } else {
    policy.mode = mode == Mode::kTraining ? BatchNormMode::kTraining : BatchNormMode::kStreaming;
  }
  ASSERT_THAT((*session)->Apply(channels, policy, x.data(), kRows, y.data()), IsOk());
}

std::vector<Mode> ModesOf(const NormalizationSpec& spec) {
  if (!TraitsOf(spec.method).keeps_running_statistics) return {Mode::kNone};
  return {Mode::kTraining, Mode::kInference, Mode::kStreaming};
}

bool HasAffine(Method method) {
  return method == Method::kBatchNorm || method == Method::kDynamicTanh ||
         method == Method::kGroupNorm || method == Method::kInstanceNorm ||
         method == Method::kLayerNorm || method == Method::kRmsNorm;
}

// What goes in: uniform within `radius` of `mean`.
struct Inputs {
  double mean = 0.5;
  double radius = 3;

  TypedValues Draw(ElementType type, int64_t size, int seed) const {
    return TypedValues(type, RandomDoubles(size, mean - radius, mean + radius, seed), 3);
  }
};

// The share of the allowed error that the worst element takes.
double WorstShare(const NormalizationSpec& given, const Shape& row_shape, ElementType input,
                  ElementType output, Mode mode, const Inputs& inputs) {
  const NormalizationSpec spec = Resolve(given, input).value();
  const int64_t size = kRows * Product(row_shape);
  const TypedValues x = inputs.Draw(input, size, 1);
  const TypedValues fed = inputs.Draw(input, size, 2);
  TypedValues y(output, size, 5);
  Run(spec, row_shape, mode, fed, x, y);
  const Places places = PlacesOf(spec, row_shape);
  const auto expected = Reference(spec, places, (mode == Mode::kInference ? fed : x).values(),
                                  x.values(), mode == Mode::kStreaming);
  const std::vector<double> actual = y.values();
  long double worst = 0;
  for (size_t i = 0; i < actual.size(); ++i) {
    const long double share = testing::ShareOfBound(output, actual[i], expected[i]);
    worst = std::max(worst, std::isnan(share) ? 1e9L : share);
  }
  return static_cast<double>(worst);
}

TEST(MethodTable, MatchesTheTextbookInEveryCell) {
  std::map<std::string, std::map<std::string, double>> table;  // the worst share by row and type
  for (const Case& c : Cases()) {
    for (const bool affine : {false, true}) {
      if (affine && !HasAffine(c.spec.method)) continue;
      NormalizationSpec spec = c.spec;
      const bool by_channel = TraitsOf(spec.method).shared_over == SharedOver::kChannel ||
                              TraitsOf(spec.method).shared_over == SharedOver::kChannelGroup;
      const bool first = by_channel && !spec.channel_axis;
      if (by_channel && !spec.channel_axis) spec.channel_axis = 1;
      const int64_t parameters = first ? c.row_shape.front() : c.row_shape.back();
      if (affine) {
        spec.gamma = AffineParameter{{parameters}, RandomDoubles(parameters, -3, 3, 3)};
        spec.beta = AffineParameter{{parameters}, RandomDoubles(parameters, -3, 3, 4)};
      }
      for (const Mode mode : ModesOf(spec)) {
        char label[64];
        std::snprintf(label, sizeof(label), "%-26s %-6s %-9s", c.name.c_str(),
                      affine ? "affine" : "-", kModeNames[static_cast<int>(mode)]);
        for (const ElementType type : kElementTypes) {
          double& worst = table[label][testing::NameOf(type)];
          const bool wide = type == ElementType::kFloat32 || type == ElementType::kFloat64;
          for (const double mean : {0.5, wide ? 2e6 : 20.0}) {
            const double share = WorstShare(spec, c.row_shape, type, type, mode, {mean});
            EXPECT_LE(share, 1) << label << " " << testing::NameOf(type) << " " << mean << " "
                                << ToString(c.row_shape);
            worst = std::max(worst, share);
          }
        }
      }
    }
  }
  std::printf("The worst error as a share of the allowed one, by the elements' type\n%-43s",
              "method                     affine mode");
  for (const ElementType type : kElementTypes) std::printf(" %9s", testing::NameOf(type).c_str());
  std::puts("");
  for (const auto& [label, cells] : table) {
    std::printf("%s", label.c_str());
    for (const ElementType type : kElementTypes) {
      std::printf(" %9.3f", cells.at(testing::NameOf(type)));
    }
    std::puts("");
  }
}

TEST(MethodTable, OutputsMayBeOfAnyTypeWhateverTheInputs) {
  for (const Case& c : Cases()) {
    NormalizationSpec spec = c.spec;
    const SharedOver shared = TraitsOf(spec.method).shared_over;
    const bool by_channel = shared == SharedOver::kChannel || shared == SharedOver::kChannelGroup;
    if (by_channel && !spec.channel_axis) spec.channel_axis = 1;
    for (const ElementType input : kElementTypes) {
      for (const ElementType output : kElementTypes) {
        EXPECT_LE(WorstShare(spec, c.row_shape, input, output, ModesOf(spec)[0], {}), 1)
            << c.name << " from " << testing::NameOf(input) << " to " << testing::NameOf(output);
      }
    }
  }
}

// Far from 1: near the ends of each type's range, subnormals among them, and without any spread.
// float64 keeps its promise from 2^-500 to 2^480.
TEST(MethodTable, HoldsAtTheEdgesOfEveryType) {
  const std::map<ElementType, std::vector<Inputs>> edges = {
      {ElementType::kFloat32, {{0, 1e30}, {1e30, 1e24}, {0, 1e-30}, {0, 1e-42}}},
      {ElementType::kFloat64, {{0, 1e30}, {1e30, 1e24}, {0, 1e144}, {0, 1e-145}}},
      {ElementType::kFloat16, {{0, 6e4}, {3e4, 1e4}, {0, 1e-3}, {0, 4e-7}}},
      {ElementType::kBFloat16, {{0, 1e30}, {1e30, 1e29}, {0, 1e-30}, {0, 1e-39}}}};
  for (const Case& c : Cases()) {
    NormalizationSpec spec = c.spec;
    const SharedOver shared = TraitsOf(spec.method).shared_over;
    const bool by_channel = shared == SharedOver::kChannel || shared == SharedOver::kChannelGroup;
    if (by_channel && !spec.channel_axis) spec.channel_axis = 1;
    for (const auto& [type, all] : edges) {
      std::vector<Inputs> every = all;
      for (const double constant : {0.0, 1.0, -3.0, 4096.0}) every.push_back({constant, 0});
      for (const Inputs& inputs : every) {
        for (const Mode mode : ModesOf(spec)) {
          const double share = WorstShare(spec, c.row_shape, type, type, mode, inputs);
          EXPECT_LE(share, 1) << c.name << " " << testing::NameOf(type) << " " << inputs.mean
                              << " +- " << inputs.radius << " "
                              << kModeNames[static_cast<int>(mode)];
        }
      }
    }
  }
}

TEST(MethodTable, HoldsForOneFeature) {
  for (Case c : Cases()) {
    if (c.row_shape.size() > 1) continue;
    for (const ElementType type : kElementTypes) {
      EXPECT_LE(WorstShare(c.spec, {1}, type, type, Mode::kNone, {}), 1) << c.name;
    }
  }
  for (const NamedSpec& named : ChannelSpecs()) {
    for (const Mode mode : {Mode::kTraining, Mode::kInference, Mode::kStreaming}) {
      NormalizationSpec spec = named.spec;
      spec.channel_axis = 1;
      EXPECT_LE(WorstShare(spec, {1}, ElementType::kFloat32, ElementType::kFloat32, mode, {}), 1)
          << named.name;
    }
  }
}

// Every method of the one table is in this one.
TEST(MethodTable, LeavesOutNoMethod) {
  for (const MethodTraits& traits : Methods()) {
    const std::vector<Case> cases = Cases();
    EXPECT_TRUE(std::any_of(cases.begin(), cases.end(), [&](const Case& c) {
      return c.spec.method == traits.method;
    })) << std::string(traits.name);
  }
}

}  // namespace
}  // namespace normd
