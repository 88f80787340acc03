#include "core/comparison/batch_cutter.h"

namespace normd {

void BatchCutter::Add(Tokens tokens, Body body) {
  if (size_ == 0) return Keep(tokens);
  if (kept_.count > 0) {
    const int64_t missing = std::min(size_ - kept_.count, tokens.count);
    Keep(tokens.Slice(0, missing));
    tokens = tokens.Slice(missing, tokens.count - missing);
    if (kept_.count == size_) Flush(body);
  }
  for (; tokens.count >= size_; tokens = tokens.Slice(size_, tokens.count - size_)) {
    body(tokens.Slice(0, size_));
  }
  Keep(tokens);
}

void BatchCutter::EndGroup(Body body) {
  if (size_ == 0 && kept_.count > 0) Flush(body);
  kept_.count = 0;
  buffer_.clear();
}

void BatchCutter::Keep(const Tokens& tokens) {
  if (tokens.count == 0) return;
  const char* const begin = tokens.data.As<char>();
  buffer_.insert(buffer_.end(), begin, begin + tokens.bytes());
  kept_ = {{tokens.data.type, nullptr}, kept_.count + tokens.count, tokens.channels};
}

void BatchCutter::Flush(Body body) {
  body({{kept_.data.type, buffer_.data()}, kept_.count, kept_.channels});
  kept_.count = 0;
  buffer_.clear();
}

}  // namespace normd
