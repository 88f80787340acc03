// GET /metrics of an admin server, parsed line by line as Prometheus' text format 0.0.4 has it.
#ifndef NORMD_TESTS_TESTING_SCRAPE_H_
#define NORMD_TESTS_TESTING_SCRAPE_H_

#include <gtest/gtest.h>

#include <map>
#include <regex>
#include <set>
#include <string>
#include <vector>

#include "absl/strings/match.h"
#include "absl/strings/numbers.h"
#include "absl/strings/str_split.h"
#include "httplib.h"

namespace normd::testing {

// Values by "name{label="value",...}", as written: labels are in the order of their names.
using Samples = std::map<std::string, double>;

// Fails the test for any line that is none of the format: a family without HELP or TYPE before its
// samples, or in two places, a sample twice, or a histogram that falls.
inline Samples ParseMetrics(const std::string& text) {
  static const std::regex kSample(
      R"re(([a-zA-Z_:][a-zA-Z0-9_:]*)(\{(?:[a-zA-Z_][a-zA-Z0-9_]*="(?:[^"\\\n]|\\[\\n"])*",?)*\})? (\S+))re");
  Samples samples;
  std::set<std::string> families;
  std::string family;
  std::string type;
  std::map<std::string, double> last_bucket;  // by the labels before le
  EXPECT_TRUE(text.empty() || text.back() == '\n');
  for (const std::string& line : std::vector<std::string>(absl::StrSplit(text, '\n'))) {
    if (line.empty()) continue;
    const std::vector<std::string> words = absl::StrSplit(line, absl::MaxSplits(' ', 3));
    if (absl::StartsWith(line, "# HELP ")) {
      family = words[2];
      type.clear();
      EXPECT_TRUE(families.insert(family).second) << family << " in two places";
      continue;
    }
    if (absl::StartsWith(line, "# TYPE ")) {
      EXPECT_EQ(words[2], family) << line;
      type = words[3];
      EXPECT_TRUE(type == "counter" || type == "gauge" || type == "histogram") << line;
      EXPECT_TRUE(type != "counter" || absl::EndsWith(family, "_total")) << line;
      continue;
    }
    std::smatch match;
    if (!std::regex_match(line, match, kSample)) {
      ADD_FAILURE() << "no sample: " << line;
      continue;
    }
    const std::string name = match[1];
    const std::string suffix = name.size() > family.size() ? name.substr(family.size()) : "";
    EXPECT_TRUE(absl::StartsWith(name, family)) << line << " in " << family;
    if (type == "histogram") {
      EXPECT_TRUE(suffix == "_bucket" || suffix == "_sum" || suffix == "_count") << line;
    } else {
      EXPECT_EQ(suffix, "") << line;
    }
    double value = 0;
    EXPECT_TRUE(absl::SimpleAtod(match[3].str(), &value)) << line;
    EXPECT_TRUE(samples.emplace(name + match[2].str(), value).second) << line << " twice";
    if (suffix == "_bucket") {
      const std::string labels = match[2];
      const std::string others = labels.substr(0, labels.find("le=\""));
      EXPECT_GE(value, last_bucket[others]) << line;
      last_bucket[others] = value;
    }
  }
  return samples;
}

inline Samples Scrape(int admin_port) {
  const httplib::Result result = httplib::Client("127.0.0.1", admin_port).Get("/metrics");
  EXPECT_TRUE(result && result->status == 200);
  return result ? ParseMetrics(result->body) : Samples();
}

}  // namespace normd::testing

#endif  // NORMD_TESTS_TESTING_SCRAPE_H_
