// A file descriptor that is closed with its owner.
#ifndef NORMD_CLIENT_CLI_DESCRIPTOR_H_
#define NORMD_CLIENT_CLI_DESCRIPTOR_H_

#include <unistd.h>

#include <utility>

namespace normd::cli {

class Descriptor {
 public:
  Descriptor() = default;
  explicit Descriptor(int number) : number_(number) {}
  ~Descriptor() {
    if (number_ > STDERR_FILENO) close(number_);  // the standard ones are the process's
  }
  Descriptor(Descriptor&& other) noexcept : number_(std::exchange(other.number_, -1)) {}
  Descriptor& operator=(Descriptor&& other) noexcept {
    std::swap(number_, other.number_);
    return *this;
  }

  // Negative: none.
  int number() const { return number_; }

 private:
  int number_ = -1;
};

}  // namespace normd::cli

#endif  // NORMD_CLIENT_CLI_DESCRIPTOR_H_
