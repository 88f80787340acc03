#include <cstdio>
#include <cstring>

#include "client/cli/commands.h"
#include "client/cli/session_name.h"
#include "client/cli/spec_flags.h"
#include "client/cli/statistics_flags.h"
#include "google/protobuf/util/time_util.h"

namespace normd::cli {
namespace {

using google::protobuf::util::TimeUtil;

void PrintSession(const v1::Session& session, const GlobalFlags& global) {
  if (global.json) return PrintJson(session, global);
  double count = 0;
  if (const std::string& data = session.statistics().count().data(); data.size() == sizeof(count)) {
    std::memcpy(&count, data.data(), sizeof(count));
  }
  std::printf("%s  %ld channels, %.0f values per channel, version %lu%s, updated %s\n",
              session.name().c_str(), session.channel_count(), count,
              session.statistics().version(), session.frozen() ? ", frozen" : "",
              TimeUtil::ToString(session.update_time()).c_str());
}

struct CreateFlags {
  std::string id;
  int64_t channels = 0;
  double idle_timeout_seconds = -1;
  SpecFlags spec;
  StatisticsFlags statistics;
};

void AddCreate(CLI::App& parent, const GlobalFlags& global) {
  auto flags = std::make_shared<CreateFlags>();
  CLI::App* command = parent.add_subcommand("create", "Make a session");
  command->add_option("ID", flags->id, "1 to 128 characters of A-Z a-z 0-9 . _ : -")->required();
  command->add_option("--channels", flags->channels, "Channels, C")->required();
  command->add_option("--idle-timeout", flags->idle_timeout_seconds,
                      "Seconds without use after which it is deleted; 0: never");
  flags->spec.method = "batch_norm";
  flags->spec.AddTo(*command);
  flags->statistics.AddTo(*command);
  command->callback([&global, flags] {
    v1::CreateSessionRequest request;
    request.set_session_id(SessionId(flags->id));
    request.mutable_session()->set_channel_count(flags->channels);
    *request.mutable_session()->mutable_spec() = ValueOrFail(ToSpec(flags->spec), global);
    if (const auto statistics = ValueOrFail(ToStatistics(flags->statistics), global)) {
      *request.mutable_session()->mutable_statistics() = *statistics;
    }
    if (flags->idle_timeout_seconds >= 0) {
      *request.mutable_session()->mutable_idle_timeout() =
          TimeUtil::MillisecondsToDuration(static_cast<int64_t>(flags->idle_timeout_seconds * 1e3));
    }
    PrintSession(ValueOrFail(global.Connect().CreateSession(request), global).session(), global);
  });
}

void AddList(CLI::App& parent, const GlobalFlags& global) {
  parent.add_subcommand("list", "List the sessions")->callback([&global] {
    const client::Client client = global.Connect();
    v1::ListSessionsRequest request;
    v1::ListSessionsResponse all;
    do {
      const auto page = ValueOrFail(client.ListSessions(request), global);
      all.mutable_sessions()->MergeFrom(page.sessions());
      request.set_page_token(page.next_page_token());
    } while (!request.page_token().empty());
    if (global.json) return PrintJson(all, global);
    for (const v1::Session& session : all.sessions()) PrintSession(session, global);
  });
}

// A command on one session by its id.
template <typename Run>
void AddOnOne(CLI::App& parent, const char* name, const char* description, Run run) {
  auto id = std::make_shared<std::string>();
  CLI::App* command = parent.add_subcommand(name, description);
  command->add_option("ID", *id, "The session's id or name")->required();
  command->callback([id, run] { run(SessionName(*id)); });
}

void SetFrozen(const std::string& name, bool frozen, const GlobalFlags& global) {
  v1::UpdateSessionRequest request;
  request.mutable_session()->set_name(name);
  request.mutable_session()->set_frozen(frozen);
  request.mutable_update_mask()->add_paths("frozen");
  PrintSession(ValueOrFail(global.Connect().UpdateSession(request), global).session(), global);
}

}  // namespace

void AddSessionCommands(CLI::App& app, const GlobalFlags& global) {
  CLI::App* parent = app.add_subcommand("session", "Manage sessions");
  parent->require_subcommand(1);
  parent->fallthrough();
  AddCreate(*parent, global);
  AddList(*parent, global);
  AddOnOne(*parent, "get", "Show a session", [&global](const std::string& name) {
    v1::GetSessionRequest request;
    request.set_name(name);
    PrintSession(ValueOrFail(global.Connect().GetSession(request), global).session(), global);
  });
  AddOnOne(*parent, "freeze", "Let no update enter",
           [&global](const std::string& name) { SetFrozen(name, true, global); });
  AddOnOne(*parent, "unfreeze", "Let updates enter again",
           [&global](const std::string& name) { SetFrozen(name, false, global); });
  AddOnOne(*parent, "reset", "Forget what was seen", [&global](const std::string& name) {
    v1::ResetSessionRequest request;
    request.set_name(name);
    PrintSession(ValueOrFail(global.Connect().ResetSession(request), global).session(), global);
  });
  AddOnOne(*parent, "delete", "Delete a session", [&global](const std::string& name) {
    v1::DeleteSessionRequest request;
    request.set_name(name);
    const auto response = ValueOrFail(global.Connect().DeleteSession(request), global);
    if (global.json) PrintJson(response, global);
  });
}

}  // namespace normd::cli
