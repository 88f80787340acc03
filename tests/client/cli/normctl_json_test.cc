// What normctl prints with --json: one document, whatever the command.
#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include <cmath>

#include "google/protobuf/util/json_util.h"
#include "tests/client/cli/npy_files.h"
#include "tests/testing/normctl_fixture.h"
#include "tests/testing/recording_server.h"

namespace normd::cli {
namespace {

using ::testing::HasSubstr;
using ::testing::StartsWith;

// The one document that `text` is.
v1::ListSessionsResponse ParseList(const std::string& text) {
  v1::ListSessionsResponse message;
  const auto status = google::protobuf::util::JsonStringToMessage(text, &message);
  EXPECT_TRUE(status.ok()) << text;
  return message;
}

class NormctlJsonTest : public testing::NormctlFixture<testing::RecordingServer> {
 protected:
  std::string Json(std::vector<std::string> arguments) const {
    arguments.insert(arguments.begin(), "--json");
    return Output(arguments);
  }
};

TEST_F(NormctlJsonTest, SessionsOfAllPagesAreOneList) {
  server_.Tell([&](auto& answers) { answers.pages.resize(3); });
  for (int i = 0; i < 6; ++i) {
    server_.Tell([&](auto& answers) {
      answers.pages[i / 2].add_sessions()->set_name("sessions/" + std::to_string(i));
    });
  }
  const auto list = ParseList(Json({"session", "list"}));
  ASSERT_EQ(list.sessions_size(), 6);
  EXPECT_EQ(list.sessions(5).name(), "sessions/5");
  EXPECT_EQ(list.next_page_token(), "");
  server_.Tell([&](auto& answers) { answers.pages.clear(); });
  EXPECT_EQ(ParseList(Json({"session", "list"})).sessions_size(), 0);
}

TEST_F(NormctlJsonTest, ADeletedSessionIsAnEmptyDocument) {
  EXPECT_EQ(Json({"session", "delete", "s"}), "{}\n");
  EXPECT_EQ(Output({"session", "delete", "s"}), "");
}

TEST_F(NormctlJsonTest, ADifferenceThatIsNoNumberIsNull) {
  const std::string zeros = WriteFloats(folder_, "a.npy", {2}, {0, 0});
  const std::string poisoned = WriteFloats(folder_, "b.npy", {2}, {1, NAN});
  const std::string diff = Json({"diff", zeros, poisoned});
  EXPECT_THAT(diff, StartsWith("{"));
  EXPECT_THAT(diff, HasSubstr("\"max\": null"));
  EXPECT_THAT(diff, HasSubstr("\"p50\": 1"));
  EXPECT_EQ(Json({"diff", zeros, poisoned, "--field", "max"}), "null\n");
  EXPECT_EQ(Json({"diff", zeros, poisoned, "--field", "elements"}), "2\n");
  EXPECT_EQ(Output({"diff", zeros, poisoned, "--field", "max"}), "nan\n");
}

}  // namespace
}  // namespace normd::cli
