// `normd healthcheck`: asks a running server, as a container's HEALTHCHECK does.
#ifndef NORMD_SERVER_OBSERVABILITY_HEALTHCHECK_H_
#define NORMD_SERVER_OBSERVABILITY_HEALTHCHECK_H_

#include <string>

namespace normd::server {

// GETs /readyz of the admin server that listens on `address`, HOST:PORT, on this machine; empty
// means 127.0.0.1:9464. Prints what it says, a line, to stdout. 0 where that is 200 within two
// seconds, 1 otherwise.
int RunHealthcheck(const std::string& address);

}  // namespace normd::server

#endif  // NORMD_SERVER_OBSERVABILITY_HEALTHCHECK_H_
