// Completion of a command line by the shell.
#ifndef NORMD_CLIENT_CLI_COMPLETION_H_
#define NORMD_CLIENT_CLI_COMPLETION_H_

#include <CLI/CLI.hpp>
#include <string>

namespace normd::cli {

// A script for bash that completes the subcommands, flags and named values of `app`, all of which
// are read off its tree; files elsewhere. `program` is the name that it is called by.
std::string BashCompletion(const CLI::App& app, const std::string& program);

// The same for zsh, by its emulation of bash's completion.
std::string ZshCompletion(const CLI::App& app, const std::string& program);

}  // namespace normd::cli

#endif  // NORMD_CLIENT_CLI_COMPLETION_H_
