// Event loops of a server that has no services.
#ifndef NORMD_TESTS_TESTING_LOOP_FIXTURE_H_
#define NORMD_TESTS_TESTING_LOOP_FIXTURE_H_

#include <memory>
#include <vector>

#include "grpcpp/server.h"
#include "grpcpp/server_builder.h"
#include "server/async/event_loop.h"

namespace normd::testing {

class Loops {
 public:
  explicit Loops(int count) {
    grpc::ServerBuilder builder;
    for (int i = 0; i < count; ++i) {
      loops_.push_back(std::make_unique<server::EventLoop>(builder.AddCompletionQueue()));
    }
    server_ = builder.BuildAndStart();
    for (const auto& loop : loops_) loop->Start();
  }

  ~Loops() { Shutdown(); }

  server::EventLoop& operator[](int i) { return *loops_[i]; }
  const std::vector<std::unique_ptr<server::EventLoop>>& all() const { return loops_; }

  // In the order that EventLoop asks for.
  void Shutdown() {
    server_->Shutdown();
    for (const auto& loop : loops_) loop->Shutdown();
  }

 private:
  std::vector<std::unique_ptr<server::EventLoop>> loops_;
  std::unique_ptr<grpc::Server> server_;
};

}  // namespace normd::testing

#endif  // NORMD_TESTS_TESTING_LOOP_FIXTURE_H_
