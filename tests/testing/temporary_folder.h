// A folder of a test's own, gone with it.
#ifndef NORMD_TESTS_TESTING_TEMPORARY_FOLDER_H_
#define NORMD_TESTS_TESTING_TEMPORARY_FOLDER_H_

#include <cstdlib>
#include <filesystem>
#include <fstream>
#include <iterator>
#include <string>

namespace normd::testing {

class TemporaryFolder {
 public:
  TemporaryFolder() = default;
  ~TemporaryFolder() { std::filesystem::remove_all(path_); }
  TemporaryFolder(const TemporaryFolder&) = delete;
  TemporaryFolder& operator=(const TemporaryFolder&) = delete;

  std::string operator/(const std::string& name) const { return path_ + "/" + name; }

  // Makes a file; its path.
  std::string Write(const std::string& name, const std::string& bytes) const {
    std::ofstream(*this / name, std::ios::binary) << bytes;
    return *this / name;
  }

  std::string Read(const std::string& name) const {
    std::ifstream in(*this / name, std::ios::binary);
    return std::string((std::istreambuf_iterator<char>(in)), std::istreambuf_iterator<char>());
  }

 private:
  std::string path_ = [] {
    char pattern[] = "/tmp/normd-folder-XXXXXX";
    return std::string(mkdtemp(pattern));
  }();
};

}  // namespace normd::testing

#endif  // NORMD_TESTS_TESTING_TEMPORARY_FOLDER_H_
