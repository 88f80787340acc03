// What README says of the methods is what the table says.
#include <gmock/gmock.h>
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
    EXPECT_THAT(
        readme,
        ::testing::HasSubstr(absl::StrCat(
            "| ", std::string(method.title), " | ", std::string(method.shared_over_words), " | ",
            yes_no(method.depends_on_batch), " | ", yes_no(method.keeps_running_statistics), " | ",
            yes_no(method.same_in_training_and_inference), " | ", std::string(method.typical_use),
            " |\n")));
  }
}

}  // namespace
}  // namespace normd
