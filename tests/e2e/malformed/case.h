// One malformed request, and what it must come to.
#ifndef NORMD_TESTS_E2E_MALFORMED_CASE_H_
#define NORMD_TESTS_E2E_MALFORMED_CASE_H_

#include <cstdint>
#include <random>
#include <string>
#include <utility>
#include <vector>

#include "google/protobuf/message.h"
#include "grpcpp/support/status_code_enum.h"

namespace normd::malformed {

// The same numbers at every run.
class Random {
 public:
  explicit Random(uint64_t seed) : generator_(seed) {}

  uint64_t Bits() { return generator_(); }
  // From 0 to `count` - 1.
  int64_t Below(int64_t count) {
    return static_cast<int64_t>(Bits() % static_cast<uint64_t>(count));
  }
  int64_t Between(int64_t low, int64_t high) { return low + Below(high - low + 1); }
  template <typename T>
  const T& Pick(const std::vector<T>& values) {
    return values[Below(static_cast<int64_t>(values.size()))];
  }
  std::string Bytes(int64_t size) {
    std::string result(size, '\0');
    for (char& byte : result) byte = static_cast<char>(Bits());
    return result;
  }

 private:
  std::mt19937_64 generator_;
};

// What ends a call, or what a chunk is answered by.
struct Expected {
  std::vector<grpc::StatusCode> codes = {grpc::INVALID_ARGUMENT};  // any of these
  std::string reason;     // the ErrorInfo's; "": not checked
  std::string field;      // the BadRequest's; "": not checked
  bool in_place = false;  // the last message is answered by an `error`, and the call ends well
};

struct Case {
  std::string method;  // "/normd.v1.SessionService/GetSession"
  bool streams = false;
  std::vector<std::string> messages;  // one, or those of a stream
  Expected expected;
};

// A family makes another case at each call.
using Family = Case (*)(Random&);

inline constexpr char kNormalize[] = "/normd.v1.NormalizationService/Normalize";
inline constexpr char kNormalizeStream[] = "/normd.v1.NormalizationService/NormalizeStream";
inline constexpr char kCompare[] = "/normd.v1.ComparisonService/Compare";
inline constexpr char kCreateSession[] = "/normd.v1.SessionService/CreateSession";
inline constexpr char kGetSession[] = "/normd.v1.SessionService/GetSession";
inline constexpr char kListSessions[] = "/normd.v1.SessionService/ListSessions";
inline constexpr char kUpdateSession[] = "/normd.v1.SessionService/UpdateSession";
inline constexpr char kResetSession[] = "/normd.v1.SessionService/ResetSession";
inline constexpr char kDeleteSession[] = "/normd.v1.SessionService/DeleteSession";

// INVALID_ARGUMENT about the field of that path.
inline Expected InvalidField(std::string field) {
  return {{grpc::INVALID_ARGUMENT}, "INVALID_FIELD", std::move(field)};
}

// The same of a stream's last chunk.
inline Expected InvalidInPlace(std::string field) {
  return {{grpc::INVALID_ARGUMENT}, "INVALID_FIELD", std::move(field), true};
}

inline Case Unary(std::string method, const google::protobuf::Message& request, Expected expected) {
  return {std::move(method), false, {request.SerializeAsString()}, std::move(expected)};
}

}  // namespace normd::malformed

#endif  // NORMD_TESTS_E2E_MALFORMED_CASE_H_
