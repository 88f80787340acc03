#include "server/rpc/session_service.h"

#include <algorithm>
#include <memory>
#include <string>
#include <utility>

#include "absl/strings/escaping.h"
#include "absl/strings/str_cat.h"
#include "core/error/error.h"
#include "server/rpc/proto_conversion.h"
#include "server/rpc/session_name.h"
#include "server/rpc/spec_conversion.h"
#include "server/rpc/unary_rpc.h"

namespace normd::server {
namespace {

constexpr int kDefaultPageSize = 100;
constexpr int kMaxPageSize = 1000;

// A duration in a request; 0 means never.
absl::StatusOr<absl::Duration> IdleTimeout(const google::protobuf::Duration& proto) {
  const absl::StatusOr<absl::Duration> timeout = FromProto(proto);
  if (!timeout.ok()) {
    return InvalidFieldError("session.idle_timeout", timeout.status().message());
  }
  return *timeout == absl::ZeroDuration() ? absl::InfiniteDuration() : *timeout;
}

}  // namespace

absl::Status SessionService::Create(const v1::CreateSessionRequest& request,
                                    v1::CreateSessionResponse* response) {
  absl::StatusOr<std::string> name = SessionNameOf(request.session_id());
  if (!name.ok()) return name.status();
  SessionConfig config;
  config.name = *std::move(name);
  absl::StatusOr<NormalizationSpec> spec = FromProto(request.session().spec());
  if (!spec.ok()) return PrefixField("session.spec", spec.status());
  config.spec = *std::move(spec);
  config.channels = request.session().channel_count();
  if (config.channels > options_.max_channels) {
    return InvalidFieldError("session.channel_count",
                             absl::StrCat("is ", config.channels, ", above this server's limit of ",
                                          options_.max_channels, " elements a row"));
  }
  config.frozen = request.session().frozen();
  if (request.session().has_statistics()) {
    absl::StatusOr<StatisticsSnapshot> statistics = FromProto(request.session().statistics());
    if (!statistics.ok()) return PrefixField("session.statistics", statistics.status());
    config.initial_statistics = *std::move(statistics);
  }
  config.idle_timeout = options_.default_idle_timeout;
  if (request.session().has_idle_timeout()) {
    const absl::StatusOr<absl::Duration> timeout = IdleTimeout(request.session().idle_timeout());
    if (!timeout.ok()) return timeout.status();
    config.idle_timeout = *timeout;
  }
  const absl::StatusOr<std::shared_ptr<Session>> session = store_.Create(std::move(config));
  if (!session.ok()) return PrefixField("session", session.status());
  ToProto((*session)->Snapshot(), response->mutable_session());
  return absl::OkStatus();
}

absl::Status SessionService::Get(const v1::GetSessionRequest& request,
                                 v1::GetSessionResponse* response) {
  NORMD_RETURN_IF_ERROR(CheckSessionName("name", request.name()));
  const absl::StatusOr<std::shared_ptr<Session>> session = store_.Find(request.name());
  if (!session.ok()) return session.status();
  ToProto((*session)->Snapshot(), response->mutable_session());
  return absl::OkStatus();
}

absl::Status SessionService::List(const v1::ListSessionsRequest& request,
                                  v1::ListSessionsResponse* response) {
  if (request.page_size() < 0) return InvalidFieldError("page_size", "must not be negative");
  const int limit =
      request.page_size() == 0 ? kDefaultPageSize : std::min(request.page_size(), kMaxPageSize);
  std::string after;
  if (!request.page_token().empty() &&
      (!absl::WebSafeBase64Unescape(request.page_token(), &after) ||
       !CheckSessionName("", after).ok())) {
    return InvalidFieldError("page_token", "is not one that this server gave");
  }
  // One more than asked for tells whether another page follows.
  const auto sessions = store_.List(after, limit + 1);
  for (size_t i = 0; i < sessions.size() && i < static_cast<size_t>(limit); ++i) {
    v1::Session* session = response->add_sessions();
    ToProto(sessions[i]->SnapshotWithoutChannels(), session);
    session->mutable_statistics()->clear_kind();
  }
  if (sessions.size() > static_cast<size_t>(limit)) {
    response->set_next_page_token(absl::WebSafeBase64Escape(sessions[limit - 1]->name()));
  }
  return absl::OkStatus();
}

absl::Status SessionService::Update(const v1::UpdateSessionRequest& request,
                                    v1::UpdateSessionResponse* response) {
  NORMD_RETURN_IF_ERROR(CheckSessionName("session.name", request.session().name()));
  SessionUpdate update;
  for (const std::string& path : request.update_mask().paths()) {
    if (path != "frozen" && path != "idle_timeout" && path != "*") {
      return InvalidFieldError("update_mask",
                               absl::StrCat("names ", absl::CEscape(path.substr(0, 64)),
                                            "; it may name frozen, idle_timeout"));
    }
    if (path != "idle_timeout") update.frozen = request.session().frozen();
    if (path != "frozen") {
      update.idle_timeout = options_.default_idle_timeout;
      if (request.session().has_idle_timeout()) {
        const absl::StatusOr<absl::Duration> timeout =
            IdleTimeout(request.session().idle_timeout());
        if (!timeout.ok()) return timeout.status();
        update.idle_timeout = *timeout;
      }
    }
  }
  if (request.update_mask().paths().empty()) {
    return InvalidFieldError("update_mask", "must name what to change: frozen, idle_timeout");
  }
  const absl::StatusOr<std::shared_ptr<Session>> session = store_.Find(request.session().name());
  if (!session.ok()) return session.status();
  NORMD_RETURN_IF_ERROR((*session)->Update(update, request.session().etag()));
  ToProto((*session)->Snapshot(), response->mutable_session());
  return absl::OkStatus();
}

absl::Status SessionService::Reset(const v1::ResetSessionRequest& request,
                                   v1::ResetSessionResponse* response) {
  NORMD_RETURN_IF_ERROR(CheckSessionName("name", request.name()));
  const absl::StatusOr<std::shared_ptr<Session>> session = store_.Find(request.name());
  if (!session.ok()) return session.status();
  NORMD_RETURN_IF_ERROR((*session)->Reset(request.etag()));
  ToProto((*session)->Snapshot(), response->mutable_session());
  return absl::OkStatus();
}

absl::Status SessionService::Delete(const v1::DeleteSessionRequest& request,
                                    v1::DeleteSessionResponse* /*response*/) {
  NORMD_RETURN_IF_ERROR(CheckSessionName("name", request.name()));
  return store_.Delete(request.name(), request.etag());
}

void SessionService::Serve(EventLoop& loop) {
  using Service = v1::SessionService::AsyncService;
  const auto serve = [&]<typename Request, typename Response>(
                         absl::string_view name, auto request_method,
                         absl::Status (SessionService::*method)(const Request&, Response*)) {
    ServeUnaryRpc<Request, Response>(
        loop, service_, admission_.bytes, request_method,
        {metrics_, RpcType::kUnary, v1::SessionService::service_full_name(), name},
        [this, method](const Request& request, Response* response) {
          return (this->*method)(request, response);
        });
  };
  serve("CreateSession", &Service::RequestCreateSession, &SessionService::Create);
  serve("GetSession", &Service::RequestGetSession, &SessionService::Get);
  serve("ListSessions", &Service::RequestListSessions, &SessionService::List);
  serve("UpdateSession", &Service::RequestUpdateSession, &SessionService::Update);
  serve("ResetSession", &Service::RequestResetSession, &SessionService::Reset);
  serve("DeleteSession", &Service::RequestDeleteSession, &SessionService::Delete);
}

}  // namespace normd::server
