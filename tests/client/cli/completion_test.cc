// normctl's completion, as bash and zsh run it.
#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include <filesystem>
#include <string>
#include <vector>

#include "absl/strings/str_join.h"
#include "absl/strings/str_split.h"
#include "tests/testing/run_command.h"

namespace normd::cli {
namespace {

using ::testing::AllOf;
using ::testing::Contains;
using ::testing::ElementsAre;
using ::testing::IsEmpty;
using ::testing::IsSupersetOf;
using ::testing::Not;
using ::testing::UnorderedElementsAre;

// What bash offers for the last of the words.
std::vector<std::string> Complete(const std::vector<std::string>& words) {
  const auto quoted = [](std::string* out, const std::string& word) { *out += "'" + word + "'"; };
  const auto result =
      testing::RunCommand({"/bin/bash", "-uc",
                           "eval \"$(" NORMCTL_BINARY " completion bash)\"; COMP_WORDS=(normctl " +
                               absl::StrJoin(words, " ", quoted) +
                               "); COMP_CWORD=$((${#COMP_WORDS[@]} - 1)); _normctl; printf '%s\\n' "
                               "\"${COMPREPLY[@]}\""});
  EXPECT_EQ(result.exit_code, 0) << result.error;
  EXPECT_EQ(result.error, "");
  return absl::StrSplit(result.out, '\n', absl::SkipEmpty());
}

TEST(CompletionTest, OfCommands) {
  EXPECT_THAT(Complete({"se"}), ElementsAre("session"));
  EXPECT_THAT(Complete({"session", "cr"}), ElementsAre("create"));
  EXPECT_THAT(Complete({"--json", "session", "cr"}), ElementsAre("create"));
  EXPECT_THAT(Complete({""}), IsSupersetOf({"stream", "normalize", "compare", "completion"}));
  EXPECT_THAT(Complete({"completion", ""}), Contains("bash"));
}

TEST(CompletionTest, OfFlagsTheProgramsOwnAmongThem) {
  EXPECT_THAT(Complete({"stream", "--mo"}), UnorderedElementsAre("--mode", "--momentum"));
  EXPECT_THAT(Complete({"session", "create", "--cha"}),
              UnorderedElementsAre("--channels", "--channel-axis"));
  EXPECT_THAT(Complete({"stream", "--se"}), UnorderedElementsAre("--session", "--server"));
  EXPECT_THAT(Complete({"stream", "x.npy", "--no-c"}), ElementsAre("--no-center"));
  EXPECT_THAT(Complete({"session", "--mo"}), IsEmpty());
  EXPECT_THAT(Complete({"session", "get", "--tls-c"}),
              UnorderedElementsAre("--tls-ca", "--tls-cert"));
}

TEST(CompletionTest, OfValuesThatHaveNames) {
  EXPECT_THAT(Complete({"stream", "--mode", ""}),
              UnorderedElementsAre("training", "inference", "streaming"));
  EXPECT_THAT(Complete({"stream", "--mode", "tr"}), ElementsAre("training"));
  EXPECT_THAT(Complete({"compare", "--method", "row_"}),
              UnorderedElementsAre("row_min_max", "row_standardization"));
  EXPECT_THAT(Complete({"stream", "--json", "--mode", "tr"}), ElementsAre("training"));
}

// Then `complete -o default` offers files.
TEST(CompletionTest, OfFilesNothing) {
  EXPECT_THAT(Complete({"stream", "-o", ""}), IsEmpty());
  EXPECT_THAT(Complete({"stream", "--output", "x"}), IsEmpty());
  EXPECT_THAT(Complete({"stream", "x.n"}), IsEmpty());
  EXPECT_THAT(Complete({"--tls-ca", ""}), IsEmpty());
}

TEST(CompletionTest, AFlagWithoutAValueIsFollowedByAnything) {
  EXPECT_THAT(Complete({"stream", "--inverse", "--out"}), Not(IsEmpty()));
  EXPECT_THAT(Complete({"--tls", "sess"}), ElementsAre("session"));
}

// Asked as zsh's completion asks, through its compgen; zsh then leaves out what does not begin with
// the word.
TEST(CompletionTest, InZsh) {
  if (!std::filesystem::exists("/usr/bin/zsh")) GTEST_SKIP() << "no zsh";
  const auto offers = [](const std::string& words, const std::string& last) {
    const auto result =
        testing::RunCommand({"/usr/bin/zsh", "-fc",
                             "autoload -Uz compinit; compinit -uD; eval \"$(" NORMCTL_BINARY
                             " completion zsh)\"; words=(normctl " +
                                 words + " '" + last +
                                 "'); CURRENT=${#words}; COMP_WORDS=(\"${words[@]}\"); "
                                 "COMP_CWORD=$((CURRENT - 1)); print -r -- ${_comps[normctl]} >&2; "
                                 "compgen -o default -F _normctl -- '" +
                                 last + "'"});
    EXPECT_EQ(result.error, "_bash_complete -o default -F _normctl\n");
    return std::vector<std::string>(absl::StrSplit(result.out, '\n', absl::SkipEmpty()));
  };
  EXPECT_THAT(offers("", "se"), IsSupersetOf({"session", "stream", "--json"}));
  EXPECT_THAT(offers("session", "cr"), AllOf(Contains("create"), Not(Contains("session"))));
  EXPECT_THAT(offers("stream --mode", "tr"),
              UnorderedElementsAre("training", "inference", "streaming"));
  EXPECT_THAT(offers("stream", "--mo"), IsSupersetOf({"--mode", "--momentum", "--server"}));
  EXPECT_THAT(offers("stream -o", ""), IsEmpty());
}

TEST(CompletionTest, OtherShellsAreRefused) {
  EXPECT_EQ(testing::RunCommand({NORMCTL_BINARY, "completion", "fish"}).exit_code, 2);
}

}  // namespace
}  // namespace normd::cli
