// What `normd --help` prints.
#ifndef NORMD_SERVER_HELP_H_
#define NORMD_SERVER_HELP_H_

#include <string>

namespace normd::server {

// The usage, and the flags of server/flags.cc by topic, each with its default.
std::string HelpText();

}  // namespace normd::server

#endif  // NORMD_SERVER_HELP_H_
