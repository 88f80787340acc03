// Streams out of order, chunks and batches that do not fit, values that are no numbers.
#ifndef NORMD_TESTS_E2E_MALFORMED_STREAM_FAMILIES_H_
#define NORMD_TESTS_E2E_MALFORMED_STREAM_FAMILIES_H_

#include <string>
#include <vector>

#include "tests/e2e/malformed/valid_requests.h"

namespace normd::malformed {

inline std::string EitherStream(Random& random) {
  return random.Pick<std::string>({kNormalizeStream, kCompare});
}

// Some good chunks, then one of a number that is not the next.
inline Case WrongSequenceNumber(Random& random) {
  const std::string method = EitherStream(random);
  Case result{
      method, true, {GoodOpen(method)}, {{grpc::FAILED_PRECONDITION}, "SEQUENCE_NUMBER", ""}};
  const auto good = static_cast<uint64_t>(random.Below(4));
  for (uint64_t i = 1; i <= good; ++i) result.messages.push_back(ChunkMessage(ChunkOf(i)));
  uint64_t number =
      random.Pick<uint64_t>({0, good, good + 2, good + 100, ~uint64_t{0}, ~uint64_t{0} - 1,
                             uint64_t{1} << 63, good + 1 + (uint64_t{1} << 32), random.Bits()});
  if (number == good + 1) number = 0;
  result.messages.push_back(ChunkMessage(ChunkOf(number)));
  return result;
}

// A message where it may not stand.
inline Case WrongOrder(Random& random) {
  const std::string method = EitherStream(random);
  const std::string unknown_case = "\x9A\x06\x01x";  // field 99
  const std::string open = GoodOpen(method);
  const std::string chunk = ChunkMessage(ChunkOf(1));
  switch (random.Below(6)) {
    case 0:
      return {method, true, {chunk}, InvalidField("open")};
    case 1:
      return {method, true, {chunk, open}, InvalidField("open")};
    case 2:
      return {method, true, {random.Pick<std::string>({"", unknown_case})}, InvalidField("open")};
    case 3:
      return {method, true, {open, open}, InvalidField("chunk")};
    case 4:
      return {method, true, {open, chunk, open, chunk}, InvalidField("chunk")};
    default:
      return {method,
              true,
              {open, chunk, random.Pick<std::string>({"", unknown_case})},
              InvalidField("chunk")};
  }
}

// A batch of 2 rows [2, 2], or of rows [4] without steps, with lengths and a mask.
inline Case WithMask(Random& random, bool steps, const std::vector<int64_t>& lengths,
                     const std::string& mask, const std::string& field) {
  v1::NormalizationSpec spec;
  spec.mutable_layer_norm();
  if (random.Below(3) == 0) {
    v1::NormalizeRequest request = NormalizeBy(spec);
    if (steps) {
      request.mutable_input()->set_shape(1, 2);
      request.mutable_input()->add_shape(2);
    }
    request.mutable_lengths()->Assign(lengths.begin(), lengths.end());
    request.set_row_mask(mask);
    return Unary(kNormalize, request, InvalidField(field));
  }
  const auto with_rows = [steps](auto open) {
    if (steps) open.mutable_open()->set_row_shape(0, 2);
    if (steps) open.mutable_open()->add_row_shape(2);
    return open.SerializeAsString();
  };
  const std::string method = EitherStream(random);
  v1::Chunk chunk = ChunkOf(1);
  chunk.mutable_lengths()->Assign(lengths.begin(), lengths.end());
  chunk.set_row_mask(mask);
  return {method,
          true,
          {method == kCompare ? with_rows(CompareOpenBy(spec)) : with_rows(OpenBy(spec)),
           ChunkMessage(chunk)},
          InvalidInPlace("chunk." + field)};
}

inline Case WrongLengthsOrMask(Random& random) {
  const int64_t any = random.Below(2) == 0 ? random.Between(3, int64_t{1} << 62)
                                           : -random.Between(1, int64_t{1} << 62);
  switch (random.Below(4)) {
    case 0:  // too few, too many
      return WithMask(random, true, std::vector<int64_t>(random.Pick<int64_t>({1, 3, 4, 500}), 1),
                      "", "lengths");
    case 1:
      return WithMask(random, true, {1, random.Pick<int64_t>({0, -1, 3, any})}, "", "lengths");
    case 2:
      return WithMask(random, false, {1, 1}, "", "lengths");
    default:
      return WithMask(random, random.Below(2) == 0, {},
                      random.Bytes(random.Pick<int64_t>({2, 3, 8, 1000})), "row_mask");
  }
}

// Of 32 bytes of data.
inline Case WrongResidual(Random& random) {
  const std::string residual = random.Bytes(random.Pick<int64_t>({1, 4, 16, 31, 33, 64, 1000}));
  if (random.Below(3) == 0) {
    v1::NormalizeRequest request = NormalizeBy(RichSpec("layer_norm"));
    *request.mutable_residual() = request.input();
    request.mutable_residual()->set_data(residual);
    return Unary(kNormalize, request, InvalidField("residual"));
  }
  const std::string method = EitherStream(random);
  v1::Chunk chunk = ChunkOf(1);
  chunk.set_residual(residual);
  return {method, true, {GoodOpen(method), ChunkMessage(chunk)}, InvalidInPlace("chunk.residual")};
}

// Bits of elements, little-endian, of one type.
struct SpecialElements {
  v1::ElementType type;
  int size;
  std::vector<uint64_t> not_finite;  // NaN, quiet and signalling, infinities
  std::vector<uint64_t> denormal;
};

inline const std::vector<SpecialElements>& Specials() {
  static const std::vector<SpecialElements> specials = {
      {v1::ELEMENT_TYPE_FLOAT32,
       4,
       {0x7FC00000, 0x7F800001, 0xFFFFFFFF, 0x7F800000, 0xFF800000},
       {1, 0x80000001, 0x007FFFFF}},
      // The last two are 2^480 and the largest number: finite, but their squares may not be.
      {v1::ELEMENT_TYPE_FLOAT64,
       8,
       {0x7FF8000000000000, 0x7FF0000000000001, 0xFFFFFFFFFFFFFFFF, 0x7FF0000000000000,
        0xFFF0000000000000, 0x5DF0000000000000, 0x7FEFFFFFFFFFFFFF},
       {1, 0x8000000000000001, 0x000FFFFFFFFFFFFF}},
      {v1::ELEMENT_TYPE_FLOAT16, 2, {0x7E00, 0x7C01, 0xFFFF, 0x7C00, 0xFC00}, {1, 0x8001, 0x03FF}},
      {v1::ELEMENT_TYPE_BFLOAT16, 2, {0x7FC0, 0x7F81, 0xFFFF, 0x7F80, 0xFF80}, {1, 0x8001, 0x007F}},
  };
  return specials;
}

// Four rows of which one holds values that are no numbers, or denormal ones. REJECT refuses the
// former; PROPAGATE lets them through, and denormal numbers are numbers: those calls succeed.
inline Case SpecialValues(Random& random) {
  const SpecialElements& elements = random.Pick(Specials());
  const std::string method = random.Pick(AllMethods());
  v1::NormalizationSpec spec = RichSpec(method);
  const bool finite = random.Below(4) == 0;
  const bool propagate = random.Below(4) == 0;
  if (propagate) spec.set_non_finite(v1::NON_FINITE_POLICY_PROPAGATE);
  std::string data(4 * kChannels * elements.size, '\0');
  const int64_t row = random.Below(4);
  const int64_t count = random.Between(1, kChannels);
  for (int64_t i = 0; i < count; ++i) {
    const uint64_t bits = random.Pick(finite ? elements.denormal : elements.not_finite);
    data.replace((row * kChannels + i) * elements.size, elements.size,
                 reinterpret_cast<const char*>(&bits), elements.size);
  }
  const std::string call = random.Pick<std::string>({kNormalize, kNormalizeStream, kCompare});
  const bool good = finite || propagate;
  const Expected fine = {{grpc::OK}, "", "", false};
  if (call == kNormalize) {
    v1::NormalizeRequest request = NormalizeBy(spec);
    request.mutable_input()->set_element_type(elements.type);
    request.mutable_input()->set_shape(0, 4);
    request.mutable_input()->set_data(data);
    return Unary(call, request, good ? fine : InvalidField("input.data"));
  }
  const auto typed = [&](auto open) {
    open.mutable_open()->set_element_type(elements.type);
    return open.SerializeAsString();
  };
  v1::Chunk chunk;
  chunk.set_sequence_number(1);
  chunk.set_data(data);
  return {
      call,
      true,
      {call == kCompare ? typed(CompareOpenBy(spec)) : typed(OpenBy(spec)), ChunkMessage(chunk)},
      good ? fine : InvalidInPlace("chunk.data")};
}

// What contradicts itself, or the session that is named.
inline Case WrongCombination(Random& random) {
  v1::NormalizeRequest request = NormalizeBy(RichSpec("batch_norm"));
  v1::NormalizeStreamRequest open = OpenBy(RichSpec("batch_norm"));
  const auto stream = [&](Expected expected, std::vector<v1::Chunk> chunks = {}) {
    Case result{kNormalizeStream, true, {open.SerializeAsString()}, std::move(expected)};
    for (const v1::Chunk& chunk : chunks) result.messages.push_back(ChunkMessage(chunk));
    return result;
  };
  v1::Chunk one_row = ChunkOf(1);
  one_row.set_data(RowData(1));
  const Expected frozen = {{grpc::FAILED_PRECONDITION}, "FROZEN", ""};
  const Expected channels = {{grpc::FAILED_PRECONDITION}, "CHANNEL_COUNT", ""};
  const auto in_place = [](Expected expected) {
    expected.in_place = true;
    return expected;
  };
  switch (random.Below(18)) {
    case 0:
      request.set_mode(v1::BATCH_NORM_MODE_INFERENCE);
      return Unary(kNormalize, request, InvalidField("mode"));
    case 1:
      request.set_mode(v1::BATCH_NORM_MODE_STREAMING);  // batch_ema
      return Unary(kNormalize, request, InvalidField("mode"));
    case 2:
      request.set_direction(v1::DIRECTION_INVERSE);  // of TRAINING
      return Unary(kNormalize, request, InvalidField("direction"));
    case 3:
      *request.mutable_spec() = RichSpec("layer_norm");
      request.set_direction(v1::DIRECTION_INVERSE);
      return Unary(kNormalize, request, InvalidField("direction"));
    case 4:
      request.clear_target();
      return Unary(kNormalize, request, InvalidField("target"));
    case 5:
      request.mutable_input()->set_shape(0, 1);
      request.mutable_input()->set_data(RowData(1));
      return Unary(kNormalize, request,
                   {{grpc::INVALID_ARGUMENT}, "NEEDS_MORE_ROWS", "input.data"});
    case 6:
      request.set_session(kKept);
      request.mutable_input()->set_shape(1, 2);
      return Unary(kNormalize, request, channels);
    case 7:
      request.set_session(kKept);
      *request.mutable_statistics() = Statistics(false);
      return Unary(kNormalize, request, InvalidField("statistics"));
    case 8:
      *request.mutable_spec() = RichSpec("rms_norm");
      *request.mutable_statistics() = Statistics(false);
      return Unary(kNormalize, request, InvalidField("statistics"));
    case 9:
      request.set_session(kFrozen);
      request.set_mode(v1::BATCH_NORM_MODE_TRAINING);
      return Unary(kNormalize, request, frozen);
    case 10:
      open.mutable_open()->set_mode(random.Below(2) == 0 ? v1::BATCH_NORM_MODE_INFERENCE
                                                         : v1::BATCH_NORM_MODE_STREAMING);
      return stream(InvalidField("open.mode"));
    case 11:
      open.mutable_open()->clear_target();
      return stream(InvalidField("open.target"));
    case 12:
      open.mutable_open()->set_direction(v1::DIRECTION_INVERSE);
      return stream(InvalidField("open.direction"));
    case 13:
      open.mutable_open()->set_session(kKept);
      open.mutable_open()->set_row_shape(0, random.Pick<int64_t>({1, 3, 5, 1 << 20}));
      return stream(channels);
    case 14:
      return stream(in_place({{grpc::INVALID_ARGUMENT}, "NEEDS_MORE_ROWS", "chunk.data"}),
                    {one_row});
    case 15:
      open.mutable_open()->set_session(kFrozen);
      open.mutable_open()->set_mode(random.Below(2) == 0 ? v1::BATCH_NORM_MODE_TRAINING
                                                         : v1::BATCH_NORM_MODE_STREAMING);
      return stream(in_place(frozen), {ChunkOf(1)});
    case 16: {
      v1::CompareRequest compare = CompareOpenBy(RichSpec("layer_norm"));
      for (int64_t i = random.Between(16, 400); i > 0; --i) {
        *compare.mutable_open()->add_specs() = RichSpec("layer_norm");
      }
      return {kCompare, true, {compare.SerializeAsString()}, InvalidField("open.specs")};
    }
    default: {
      // Statistics of more channels than one comparison may keep.
      v1::CompareRequest compare;
      compare.mutable_open()->add_row_shape((131'072 + 2) / 2);
      compare.mutable_open()->add_specs()->mutable_batch_norm();
      compare.mutable_open()->add_specs()->mutable_min_max();
      return {kCompare, true, {compare.SerializeAsString()}, InvalidField("open.specs")};
    }
  }
}

}  // namespace normd::malformed

#endif  // NORMD_TESTS_E2E_MALFORMED_STREAM_FAMILIES_H_
