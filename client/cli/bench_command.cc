#include <unistd.h>

#include <cstdio>
#include <memory>
#include <random>
#include <string>
#include <vector>

#include "absl/strings/str_cat.h"
#include "absl/time/clock.h"
#include "client/cli/bench_report.h"
#include "client/cli/choice.h"
#include "client/cli/commands.h"
#include "client/cli/number_check.h"
#include "client/cli/target_flags.h"
#include "client/cli/tensor_format.h"
#include "client/cpp/tensor.h"
#include "client/load/load.h"

namespace normd::cli {
namespace {

enum class NewSessions { kNone, kOwn, kShared };

const Choices<NewSessions>& NewSessionsChoices() {
  static const Choices<NewSessions> kChoices = {{"own", NewSessions::kOwn},
                                                {"shared", NewSessions::kShared}};
  return kChoices;
}

struct BenchFlags {
  TargetFlags target;
  v1::ElementType type = v1::ELEMENT_TYPE_FLOAT32;
  std::vector<int64_t> row_shape = {1024};
  int64_t rows_per_chunk = 1;
  NewSessions new_sessions = NewSessions::kNone;
  client::Load load;
  double rows_per_second = 0;
  double warm_up_seconds = 1;
  double seconds = 5;
  int rounds = 3;
  std::string baseline;
  std::string control;
  int baseline_pid = 0;
  int control_pid = 0;
};

int64_t ElementsOfRow(const BenchFlags& flags) {
  int64_t elements = 1;
  for (const int64_t size : flags.row_shape) elements *= size;
  return elements;
}

// Elements between 1 and 2 of either sign: of a type whose bits are a sign, an exponent and the
// leading bits of a fraction, so that any fraction is as good as another.
std::string RandomElements(v1::ElementType type, int64_t count) {
  std::mt19937_64 random(1);
  const auto append = [&](std::string& bytes, auto one, auto fraction_mask) {
    const auto bits = static_cast<decltype(one)>(one | (random() & fraction_mask));
    bytes.append(reinterpret_cast<const char*>(&bits), sizeof(bits));
  };
  std::string bytes;
  for (int64_t i = 0; i < count; ++i) {
    switch (type) {
      case v1::ELEMENT_TYPE_FLOAT64:
        append(bytes, uint64_t{0x3FF0'0000'0000'0000}, uint64_t{0x800F'FFFF'FFFF'FFFF});
        break;
      case v1::ELEMENT_TYPE_FLOAT16:
        append(bytes, uint16_t{0x3C00}, uint64_t{0x83FF});
        break;
      case v1::ELEMENT_TYPE_BFLOAT16:
        append(bytes, uint16_t{0x3F80}, uint64_t{0x807F});
        break;
      default:
        append(bytes, uint32_t{0x3F80'0000}, uint64_t{0x807F'FFFF});
    }
  }
  return bytes;
}

// Sessions that are deleted with it.
class TemporarySessions {
 public:
  TemporarySessions(const client::Client& client, const GlobalFlags& global)
      : client_(client), global_(global) {}
  ~TemporarySessions() {
    for (const std::string& name : names_) {
      v1::DeleteSessionRequest request;
      request.set_name(name);
      client_.DeleteSession(request).IgnoreError();
    }
  }
  TemporarySessions(const TemporarySessions&) = delete;
  TemporarySessions& operator=(const TemporarySessions&) = delete;

  void Create(const v1::NormalizationSpec& spec, int64_t channels, int count) {
    for (int i = 0; i < count; ++i) {
      v1::CreateSessionRequest request;
      request.set_session_id(absl::StrCat("bench-", getpid(), "-", i));
      *request.mutable_session()->mutable_spec() = spec;
      request.mutable_session()->set_channel_count(channels);
      names_.push_back(ValueOrFail(client_.CreateSession(request), global_).session().name());
    }
  }
  const std::vector<std::string>& names() const { return names_; }

 private:
  const client::Client client_;
  const GlobalFlags& global_;
  std::vector<std::string> names_;
};

BenchRound RunRound(const BenchFlags& flags, client::Load load, const GlobalFlags& global,
                    const std::string& server, int pid) {
  client::ClientOptions options = global.Options();
  options.target = server;
  load.server_pid = pid;
  TemporarySessions sessions(client::Client(options), global);
  if (flags.new_sessions != NewSessions::kNone) {
    sessions.Create(load.open.spec(), flags.row_shape.back(),
                    flags.new_sessions == NewSessions::kOwn ? load.streams : 1);
    load.sessions = sessions.names();
    load.open.clear_spec();
  }
  return BenchRound::Of(ValueOrFail(client::Run(load, options), global), flags.rows_per_chunk);
}

client::Load ToLoad(const BenchFlags& flags, const GlobalFlags& global) {
  client::Load load = flags.load;
  OkOrFail(Fill(flags.target, load.open), global);
  if (flags.new_sessions != NewSessions::kNone && !flags.target.session.empty()) {
    Fail(absl::InvalidArgumentError("--new-sessions makes its own: it does not go with --session"),
         global);
  }
  load.open.set_element_type(flags.type);
  load.open.mutable_row_shape()->Assign(flags.row_shape.begin(), flags.row_shape.end());
  load.data = RandomElements(flags.type, flags.rows_per_chunk * ElementsOfRow(flags));
  load.chunks_per_second = flags.rows_per_second / static_cast<double>(flags.rows_per_chunk);
  load.warm_up = absl::Seconds(flags.warm_up_seconds);
  load.duration = absl::Seconds(flags.seconds);
  return load;
}

// Round after round over all servers, so that what disturbs the machine disturbs all alike.
void RunCommand(const BenchFlags& flags, const GlobalFlags& global) {
  const client::Load load = ToLoad(flags, global);
  BenchReport report;
  for (int round = 0; round < flags.rounds; ++round) {
    report.server.push_back(RunRound(flags, load, global, global.server, load.server_pid));
    if (!flags.baseline.empty()) {
      report.baseline.push_back(RunRound(flags, load, global, flags.baseline, flags.baseline_pid));
    }
    if (!flags.control.empty()) {
      report.control.push_back(RunRound(flags, load, global, flags.control, flags.control_pid));
    }
  }
  std::fputs((global.json ? report.ToJson() : report.ToText()).c_str(), stdout);
}

}  // namespace

void AddBenchCommand(CLI::App& app, const GlobalFlags& global) {
  auto flags = std::make_shared<BenchFlags>();
  CLI::App* command =
      app.add_subcommand("bench", "Measure a server: stream chunks, and tell rates and latencies");
  command->add_option("--row-shape", flags->row_shape, "Of the rows, as C or T,C or C,H,W")
      ->delimiter(',')
      ->check(AtLeastOne())
      ->capture_default_str();
  AddChoice(*command, "--type", flags->type, ElementTypes(), "Of the input's elements");
  command->add_option("--rows-per-chunk", flags->rows_per_chunk, "Rows of one message")
      ->check(AtLeastOne())
      ->capture_default_str();
  command->add_option("--streams", flags->load.streams, "Streams at one time")
      ->check(AtLeastOne())
      ->capture_default_str();
  command->add_option("--connections", flags->load.connections, "That they are spread over")
      ->check(AtLeastOne())
      ->capture_default_str();
  command->add_option("--threads", flags->load.threads, "That drive them")
      ->check(AtLeastOne())
      ->capture_default_str();
  AddChoice(*command, "--new-sessions", flags->new_sessions, NewSessionsChoices(),
            "Create sessions of --method for the streams: one each (own), or one for all (shared)");
  command
      ->add_option("--rate", flags->rows_per_second,
                   "Open loop: rows a second of all streams together, on a schedule, answered or "
                   "not. Without it, closed loop: each stream sends when it was answered")
      ->check(AboveZero());
  command->add_option("--warm-up", flags->warm_up_seconds, "Seconds before each measurement")
      ->check(CLI::NonNegativeNumber)
      ->capture_default_str();
  command->add_option("--seconds", flags->seconds, "Of each measurement")
      ->check(AboveZero())
      ->capture_default_str();
  command->add_option("--rounds", flags->rounds, "Measurements, whose median counts")
      ->check(AtLeastOne())
      ->capture_default_str();
  command->add_option("--baseline", flags->baseline,
                      "HOST:PORT of another server to compare with, round by round");
  CLI::Option* baseline = command->get_option("--baseline");
  command
      ->add_option(
          "--control", flags->control,
          "HOST:PORT of a server identical to the baseline: how far the two differ is what "
          "cannot be told here")
      ->needs(baseline);
  command
      ->add_option("--pid", flags->load.server_pid,
                   "The server's process on this machine, to measure its processor time")
      ->check(AtLeastOne());
  command->add_option("--baseline-pid", flags->baseline_pid, "The same of the baseline")
      ->check(AtLeastOne());
  command->add_option("--control-pid", flags->control_pid, "The same of the control")
      ->check(AtLeastOne());
  flags->target.AddTo(*command);
  command->callback([&global, flags] { RunCommand(*flags, global); });
}

}  // namespace normd::cli
