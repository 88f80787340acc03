#include "server/observability/logging.h"

#include <memory>
#include <string>

#include "absl/strings/str_cat.h"
#include "absl/strings/str_format.h"
#include "absl/strings/substitute.h"
#include "absl/time/clock.h"
#include "google/protobuf/stubs/common.h"
#include "grpc/support/log.h"
#include "server/observability/line_limit.h"
#include "server/observability/trace_context.h"
#include "spdlog/pattern_formatter.h"
#include "spdlog/sinks/stdout_sinks.h"
#include "spdlog/spdlog.h"
#if GOOGLE_PROTOBUF_VERSION < 4022000  // later ones log through Abseil
#include "google/protobuf/stubs/logging.h"
#endif

namespace normd::server {
namespace {

// The message, escaped: %* in a pattern.
class EscapedMessage final : public spdlog::custom_flag_formatter {
 public:
  void format(const spdlog::details::log_msg& message, const std::tm& /*time*/,
              spdlog::memory_buf_t& destination) override {
    const std::string escaped =
        EscapeForLog(absl::string_view(message.payload.data(), message.payload.size()));
    destination.append(escaped.data(), escaped.data() + escaped.size());
  }
  std::unique_ptr<custom_flag_formatter> clone() const override {
    return std::make_unique<EscapedMessage>();
  }
};

// Where the line belongs to a call that has one, its trace: %@ in a pattern, for the end of a line.
class TraceFields final : public spdlog::custom_flag_formatter {
 public:
  // `format` is absl::Substitute's, of a trace id and a span id.
  explicit TraceFields(const char* format) : format_(format) {}

  void format(const spdlog::details::log_msg& /*message*/, const std::tm& /*time*/,
              spdlog::memory_buf_t& destination) override {
    const TraceContext* trace = LoggedTrace::Current();
    if (trace == nullptr) return;
    const std::string fields = absl::Substitute(format_, trace->trace_id, trace->span_id);
    destination.append(fields.data(), fields.data() + fields.size());
  }
  std::unique_ptr<custom_flag_formatter> clone() const override {
    return std::make_unique<TraceFields>(format_);
  }

 private:
  const char* const format_;
};

// Among others a line for each handshake that fails.
void LogFromGrpc(gpr_log_func_args* args) {
  const auto level = args->severity == GPR_LOG_SEVERITY_ERROR  ? spdlog::level::err
                     : args->severity == GPR_LOG_SEVERITY_INFO ? spdlog::level::info
                                                               : spdlog::level::debug;
  if (!spdlog::should_log(level)) return;
  static LineLimit limit(100, absl::Seconds(10));
  int64_t left_out = 0;
  const bool allowed = limit.Allows(absl::Now(), &left_out);
  if (left_out > 0) spdlog::warn("{} lines of gRPC's were not logged", left_out);
  if (allowed) spdlog::log(level, "grpc: {}", args->message);
}

#if GOOGLE_PROTOBUF_VERSION < 4022000
// A line for each message that a client has got wrong, which its status tells already.
void LogFromProtobuf(google::protobuf::LogLevel level, const char* /*file*/, int /*line*/,
                     const std::string& message) {
  const bool is_ours = level == google::protobuf::LOGLEVEL_FATAL;
  spdlog::log(is_ours ? spdlog::level::critical : spdlog::level::debug, "protobuf: {}", message);
}
#endif

}  // namespace

void LogError(const std::string& message) { spdlog::error("{}", message); }

std::string EscapeForLog(absl::string_view text) {
  std::string result;
  result.reserve(text.size());
  for (const char c : text) {
    const auto byte = static_cast<unsigned char>(c);
    if (c == '"' || c == '\\') {
      result += '\\';
      result += c;
    } else if (c == '\n') {
      result += "\\n";
    } else if (c == '\t') {
      result += "\\t";
    } else if (byte < 0x20 || byte >= 0x7F) {
      absl::StrAppendFormat(&result, "\\u%04x", byte);
    } else {
      result += c;
    }
  }
  return result;
}

absl::Status SetUpLogging(const LoggingOptions& options) {
  const auto level = spdlog::level::from_str(options.level);
  if (level == spdlog::level::off && options.level != "off") {
    return absl::InvalidArgumentError(absl::StrCat("no such log level: ", options.level,
                                                   " (trace, debug, info, warn, error, off)"));
  }
  std::string pattern;
  const char* trace_format = nullptr;
  if (options.format == "text") {
    pattern = "%Y-%m-%dT%H:%M:%S.%e%z %l %*%@";
    trace_format = " trace_id=$0 span_id=$1";
  } else if (options.format == "json") {
    pattern = R"({"time":"%Y-%m-%dT%H:%M:%S.%e%z","level":"%l","thread":%t,"message":"%*"%@})";
    trace_format = R"(,"trace_id":"$0","span_id":"$1")";
  } else {
    return absl::InvalidArgumentError(
        absl::StrCat("no such log format: ", options.format, " (text, json)"));
  }
  auto formatter = std::make_unique<spdlog::pattern_formatter>();
  formatter->add_flag<EscapedMessage>('*')
      .add_flag<TraceFields>('@', trace_format)
      .set_pattern(pattern);
  auto logger =
      std::make_shared<spdlog::logger>("normd", std::make_shared<spdlog::sinks::stderr_sink_mt>());
  logger->set_formatter(std::move(formatter));
  logger->set_level(level);
  logger->flush_on(spdlog::level::trace);
  spdlog::set_default_logger(std::move(logger));
  gpr_set_log_function(LogFromGrpc);
#if GOOGLE_PROTOBUF_VERSION < 4022000
  google::protobuf::SetLogHandler(LogFromProtobuf);
#endif
  return absl::OkStatus();
}

}  // namespace normd::server
