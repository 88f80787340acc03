// Plans and reports of comparisons, between the contract's messages and core's values.
#ifndef NORMD_SERVER_RPC_REPORT_CONVERSION_H_
#define NORMD_SERVER_RPC_REPORT_CONVERSION_H_

#include "absl/status/statusor.h"
#include "core/comparison/report.h"
#include "normd/v1/report.pb.h"

namespace normd::server {

// Values are checked by core. INVALID_ARGUMENT (field "orders") for one that is not known.
absl::StatusOr<ComparisonPlan> FromProto(const v1::ComparisonPlan& proto);

void ToProto(const ComparisonReport& report, v1::ComparisonReport* proto);

}  // namespace normd::server

#endif  // NORMD_SERVER_RPC_REPORT_CONVERSION_H_
