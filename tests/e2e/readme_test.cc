// What README says of the methods is what the table says.
#include <gtest/gtest.h>

#include <fstream>
#include <iterator>
#include <string>

#include "absl/strings/str_cat.h"
#include "core/method/method.h"

namespace normd {
namespace {

TEST(ReadmeTest, ListsEveryMethodAsTheTableDoes) {
  std::ifstream in(NORMD_README);
  const std::string readme((std::istreambuf_iterator<char>(in)), std::istreambuf_iterator<char>());
  const auto yes_no = [](bool value) { return value ? "yes" : "no"; };
  for (const MethodTraits& method : Methods()) {
    const std::string row = absl::StrCat(
        "| ", std::string(method.title), " `", std::string(method.name), "` | ",
        std::string(method.shared_over_words), " | ", std::string(method.fixes), " | ",
        yes_no(method.depends_on_batch), " | ", yes_no(method.keeps_running_statistics), " | ",
        yes_no(method.same_in_training_and_inference), " | ", std::string(method.typical_use),
        " |\n");
    EXPECT_NE(readme.find(row), std::string::npos) << row;
  }
}

}  // namespace
}  // namespace normd
