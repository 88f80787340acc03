// normctl: speaks to a normd server from the command line.
#include "client/cli/commands.h"
#include "client/cli/number_check.h"

// NOLINTNEXTLINE(bugprone-exception-escape): CLI11 throws there for a mistake of ours only.
int main(int argc, char** argv) {
  normd::cli::GlobalFlags global;
  CLI::App app(
      "normctl speaks to a normd server: streams tensors in files through it, manages sessions.");
  app.require_subcommand(1);
  app.fallthrough();
  app.add_option("--server", global.server, "HOST:PORT")
      ->envname("NORMD_SERVER")
      ->capture_default_str();
  app.add_option("--timeout", global.timeout_seconds,
                 "Seconds that a call, or a stream's opening, may take")
      ->check(normd::cli::AboveZero())
      ->capture_default_str();
  app.add_flag("--json", global.json, "Print JSON");
  normd::cli::AddMethodsCommand(app, global);
  normd::cli::AddHealthCommand(app, global);
  normd::cli::AddSessionCommands(app, global);
  normd::cli::AddNormalizeCommand(app, global);
  normd::cli::AddStreamCommand(app, global);
  normd::cli::AddCompareCommand(app, global);
  normd::cli::AddDiffCommand(app, global);
  normd::cli::AddCompletionCommand(app);
  try {
    app.parse(argc, argv);
  } catch (const CLI::RuntimeError& error) {
    return error.get_exit_code();
  } catch (const CLI::ParseError& error) {
    return app.exit(error) == 0 ? 0 : 2;
  }
  return 0;
}
