#include "client/cli/completion.h"

#include <vector>

#include "absl/strings/str_cat.h"
#include "absl/strings/str_join.h"
#include "absl/strings/str_replace.h"

namespace normd::cli {
namespace {

// $command is the way from the program to the subcommand: "/session/create".
constexpr char kScript[] = R"bash(# Completion of @PROGRAM@.
_@PROGRAM@() {
  local current=${COMP_WORDS[COMP_CWORD]} before=${COMP_WORDS[COMP_CWORD-1]} command= word words=
  for word in "${COMP_WORDS[@]:1:$COMP_CWORD-1}"; do
    case $command/$word in
      @COMMANDS@) command+=/$word ;;
    esac
  done
  case $command:$before in
@VALUES@    *)
      case $command in
@WORDS@      esac ;;
  esac
  COMPREPLY=($(compgen -W "$words" -- "$current"))
}
complete -o default -F _@PROGRAM@ @PROGRAM@
)bash";

constexpr char kBashInZsh[] =
    R"zsh((( $+functions[compdef] )) || { autoload -Uz compinit && compinit; }
autoload -Uz bashcompinit && bashcompinit
)zsh";

// "a b" of an option that takes one of a few names, which CLI11 knows by its description only.
std::string ChoicesOf(const CLI::Option& option) {
  const std::string type = option.get_type_name();
  const size_t begin = type.find('{');
  const size_t end = type.find('}');
  if (begin == std::string::npos || end == std::string::npos) return "";
  return absl::StrReplaceAll(type.substr(begin + 1, end - begin - 1), {{",", " "}});
}

class CompletionCases {
 public:
  // Adds the cases of `command` and all below it. `inherited` are the options of those above.
  void Add(const CLI::App& command, const std::string& path,
           std::vector<const CLI::Option*> inherited) {
    for (const CLI::Option* option : command.get_options()) inherited.push_back(option);
    std::vector<std::string> words;
    std::vector<std::string> free;  // flags whose values have no names
    for (const CLI::Option* option : inherited) {
      const std::vector<std::string> names = NamesOf(*option);
      const std::string choices = ChoicesOf(*option);
      words.insert(words.end(), names.begin(), names.end());
      if (names.empty()) {
        words.push_back(choices);
      } else if (!choices.empty()) {
        AddValues(path, names, choices);
      } else if (option->get_items_expected_max() > 0) {
        free.insert(free.end(), names.begin(), names.end());
      }
    }
    AddValues(path, free, "");
    for (const CLI::App* child : command.get_subcommands([](const CLI::App*) { return true; })) {
      const std::string child_path = absl::StrCat(path, "/", child->get_name());
      words.push_back(child->get_name());
      commands_.push_back(child_path);
      Add(*child, child_path, inherited);
    }
    absl::StrAppend(&words_, "        \"", path, "\") words=\"", absl::StrJoin(words, " "),
                    "\" ;;\n");
  }

  std::string Script(const std::string& program) const {
    return absl::StrReplaceAll(kScript, {{"@PROGRAM@", program},
                                         {"@COMMANDS@", absl::StrJoin(commands_, " | ")},
                                         {"@VALUES@", values_},
                                         {"@WORDS@", words_}});
  }

 private:
  static std::vector<std::string> NamesOf(const CLI::Option& option) {
    std::vector<std::string> names;
    for (const std::string& name : option.get_snames()) names.push_back("-" + name);
    for (const std::string& name : option.get_lnames()) names.push_back("--" + name);
    return names;
  }

  void AddValues(const std::string& path, const std::vector<std::string>& names,
                 const std::string& choices) {
    if (names.empty()) return;
    const auto pattern = [&path](std::string* out, const std::string& name) {
      absl::StrAppend(out, path, ":", name);
    };
    absl::StrAppend(&values_, "    ", absl::StrJoin(names, " | ", pattern), ") words=\"", choices,
                    "\" ;;\n");
  }

  std::vector<std::string> commands_;
  std::string values_;
  std::string words_;
};

}  // namespace

std::string BashCompletion(const CLI::App& app, const std::string& program) {
  CompletionCases cases;
  cases.Add(app, "", {});
  return cases.Script(program);
}

std::string ZshCompletion(const CLI::App& app, const std::string& program) {
  return absl::StrCat(kBashInZsh, BashCompletion(app, program));
}

}  // namespace normd::cli
