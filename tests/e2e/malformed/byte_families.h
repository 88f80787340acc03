// Bytes that no client would write as a message: random ones, and valid messages cut or with bits
// flipped.
//
// Such bytes may happen to be a message. What they must come to is told by parsing them here: where
// they cannot be parsed, what the contract says of that; where they can, whatever the contract says
// of the call, OK among it.
#ifndef NORMD_TESTS_E2E_MALFORMED_BYTE_FAMILIES_H_
#define NORMD_TESTS_E2E_MALFORMED_BYTE_FAMILIES_H_

#include <memory>
#include <string>
#include <vector>

#include "grpc/health/v1/health.pb.h"
#include "tests/e2e/malformed/stream_families.h"
#include "tests/e2e/malformed/valid_requests.h"

namespace normd::malformed {

// A call, a valid request of it that changes nothing, and what the contract allows.
struct Target {
  std::string method;
  bool streams;
  std::shared_ptr<google::protobuf::Message> request;
  std::vector<grpc::StatusCode> codes;
};

template <typename Request>
Target TargetOf(const std::string& method, const Request& request, bool streams,
                std::vector<grpc::StatusCode> codes) {
  codes.push_back(grpc::OK);
  codes.push_back(grpc::INVALID_ARGUMENT);
  return {method, streams, std::make_shared<Request>(request), std::move(codes)};
}

inline const std::vector<Target>& Targets() {
  static const std::vector<Target> targets = [] {
    v1::GetSessionRequest get;
    get.set_name("sessions/nobody-made-it");
    v1::ListSessionsRequest list;
    list.set_page_size(7);
    list.set_page_token("c2Vzc2lvbnMvYQ");  // "sessions/a"
    v1::UpdateSessionRequest update;
    update.mutable_session()->set_name("sessions/nobody-made-it");
    update.mutable_session()->set_etag("00000000-1");
    update.mutable_session()->mutable_idle_timeout()->set_seconds(60);
    update.mutable_update_mask()->add_paths("idle_timeout");
    v1::ResetSessionRequest reset;
    reset.set_name("sessions/nobody-made-it");
    reset.set_etag("00000000-1");
    v1::DeleteSessionRequest erase;
    erase.set_name("sessions/nobody-made-it");
    erase.set_etag("00000000-1");
    v1::CreateSessionRequest create = CreateBy(RichSpec("batch_norm"));
    create.set_session_id("mutated");
    *create.mutable_session()->mutable_statistics() = Statistics(false);
    v1::NormalizeRequest normalize = NormalizeBy(RichSpec("batch_norm"));
    *normalize.mutable_statistics() = Statistics(false);
    normalize.add_lengths(1);
    grpc::health::v1::HealthCheckRequest check;
    check.set_service("normd.v1.SessionService");
    const std::vector<grpc::StatusCode> of_session = {grpc::NOT_FOUND, grpc::ABORTED,
                                                      grpc::FAILED_PRECONDITION};
    return std::vector<Target>{
        TargetOf(kNormalize, normalize, false, of_session),
        TargetOf("/normd.v1.NormalizationService/ListMethods", v1::ListMethodsRequest(), false, {}),
        TargetOf(kCreateSession, create, false, {grpc::ALREADY_EXISTS, grpc::RESOURCE_EXHAUSTED}),
        TargetOf(kGetSession, get, false, {grpc::NOT_FOUND}),
        TargetOf(kListSessions, list, false, {}),
        TargetOf(kUpdateSession, update, false, of_session),
        TargetOf(kResetSession, reset, false, of_session),
        TargetOf(kDeleteSession, erase, false, of_session),
        TargetOf("/grpc.health.v1.Health/Check", check, false, {grpc::NOT_FOUND}),
        TargetOf(kNormalizeStream, OpenBy(RichSpec("layer_norm")), true, of_session),
        TargetOf(kCompare, CompareOpenBy(RichSpec("batch_norm")), true, {}),
    };
  }();
  return targets;
}

inline std::string Garbage(Random& random) {
  static const std::vector<std::string> fixed = {
      std::string(10, '\x80'),      // a varint without an end
      std::string(65'536, '\x80'),  // a longer one
      std::string(300, '\xFF'),
      std::string("\x0A") + std::string(9, '\xFF'),  // a length of 2^63 and more
      std::string("\x0A\xFF\xFF\xFF\xFF\x0F"),       // of 4 GiB
      std::string("\x0A\xFF\xFF\xFF\xFF\x07"),       // of 2 GiB - 1
      std::string(5000, '\x0B'),                     // groups in groups
      std::string(5000, '\x0C'),                     // ends of groups
      std::string("\0\0", 2),                        // field 0
      std::string("\x0F"),
      std::string("\x0E\x01"),          // wire types 7 and 6
      std::string("\x0D\x01\x02"),      // a fixed32 cut short
      std::string("\x0A\x02\xC3\x28"),  // no UTF-8 where a string is wanted
      [] {
        std::string nested;  // a message in a message, 200 deep
        for (int i = 0; i < 200; ++i) {
          std::string outer = "\x0A";
          for (size_t size = nested.size();; size >>= 7) {
            outer += static_cast<char>((size & 0x7F) | (size > 0x7F ? 0x80 : 0));
            if (size <= 0x7F) break;
          }
          nested = outer + nested;
        }
        return nested;
      }(),
  };
  return random.Below(4) == 0 ? random.Pick(fixed) : random.Bytes(random.Between(1, 400));
}

inline std::string Mutated(Random& random, std::string bytes) {
  if (bytes.empty()) return Garbage(random);
  switch (random.Below(4)) {
    case 0:
      return bytes.substr(0, random.Below(static_cast<int64_t>(bytes.size())));
    case 1:
      for (int64_t i = random.Between(1, 8); i > 0; --i) {
        bytes[random.Below(static_cast<int64_t>(bytes.size()))] ^=
            static_cast<char>(1 << random.Below(8));
      }
      return bytes;
    case 2:  // a piece of it again, or of something else, in its midst
      return bytes.insert(random.Below(static_cast<int64_t>(bytes.size())),
                          random.Below(2) == 0 ? random.Bytes(random.Between(1, 9))
                                               : bytes.substr(bytes.size() / 2));
    default:
      bytes[random.Below(static_cast<int64_t>(bytes.size()))] = static_cast<char>(random.Bits());
      return bytes;
  }
}

// `bytes` as the only message of a call, or after `before` in a stream.
inline Case WithBytes(const Target& target, std::vector<std::string> before,
                      const std::string& bytes) {
  const std::unique_ptr<google::protobuf::Message> request(target.request->New());
  Case result{target.method, target.streams, std::move(before), {target.codes, "", ""}};
  result.messages.push_back(bytes);
  if (!request->ParseFromString(bytes)) {
    // gRPC itself answers a call of one message.
    result.expected = target.streams ? Expected{{grpc::INVALID_ARGUMENT}, "MALFORMED_MESSAGE", ""}
                                     : Expected{{grpc::INTERNAL}, "", ""};
  }
  return result;
}

inline Case GarbageBytes(Random& random) {
  const Target& target = random.Pick(Targets());
  std::vector<std::string> before;
  if (target.streams && random.Below(2) == 0) before = {GoodOpen(target.method)};
  return WithBytes(target, before, Garbage(random));
}

inline Case MutatedRequest(Random& random) {
  const Target& target = random.Pick(Targets());
  return WithBytes(target, {}, Mutated(random, target.request->SerializeAsString()));
}

// A chunk of an open stream. Its number may be what was changed.
inline Case MutatedChunk(Random& random) {
  Target target = Targets()[Targets().size() - 1 - random.Below(2)];
  target.codes.push_back(grpc::FAILED_PRECONDITION);
  v1::Chunk chunk = ChunkOf(1);
  chunk.add_shape(kRows);
  chunk.add_shape(kChannels);
  chunk.set_row_mask("\x03");
  return WithBytes(target, {GoodOpen(target.method)}, Mutated(random, ChunkMessage(chunk)));
}

// A method that no service has.
inline Case UnknownMethod(Random& random) {
  return {random.Pick<std::string>({"/normd.v1.NormalizationService/Nothing",
                                    "/normd.v2.NormalizationService/Normalize", "/x/y", "/", "//",
                                    "/normd.v1.SessionService/getSession"}),
          random.Below(2) == 0,
          {random.Bytes(random.Below(50))},
          {{grpc::UNIMPLEMENTED}, "", ""}};
}

}  // namespace normd::malformed

#endif  // NORMD_TESTS_E2E_MALFORMED_BYTE_FAMILIES_H_
