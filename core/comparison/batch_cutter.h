// Cuts tokens that come in pieces into batches.
#ifndef NORMD_CORE_COMPARISON_BATCH_CUTTER_H_
#define NORMD_CORE_COMPARISON_BATCH_CUTTER_H_

#include <algorithm>
#include <cstdint>

#include "absl/functional/function_ref.h"
#include "core/comparison/token_buffer.h"
#include "core/comparison/tokens.h"

namespace normd {

// A batch is contiguous: its statistics do not depend on the pieces. A value.
class BatchCutter {
 public:
  using Body = absl::FunctionRef<void(const Tokens&)>;

  // `size` tokens a batch; 0: as many as a group has.
  explicit BatchCutter(int64_t size) : size_(size), kept_(size) {}

  // Calls `body` with each batch that `tokens` complete.
  void Add(Tokens tokens, Body body);

  // What comes next belongs to another group: what fills no batch is left out, or with size 0 is
  // one.
  void EndGroup(Body body);

 private:
  void Flush(Body body);

  int64_t size_;
  TokenBuffer kept_;
};

}  // namespace normd

#endif  // NORMD_CORE_COMPARISON_BATCH_CUTTER_H_
