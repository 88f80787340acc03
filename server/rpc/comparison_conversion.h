// What a comparison found, as the contract's messages.
#ifndef NORMD_SERVER_RPC_COMPARISON_CONVERSION_H_
#define NORMD_SERVER_RPC_COMPARISON_CONVERSION_H_

#include "core/comparison/measurements.h"
#include "core/comparison/method_comparison.h"
#include "normd/v1/comparison.pb.h"

namespace normd::server {

void ToProto(const Measurements& measurements, v1::Measurements* proto);
void ToProto(const MethodSummary& summary, v1::MethodSummary* proto);

}  // namespace normd::server

#endif  // NORMD_SERVER_RPC_COMPARISON_CONVERSION_H_
