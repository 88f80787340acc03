#include "core/comparison/batch_cutter.h"

namespace normd {

void BatchCutter::Add(Tokens tokens, Body body) {
  if (size_ == 0) return kept_.Add(tokens);
  if (kept_.count() > 0) {
    const int64_t missing = std::min(size_ - kept_.count(), tokens.count);
    kept_.Add(tokens.Slice(0, missing));
    tokens = tokens.Slice(missing, tokens.count - missing);
    if (kept_.count() == size_) Flush(body);
  }
  for (; tokens.count >= size_; tokens = tokens.Slice(size_, tokens.count - size_)) {
    body(tokens.Slice(0, size_));
  }
  kept_.Add(tokens);
}

void BatchCutter::EndGroup(Body body) {
  if (size_ == 0 && kept_.count() > 0) Flush(body);
  kept_.Clear();
}

void BatchCutter::Flush(Body body) {
  body(kept_.Get());
  kept_.Clear();
}

}  // namespace normd
