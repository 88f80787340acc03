// Sessions by names that cannot be or are not there, tokens, tags and masks of nobody's making.
#ifndef NORMD_TESTS_E2E_MALFORMED_SESSION_FAMILIES_H_
#define NORMD_TESTS_E2E_MALFORMED_SESSION_FAMILIES_H_

#include <string>
#include <vector>

#include "tests/e2e/malformed/valid_requests.h"

namespace normd::malformed {

// Bytes below 128, so that it is a string to protobuf.
inline std::string Ascii(Random& random, int64_t size) {
  std::string text = random.Bytes(size);
  for (char& c : text) c = static_cast<char>(c & 0x7F);
  return text;
}

// No id: characters that ids have not, too long, or empty.
inline std::string HostileId(Random& random) {
  static const std::vector<std::string> fixed = {"",
                                                 " ",
                                                 "a b",
                                                 "a/b",
                                                 "../kept",
                                                 "kept/",
                                                 "/kept",
                                                 "kept\n",
                                                 "kept\r\nnormd-session: x",
                                                 "{kept}",
                                                 "k%65pt",
                                                 "\xC3\xA9",
                                                 "k\xE2\x80\xAEpt",
                                                 "a\tb",
                                                 "*",
                                                 "kept?x=1",
                                                 "'; --",
                                                 "${jndi:x}",
                                                 "\x7F",
                                                 "kept,kept"};
  switch (random.Below(4)) {
    case 0:
      return std::string(random.Pick<int64_t>({129, 130, 1000, 60'000}), 'x');
    case 1: {
      std::string id = Ascii(random, random.Between(1, 128));
      id[random.Below(static_cast<int64_t>(id.size()))] =
          random.Pick<char>({'\0', '\x01', '\x1B', '\n', '/', '\\', '"', ' '});
      return id;
    }
    default:
      return random.Pick(fixed);
  }
}

inline std::string HostileName(Random& random) {
  static const std::vector<std::string> prefixes = {
      "sessions/",  "sessions/", "sessions/", "sessions//",
      "/sessions/", "Sessions/", "session/",  "projects/p/sessions/"};
  const std::string& prefix = random.Pick(prefixes);
  if (prefix == "sessions/") return prefix + HostileId(random);
  return random.Below(3) == 0 ? HostileId(random) : prefix + "kept";
}

// Any call that takes a session's name, with that name.
inline Case Named(Random& random, const std::string& name, Expected expected) {
  const auto field = [&](const std::string& path) {
    if (expected.reason == "INVALID_FIELD") expected.field = path;
    return expected;
  };
  switch (random.Below(6)) {
    case 0: {
      v1::GetSessionRequest request;
      request.set_name(name);
      return Unary(kGetSession, request, field("name"));
    }
    case 1: {
      v1::ResetSessionRequest request;
      request.set_name(name);
      return Unary(kResetSession, request, field("name"));
    }
    case 2: {
      v1::DeleteSessionRequest request;
      request.set_name(name);
      return Unary(kDeleteSession, request, field("name"));
    }
    case 3: {
      v1::UpdateSessionRequest request;
      request.mutable_session()->set_name(name);
      request.mutable_update_mask()->add_paths("frozen");
      return Unary(kUpdateSession, request, field("session.name"));
    }
    case 4: {
      v1::NormalizeRequest request = NormalizeBy({});
      request.set_session(name);
      return Unary(kNormalize, request, field("session"));
    }
    default: {
      v1::NormalizeStreamRequest open = OpenBy({});
      open.mutable_open()->set_session(name);
      return {kNormalizeStream, true, {open.SerializeAsString()}, field("open.session")};
    }
  }
}

inline Case HostileSessionName(Random& random) {
  if (random.Below(7) > 0) return Named(random, HostileName(random), InvalidField(""));
  v1::CreateSessionRequest request = CreateBy(RichSpec("batch_norm"));
  request.set_session_id(HostileId(random));
  return Unary(kCreateSession, request, InvalidField("session_id"));
}

inline Case UnknownSession(Random& random) {
  static const std::string letters =
      "ABCDEFGHIJKLMNOPQRSTUVWXYZabcdefghijklmnopqrstuvwxyz0123456789._:-";
  std::string id(random.Between(10, 128), 'x');
  for (char& c : id) c = letters[random.Below(static_cast<int64_t>(letters.size()))];
  return Named(random, "sessions/" + id, {{grpc::NOT_FOUND}, "SESSION_NOT_FOUND", ""});
}

inline Case WrongSessionRequest(Random& random) {
  v1::UpdateSessionRequest update;
  update.mutable_session()->set_name(kKept);
  update.mutable_update_mask()->add_paths("idle_timeout");
  const std::string etag = "x" + Ascii(random, random.Below(200));
  const Expected aborted = {{grpc::ABORTED}, "ETAG_MISMATCH", ""};
  const auto set_wrong = [&random](google::protobuf::Duration* duration) {
    if (random.Below(2) == 0) {
      duration->set_seconds(
          random.Pick<int64_t>({-1, 315'576'000'001, INT64_MIN, INT64_MAX, -315'576'000'000}));
    } else {
      duration->set_nanos(random.Pick<int>({-1, 1'000'000'000, INT32_MIN, INT32_MAX}));
    }
  };
  switch (random.Below(11)) {
    case 0:
      update.mutable_session()->set_etag(etag);
      return Unary(kUpdateSession, update, aborted);
    case 1: {
      v1::ResetSessionRequest request;
      request.set_name(kKept);
      request.set_etag(etag);
      return Unary(kResetSession, request, aborted);
    }
    case 2: {
      v1::DeleteSessionRequest request;
      request.set_name(random.Below(2) == 0 ? kKept : kFrozen);
      request.set_etag(etag);
      return Unary(kDeleteSession, request, aborted);
    }
    case 3: {
      v1::ResetSessionRequest request;
      request.set_name(kFrozen);
      return Unary(kResetSession, request, {{grpc::FAILED_PRECONDITION}, "FROZEN", ""});
    }
    case 4: {
      v1::CreateSessionRequest request = CreateBy(RichSpec(random.Pick(ChannelMethods())));
      request.set_session_id(random.Below(2) == 0 ? "kept" : "frozen");
      return Unary(kCreateSession, request, {{grpc::ALREADY_EXISTS}, "SESSION_EXISTS", ""});
    }
    case 5: {
      v1::CreateSessionRequest request = CreateBy(RichSpec("batch_norm"));
      set_wrong(request.mutable_session()->mutable_idle_timeout());
      return Unary(kCreateSession, request, InvalidField("session.idle_timeout"));
    }
    case 6:
      set_wrong(update.mutable_session()->mutable_idle_timeout());
      return Unary(kUpdateSession, update, InvalidField("session.idle_timeout"));
    case 7:
      update.clear_update_mask();
      return Unary(kUpdateSession, update, InvalidField("update_mask"));
    case 8:
      update.mutable_update_mask()->add_paths(random.Pick<std::string>(
          {"", "Frozen", "frozen.x", "spec", "name", "session.frozen", "statistics", "**", "etag",
           "x" + Ascii(random, random.Below(5000))}));
      return Unary(kUpdateSession, update, InvalidField("update_mask"));
    case 9: {
      v1::ListSessionsRequest request;
      request.set_page_size(random.Pick<int>({-1, INT32_MIN, -1000}));
      return Unary(kListSessions, request, InvalidField("page_size"));
    }
    default: {
      v1::ListSessionsRequest request;
      request.set_page_token(
          random.Pick<std::string>({"x", "AAAA", "====", "c2Vzc2lvbnMv", "a2VwdA", "sessions/kept",
                                    Ascii(random, random.Between(1, 3000))}));
      return Unary(kListSessions, request, InvalidField("page_token"));
    }
  }
}

}  // namespace normd::malformed

#endif  // NORMD_TESTS_E2E_MALFORMED_SESSION_FAMILIES_H_
