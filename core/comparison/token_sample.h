// A sample of a stream's tokens that any order can be made of.
#ifndef NORMD_CORE_COMPARISON_TOKEN_SAMPLE_H_
#define NORMD_CORE_COMPARISON_TOKEN_SAMPLE_H_

#include <algorithm>
#include <cstdint>
#include <map>
#include <optional>
#include <utility>
#include <vector>

#include "absl/functional/function_ref.h"
#include "core/comparison/batch_order.h"
#include "core/comparison/seeded_random.h"
#include "core/comparison/single_tokens.h"
#include "core/comparison/token_buffer.h"
#include "core/comparison/tokens.h"

namespace normd {

// Neighboring tokens of one sequence. Owns them.
struct SampleUnit {
  int64_t first_token = 0;          // its number in the stream
  std::optional<int64_t> sequence;  // none: the stream has no sequences
  int64_t first_position = 0;       // within the sequence
  std::vector<int64_t> chunk_ends;  // tokens of the unit before each end of a chunk within it
  TokenBuffer tokens;
};

// At least one unit is kept. Units are whole sequences, up to 4096 tokens of one, or runs of 256
// tokens where there are no sequences; of wide tokens fewer, of 1 MiB or a sixteenth of the room.
// Each gets a random number, and those of the smallest numbers are kept, as many as there is room
// for: each is as likely, wherever in the stream it comes (bottom-k sampling, Cohen and Kaplan
// 2007). There is room for `max_bytes` of tokens and MostBytesBeside that for what holds them: of
// sequences of a few values each, fewer are kept. A value.
class TokenSample {
 public:
  static constexpr int64_t MostBytesBeside(int64_t max_bytes) {
    return std::max<int64_t>(max_bytes / 4, 1 << 20);
  }

  TokenSample(uint64_t seed, int64_t max_bytes) : random_(seed), max_bytes_(max_bytes) {}

  // The next tokens, all of one sequence if of any. A sequence comes in one piece after the other.
  void Add(Tokens tokens, std::optional<int64_t> sequence);
  // The last tokens that came ended a chunk.
  void EndChunk();
  // There will be no more.
  void Finish();

  // All that follows is for a finished sample.

  int64_t tokens() const;
  // Whether it is all of the stream.
  bool is_complete() const { return !evicted_; }
  bool has_sequences() const { return has_sequences_; }
  // body(position, token) for all tokens, position after position, each in the order of arrival.
  void ForEachAt(absl::FunctionRef<void(int64_t, const Tokens&)> body) const;

  // All of them in the order of arrival, one by one.
  SingleTokens Singles() const;

  // The order by positions will be without these, in ascending order.
  void LeaveOut(std::vector<int64_t> positions) { left_out_ = std::move(positions); }

  // Calls `add` with all tokens in the order of arrival, piece by piece, and `end_group` after each
  // chunk, or, where it is not complete, at the end.
  void ForEachInOrder(absl::FunctionRef<void(const Tokens&)> add,
                      absl::FunctionRef<void()> end_group) const;
  // The same in any order: `end_group` is called after each sequence or position, or at the end.
  void ForEach(BatchOrder order, uint64_t seed, absl::FunctionRef<void(const Tokens&)> add,
               absl::FunctionRef<void()> end_group) const;

 private:
  static constexpr int64_t kRun = 256;
  static constexpr int64_t kLongestUnit = 4096;
  // A unit takes more than this part of the room only where it is small, in bytes.
  static constexpr int64_t kFewestUnits = 16;
  static constexpr int64_t kWideUnit = 1 << 20;

  int64_t LongestUnit(const Tokens& tokens, bool of_sequence) const;
  void BeginUnit(std::optional<int64_t> sequence);
  void Close();
  std::vector<const SampleUnit*> InOrder() const;

  SeededRandom random_;
  int64_t max_bytes_;
  int64_t bytes_ = 0;         // of tokens
  int64_t beside_bytes_ = 0;  // of the units themselves
  bool evicted_ = false;
  bool has_sequences_ = false;
  uint64_t least_evicted_ = 0;            // once one is
  std::map<uint64_t, SampleUnit> units_;  // by their random numbers

  std::vector<int64_t> left_out_;  // positions, ascending

  std::optional<SampleUnit> open_;  // what comes belongs to it
  uint64_t open_number_ = 0;
  int64_t open_tokens_ = 0;  // kept or not
  bool keeps_open_ = false;
  int64_t seen_ = 0;
};

}  // namespace normd

#endif  // NORMD_CORE_COMPARISON_TOKEN_SAMPLE_H_
