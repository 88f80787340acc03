// normctl: speaks to a normd server from the command line.
#include <cstdlib>

#include "client/cli/commands.h"

// NOLINTNEXTLINE(bugprone-exception-escape): CLI11 throws there for a mistake of ours only.
int main(int argc, char** argv) {
  // What gRPC logs comes out as a call's status too. Before its first use; the user's own stays.
  setenv("GRPC_VERBOSITY", "NONE", 0);
  normd::cli::GlobalFlags global;
  CLI::App app(
      "normctl speaks to a normd server: streams tensors in files through it, manages sessions.");
  app.require_subcommand(1);
  app.fallthrough();
  global.AddTo(app);
  normd::cli::AddMethodsCommand(app, global);
  normd::cli::AddHealthCommand(app, global);
  normd::cli::AddSessionCommands(app, global);
  normd::cli::AddNormalizeCommand(app, global);
  normd::cli::AddStreamCommand(app, global);
  normd::cli::AddCompareCommand(app, global);
  normd::cli::AddBenchCommand(app, global);
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
