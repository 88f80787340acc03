#include "core/comparison/token_sample.h"

#include <algorithm>
#include <iterator>
#include <map>
#include <numeric>
#include <utility>

namespace normd {
namespace {

// Of memory, beside its tokens: its node, and three blocks on the heap with what the allocator
// adds.
int64_t BytesBesideTokens(const SampleUnit& unit) {
  constexpr int64_t kOfAllocator = 112;
  return kOfAllocator + static_cast<int64_t>(sizeof(uint64_t) + sizeof(SampleUnit) +
                                             unit.chunk_ends.capacity() * sizeof(int64_t));
}

}  // namespace

void TokenSample::BeginUnit(std::optional<int64_t> sequence) {
  int64_t position = 0;
  if (open_ && open_->sequence == sequence) position = open_->first_position + open_tokens_;
  Close();
  open_.emplace();
  open_->first_token = seen_;
  open_->sequence = sequence;
  open_->first_position = position;
  open_number_ = random_.Next();
  keeps_open_ = !evicted_ || open_number_ < least_evicted_;
  open_tokens_ = 0;
}

void TokenSample::Close() {
  if (!open_ || !keeps_open_ || open_->tokens.count() == 0) return;
  open_->tokens.ShrinkToFit();
  open_->chunk_ends.shrink_to_fit();
  bytes_ += open_->tokens.bytes();
  beside_bytes_ += BytesBesideTokens(*open_);
  units_.emplace(open_number_, *std::move(open_));
  const int64_t most_beside = MostBytesBeside(max_bytes_);
  while ((bytes_ > max_bytes_ || beside_bytes_ > most_beside) && units_.size() > 1) {
    const auto last = std::prev(units_.end());
    bytes_ -= last->second.tokens.bytes();
    beside_bytes_ -= BytesBesideTokens(last->second);
    least_evicted_ = last->first;
    evicted_ = true;
    units_.erase(last);
  }
}

int64_t TokenSample::LongestUnit(const Tokens& tokens, bool of_sequence) const {
  const int64_t token_bytes = std::max<int64_t>(1, tokens.channels * SizeOf(tokens.data.type));
  return std::clamp<int64_t>(std::max(max_bytes_ / kFewestUnits, kWideUnit) / token_bytes, 1,
                             of_sequence ? kLongestUnit : kRun);
}

void TokenSample::Add(Tokens tokens, std::optional<int64_t> sequence) {
  if (sequence) has_sequences_ = true;
  const int64_t longest = LongestUnit(tokens, sequence.has_value());
  while (tokens.count > 0) {
    if (!open_ || open_->sequence != sequence || open_tokens_ >= longest) {
      BeginUnit(sequence);
    }
    const int64_t size = std::min(tokens.count, longest - open_tokens_);
    if (keeps_open_) open_->tokens.Add(tokens.Slice(0, size));
    open_tokens_ += size;
    seen_ += size;
    tokens = tokens.Slice(size, tokens.count - size);
  }
}

void TokenSample::EndChunk() {
  if (!open_ || !keeps_open_) return;
  std::vector<int64_t>& ends = open_->chunk_ends;
  const int64_t count = open_->tokens.count();
  if (ends.empty() || ends.back() != count) ends.push_back(count);
}

void TokenSample::Finish() {
  Close();
  open_.reset();
}

int64_t TokenSample::tokens() const {
  return std::accumulate(
      units_.begin(), units_.end(), int64_t{0},
      [](int64_t sum, const auto& unit) { return sum + unit.second.tokens.count(); });
}

void TokenSample::ForEachAt(absl::FunctionRef<void(int64_t, const Tokens&)> body) const {
  std::vector<const SampleUnit*> units = InOrder();
  std::stable_sort(units.begin(), units.end(), [](const SampleUnit* a, const SampleUnit* b) {
    return a->first_position < b->first_position;
  });
  std::map<int64_t, const SampleUnit*> at_position;  // by their first tokens
  size_t next = 0;
  for (int64_t position = 0; next < units.size() || !at_position.empty(); ++position) {
    if (at_position.empty()) position = units[next]->first_position;
    for (; next < units.size() && units[next]->first_position == position; ++next) {
      at_position.emplace(units[next]->first_token, units[next]);
    }
    for (auto unit = at_position.begin(); unit != at_position.end();) {
      const int64_t i = position - unit->second->first_position;
      body(position, unit->second->tokens.Get().Slice(i, 1));
      unit = i + 1 == unit->second->tokens.count() ? at_position.erase(unit) : std::next(unit);
    }
  }
}

std::vector<const SampleUnit*> TokenSample::InOrder() const {
  std::vector<const SampleUnit*> units;
  for (const auto& [number, unit] : units_) units.push_back(&unit);
  std::sort(units.begin(), units.end(), [](const SampleUnit* a, const SampleUnit* b) {
    return a->first_token < b->first_token;
  });
  return units;
}

SingleTokens TokenSample::Singles() const {
  SingleTokens singles;
  singles.Reserve(tokens());
  for (const SampleUnit* unit : InOrder()) singles.Add(unit->tokens.Get());
  return singles;
}

void TokenSample::ForEachInOrder(absl::FunctionRef<void(const Tokens&)> add,
                                 absl::FunctionRef<void()> end_group) const {
  for (const SampleUnit* unit : InOrder()) {
    const Tokens tokens = unit->tokens.Get();
    int64_t begin = 0;
    for (const int64_t end : unit->chunk_ends) {
      if (end > begin) add(tokens.Slice(begin, end - begin));
      if (is_complete()) end_group();
      begin = end;
    }
    if (tokens.count > begin) add(tokens.Slice(begin, tokens.count - begin));
  }
  if (!is_complete()) end_group();
}

void TokenSample::ForEach(BatchOrder order, uint64_t seed,
                          absl::FunctionRef<void(const Tokens&)> add,
                          absl::FunctionRef<void()> end_group) const {
  const std::vector<const SampleUnit*> units = InOrder();
  switch (order) {
    case BatchOrder::kArrival:
      return ForEachInOrder(add, end_group);
    case BatchOrder::kShuffled: {
      SingleTokens tokens = Singles();
      SeededRandom random(seed);
      tokens.ShuffleBy(random);
      for (size_t i = 0; i < tokens.size(); ++i) add(tokens[i]);
      end_group();
      return;
    }
    case BatchOrder::kBySequence:
      for (size_t i = 0; i < units.size(); ++i) {
        add(units[i]->tokens.Get());
        if (i + 1 == units.size() || units[i + 1]->sequence != units[i]->sequence) end_group();
      }
      return;
    case BatchOrder::kByPosition: {
      std::optional<int64_t> open;
      ForEachAt([&](int64_t position, const Tokens& token) {
        if (std::binary_search(left_out_.begin(), left_out_.end(), position)) return;
        if (open && *open != position) end_group();
        open = position;
        add(token);
      });
      if (open) end_group();
      return;
    }
  }
}

}  // namespace normd
