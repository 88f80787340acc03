// Flags that take one of a few names.
#ifndef NORMD_CLIENT_CLI_CHOICE_H_
#define NORMD_CLIENT_CLI_CHOICE_H_

#include <CLI/CLI.hpp>
#include <map>
#include <string>

namespace normd::cli {

template <typename Enum>
using Choices = std::map<std::string, Enum>;

// A flag with a name for each value. `choices` must outlive the command.
template <typename Enum>
CLI::Option* AddChoice(CLI::App& command, const char* flag, Enum& value,
                       const Choices<Enum>& choices, const char* description) {
  return command
      .add_option_function<std::string>(
          flag, [&value, &choices](const std::string& name) { value = choices.at(name); },
          description)
      ->check(CLI::IsMember(choices));
}

}  // namespace normd::cli

#endif  // NORMD_CLIENT_CLI_CHOICE_H_
