// .npy files for tests.
#ifndef NORMD_TESTS_CLIENT_CLI_NPY_FILES_H_
#define NORMD_TESTS_CLIENT_CLI_NPY_FILES_H_

#include <gtest/gtest.h>

#include <string>
#include <vector>

#include "client/cli/npy.h"
#include "client/cli/output_file.h"
#include "client/cli/tensor_file.h"
#include "client/cpp/tensor.h"
#include "tests/testing/temporary_folder.h"

namespace normd::cli {

inline absl::Status WriteTensor(const std::string& path, const v1::Tensor& tensor, bool raw) {
  absl::StatusOr<OutputFile> file = OutputFile::Open(path);
  return file.ok() ? WriteTensor(*file, tensor, raw) : file.status();
}

inline std::string WriteFloats(const testing::TemporaryFolder& folder, const std::string& name,
                               const std::vector<int64_t>& shape,
                               const std::vector<float>& values) {
  EXPECT_TRUE(WriteTensor(folder / name, client::ToTensor(shape, values), false).ok());
  return folder / name;
}

inline std::string WriteIntegers(const testing::TemporaryFolder& folder, const std::string& name,
                                 const std::vector<int64_t>& values) {
  const std::vector<int64_t> shape = {static_cast<int64_t>(values.size())};
  return folder.Write(
      name, NpyHeader("<i8", shape) + std::string(reinterpret_cast<const char*>(values.data()),
                                                  values.size() * sizeof(int64_t)));
}

inline std::string WriteBooleans(const testing::TemporaryFolder& folder, const std::string& name,
                                 const std::vector<bool>& values) {
  const std::vector<int64_t> shape = {static_cast<int64_t>(values.size())};
  return folder.Write(name, NpyHeader("|b1", shape) + std::string(values.begin(), values.end()));
}

inline v1::Tensor ReadOrFail(const std::string& path, const TensorFormat& format = {}) {
  const auto tensor = ReadTensor(path, format);
  EXPECT_TRUE(tensor.ok()) << tensor.status();
  return tensor.ok() ? *tensor : v1::Tensor();
}

inline std::vector<float> FloatsOf(const v1::Tensor& tensor) {
  return client::ToFloat32(tensor.element_type(), tensor.data());
}

}  // namespace normd::cli

#endif  // NORMD_TESTS_CLIENT_CLI_NPY_FILES_H_
