// gRPC's channelz, in the JSON of its C API, as pages below /channelz.
#ifndef NORMD_SERVER_OBSERVABILITY_CHANNELZ_PAGES_H_
#define NORMD_SERVER_OBSERVABILITY_CHANNELZ_PAGES_H_

#include "httplib.h"

namespace normd::server {

// GET /channelz            the paths
// GET /channelz/servers    grpc.channelz.v1.GetServersResponse; ?start=ID pages on
// GET /channelz/server/ID  GetServerResponse
// GET /channelz/sockets/ID GetServerSocketsResponse of the server ID; ?start=ID pages on
// GET /channelz/socket/ID  GetSocketResponse
//
// An id that there is not is 404. Servers show where GRPC_ARG_ENABLE_CHANNELZ is not off.
void AddChannelzPages(httplib::Server& http);

}  // namespace normd::server

#endif  // NORMD_SERVER_OBSERVABILITY_CHANNELZ_PAGES_H_
