// A race on purpose: two loops write one variable without a lock. ThreadSanitizer must report it.
#include <cstdio>

#include "tests/testing/loop_fixture.h"

int main() {
  int shared = 0;
  {
    normd::testing::Loops loops(2);
    for (int i = 0; i < 1000; ++i) {
      loops[0].Post([&] { ++shared; });
      loops[1].Post([&] { ++shared; });
    }
  }
  std::printf("%d\n", shared);
  return 0;
}
