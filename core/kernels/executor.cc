#include "core/kernels/executor.h"

namespace normd {
namespace {

class Serial final : public Executor {
 public:
  int width() const override { return 1; }

  void Run(int64_t count, absl::FunctionRef<void(int64_t)> task) override {
    for (int64_t i = 0; i < count; ++i) task(i);
  }
};

}  // namespace

Executor& SerialExecutor() {
  static Executor* const kSerial = new Serial;  // outlives whatever else is static
  return *kSerial;
}

}  // namespace normd
