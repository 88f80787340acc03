#!/usr/bin/env bash
# The kernels on NEON: builds them and their tests for aarch64 and runs the tests under QEMU. These
# compare NEON with the portable kernels and, in golden_bits_test.cc, both with x86.
# Usage: tests/neon.sh [FLAGS of GoogleTest]
set -euo pipefail

cd "$(dirname "${BASH_SOURCE[0]}")/.."
deploy/install-packages.sh build neon
out=build/neon
mkdir -p "$out"

# Headers are the same for every processor, and the only target compiled in is called without Highway's
# library. GoogleTest, which is not, comes as source. Highway compiles NEON with "crypto"; the
# constructors that the compiler writes are then of another target, unless all is compiled with it.
sources=(core/kernels/*.cc tests/core/kernels/*_test.cc
  /usr/src/googletest/googletest/src/gtest-all.cc /usr/src/googletest/googlemock/src/gmock-all.cc
  /usr/src/googletest/googlemock/src/gmock_main.cc)
flags=(-std=c++20 -march=armv8-a+crypto -ffp-contract=off -DNDEBUG
  -Wall -Wextra -Wno-missing-field-initializers
  -I. -isystem /usr/src/googletest/googletest -isystem /usr/src/googletest/googlemock
  "-D$(grep -o 'HWY_DISABLED_TARGETS=[^"]*' core/kernels/CMakeLists.txt)")

# compile SOURCE FOLDER FLAGS...
compile() {
  local source=$1 level=-O1
  [[ $source != core/* ]] || level=-O3
  ${CMAKE_CXX_COMPILER_LAUNCHER:-} aarch64-linux-gnu-g++ "${@:3}" "$level" ${CXXFLAGS:-} \
    -c "$source" -o "$2/$(basename "$source" .cc).o"
}
export -f compile
rm -f "$out"/*.o
printf '%s\0' "${sources[@]}" |
  xargs -0 -P "$(nproc)" -I SOURCE bash -euc 'compile "$@"' compile SOURCE "$out" "${flags[@]}"
aarch64-linux-gnu-g++ "$out"/*.o -o "$out/kernels_test"
qemu-aarch64 -L /usr/aarch64-linux-gnu "$out/kernels_test" --gtest_brief=1 "$@"
