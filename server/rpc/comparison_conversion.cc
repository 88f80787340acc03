#include "server/rpc/comparison_conversion.h"

#include "server/rpc/proto_conversion.h"

namespace normd::server {

void ToProto(const Measurements& measurements, v1::Measurements* proto) {
  const Measurements& m = measurements;
  proto->set_values(m.values);
  if (m.output_gap) proto->set_output_gap(*m.output_gap);
  if (m.largest_gap) proto->set_largest_gap(*m.largest_gap);
  if (m.mean_discrepancy) proto->set_mean_discrepancy(*m.mean_discrepancy);
  if (m.mean_noise_floor) proto->set_mean_noise_floor(*m.mean_noise_floor);
  if (m.deviation_discrepancy) proto->set_deviation_discrepancy(*m.deviation_discrepancy);
  if (m.deviation_noise_floor) proto->set_deviation_noise_floor(*m.deviation_noise_floor);
}

void ToProto(const MethodSummary& summary, v1::MethodSummary* proto) {
  ToProto(summary.measurements, proto->mutable_measurements());
  proto->set_chunks_refused_by_training(summary.chunks_refused_by_training);
  for (const ColdStart& early : summary.cold_start) {
    v1::ColdStart* cold_start = proto->add_cold_start();
    cold_start->set_values(early.values);
    cold_start->set_mean_discrepancy(early.mean_discrepancy);
    cold_start->set_mean_noise_floor(early.mean_noise_floor);
    cold_start->set_deviation_discrepancy(early.deviation_discrepancy);
  }
  // Without a session there are no versions.
  if (summary.statistics) ToProto(*summary.statistics, 0, proto->mutable_statistics());
}

}  // namespace normd::server
