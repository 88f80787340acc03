// What normctl prints with --json: one document, whatever the command.
#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include <cmath>

#include "google/protobuf/struct.pb.h"
#include "google/protobuf/util/json_util.h"
#include "tests/client/cli/npy_files.h"
#include "tests/testing/normctl_fixture.h"
#include "tests/testing/recording_server.h"

namespace normd::cli {
namespace {

// The one document that `text` is.
template <typename Message = google::protobuf::Value>
Message Parse(const std::string& text) {
  Message message;
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
  const auto list = Parse<v1::ListSessionsResponse>(Json({"session", "list"}));
  ASSERT_EQ(list.sessions_size(), 6);
  EXPECT_EQ(list.sessions(5).name(), "sessions/5");
  EXPECT_EQ(list.next_page_token(), "");
  server_.Tell([&](auto& answers) { answers.pages.clear(); });
  EXPECT_EQ(Parse<v1::ListSessionsResponse>(Json({"session", "list"})).sessions_size(), 0);
}

TEST_F(NormctlJsonTest, ADeletedSessionIsAnEmptyDocument) {
  EXPECT_EQ(Parse(Json({"session", "delete", "s"})).struct_value().fields_size(), 0);
  EXPECT_EQ(Output({"session", "delete", "s"}), "");
}

TEST_F(NormctlJsonTest, ADifferenceThatIsNoNumberIsNull) {
  const std::string zeros = WriteFloats(folder_, "a.npy", {2}, {0, 0});
  const std::string poisoned = WriteFloats(folder_, "b.npy", {2}, {1, NAN});
  const auto diff = Parse(Json({"diff", zeros, poisoned}));
  EXPECT_TRUE(diff.struct_value().fields().at("max").has_null_value());
  EXPECT_EQ(diff.struct_value().fields().at("p50").number_value(), 1);
  EXPECT_EQ(Json({"diff", zeros, poisoned, "--field", "max"}), "null\n");
  EXPECT_EQ(Json({"diff", zeros, poisoned, "--field", "elements"}), "2\n");
  EXPECT_EQ(Output({"diff", zeros, poisoned, "--field", "max"}), "nan\n");
}

}  // namespace
}  // namespace normd::cli
