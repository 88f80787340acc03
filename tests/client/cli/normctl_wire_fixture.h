// normctl beside a server that keeps what it is sent and answers with what it was given.
#ifndef NORMD_TESTS_CLIENT_CLI_NORMCTL_WIRE_FIXTURE_H_
#define NORMD_TESTS_CLIENT_CLI_NORMCTL_WIRE_FIXTURE_H_

#include <gtest/gtest.h>

#include <cstdint>
#include <string>
#include <vector>

#include "tests/client/cli/npy_files.h"
#include "tests/testing/normctl_fixture.h"
#include "tests/testing/recording_server.h"

namespace normd::cli {

class NormctlWireTest : public testing::NormctlFixture<testing::RecordingServer> {
 protected:
  // As from a shell, with "normctl" for the binary and this server.
  testing::CommandResult Shell(const std::string& command) const {
    return testing::RunCommand({"/bin/bash", "-c",
                                "set -o pipefail; normctl() { " NORMCTL_BINARY " --server " +
                                    server_.address() + " \"$@\"; }; cd " + folder_ / "" + "; " +
                                    command});
  }

  // A .npy file of that type and shape, filled with some bytes; its path.
  std::string Write(const std::string& name, v1::ElementType type,
                    const std::vector<int64_t>& shape) const {
    v1::Tensor tensor;
    tensor.set_element_type(type);
    tensor.mutable_shape()->Assign(shape.begin(), shape.end());
    const int64_t bytes = SizeOf(shape, 8) * client::BytesOf(type);
    for (int64_t i = 0; i < bytes; ++i) *tensor.mutable_data() += static_cast<char>(i * 37);
    EXPECT_TRUE(WriteTensor(folder_ / name, tensor, false).ok());
    return folder_ / name;
  }
};

}  // namespace normd::cli

#endif  // NORMD_TESTS_CLIENT_CLI_NORMCTL_WIRE_FIXTURE_H_
