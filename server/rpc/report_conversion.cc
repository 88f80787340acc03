#include "server/rpc/report_conversion.h"

#include "absl/strings/str_cat.h"
#include "core/error/error.h"
#include "server/rpc/spec_conversion.h"

namespace normd::server {
namespace {

v1::BatchOrder OrderToProto(BatchOrder order) {
  switch (order) {
    case BatchOrder::kArrival:
      return v1::BATCH_ORDER_ARRIVAL;
    case BatchOrder::kShuffled:
      return v1::BATCH_ORDER_SHUFFLED;
    case BatchOrder::kBySequence:
      return v1::BATCH_ORDER_BY_SEQUENCE;
    case BatchOrder::kByPosition:
      return v1::BATCH_ORDER_BY_POSITION;
  }
  return v1::BATCH_ORDER_UNSPECIFIED;
}

absl::StatusOr<BatchOrder> OrderFromProto(int order) {
  switch (order) {
    case v1::BATCH_ORDER_UNSPECIFIED:
    case v1::BATCH_ORDER_ARRIVAL:
      return BatchOrder::kArrival;
    case v1::BATCH_ORDER_SHUFFLED:
      return BatchOrder::kShuffled;
    case v1::BATCH_ORDER_BY_SEQUENCE:
      return BatchOrder::kBySequence;
    case v1::BATCH_ORDER_BY_POSITION:
      return BatchOrder::kByPosition;
  }
  return InvalidFieldError("orders", absl::StrCat("holds ", order, ", which is no order"));
}

VerdictThresholds ThresholdsFromProto(const v1::VerdictThresholds& proto) {
  VerdictThresholds result;
  if (proto.has_largest_gap()) result.largest_gap = proto.largest_gap();
  if (proto.has_largest_ratio()) result.largest_ratio = proto.largest_ratio();
  if (proto.has_largest_drift()) result.largest_drift = proto.largest_drift();
  if (proto.has_widest_interval()) result.widest_interval = proto.widest_interval();
  return result;
}

void Write(const VerdictThresholds& thresholds, v1::VerdictThresholds* proto) {
  proto->set_largest_gap(thresholds.largest_gap);
  proto->set_largest_ratio(thresholds.largest_ratio);
  proto->set_largest_drift(thresholds.largest_drift);
  proto->set_widest_interval(thresholds.widest_interval);
}

void Write(const ComparisonPlan& plan, v1::ComparisonPlan* proto) {
  proto->mutable_batch_sizes()->Assign(plan.batch_sizes.begin(), plan.batch_sizes.end());
  for (const BatchOrder order : plan.orders) proto->add_orders(OrderToProto(order));
  proto->set_seed(plan.seed);
  proto->set_sample_bytes(plan.sample_bytes);
  if (plan.batch_size_in_use) proto->set_batch_size_in_use(*plan.batch_size_in_use);
  Write(plan.thresholds, proto->mutable_thresholds());
  proto->set_first_pass_chunks(plan.first_pass_chunks);
}

void Write(const Estimate& estimate, v1::Estimate* proto) {
  proto->set_value(estimate.value);
  if (estimate.low) proto->set_low(*estimate.low);
  if (estimate.high) proto->set_high(*estimate.high);
}

void Write(const Discrepancies& discrepancies, v1::Discrepancies* proto) {
  using Member = v1::Discrepancy* (v1::Discrepancies::*)();
  constexpr Member kMembers[kDiscrepancyKinds] = {
      // in the order of DiscrepancyKind
      &v1::Discrepancies::mutable_tid_mean_by_batch,
      &v1::Discrepancies::mutable_tid_deviation_by_batch,
      &v1::Discrepancies::mutable_tid_mean_by_running,
      &v1::Discrepancies::mutable_tid_deviation_by_running,
      &v1::Discrepancies::mutable_renorm_d,
      &v1::Discrepancies::mutable_renorm_r,
      &v1::Discrepancies::mutable_powernorm_mean,
      &v1::Discrepancies::mutable_powernorm_variance,
      &v1::Discrepancies::mutable_powernorm_relative,
      &v1::Discrepancies::mutable_final_mean,
      &v1::Discrepancies::mutable_final_deviation};
  for (size_t i = 0; i < kDiscrepancyKinds; ++i) {
    const MeasuredDiscrepancy& from = discrepancies.values[i];
    if (!from.measured) continue;
    const Member member = kMembers[i];  // apart: GCC 12's bounds sanitizer takes `i` for another
    v1::Discrepancy* to = (proto->*member)();
    Write(*from.measured, to->mutable_measured());
    if (from.noise_floor) to->set_noise_floor(*from.noise_floor);
    if (const auto ratio = from.ratio()) Write(*ratio, to->mutable_ratio());
  }
}

void Write(const CellReport& cell, const std::vector<MethodReport>& methods, v1::Cell* proto) {
  proto->set_order(OrderToProto(cell.order));
  proto->set_batch_size(cell.batch_size);
  proto->set_with_padding(cell.with_padding);
  proto->set_batches(cell.batches);
  proto->set_mean_batch_size(cell.mean_batch_size);
  proto->set_from_sample(cell.from_sample);
  if (cell.effective_batch_size) proto->set_effective_batch_size(*cell.effective_batch_size);
  for (size_t i = 0; i < cell.methods.size(); ++i) {
    const CellMethod& method = cell.methods[i];
    v1::CellMethod* to = proto->add_methods();
    to->set_method(methods[i].name);
    if (method.discrepancies) Write(*method.discrepancies, to->mutable_discrepancies());
    if (const auto& gap = method.output_gap) {
      to->mutable_output_gap()->set_p50(gap->p50);
      to->mutable_output_gap()->set_p99(gap->p99);
      to->mutable_output_gap()->set_largest(gap->largest);
      to->mutable_output_gap()->set_overall(gap->overall.value);
      if (gap->overall.low) to->mutable_output_gap()->set_low(*gap->overall.low);
      if (gap->overall.high) to->mutable_output_gap()->set_high(*gap->overall.high);
    }
    if (method.co_batch_sensitivity) {
      Write(*method.co_batch_sensitivity, to->mutable_co_batch_sensitivity());
    }
  }
}

void Write(const VarianceSplit& split, v1::VarianceSplit* proto) {
  proto->set_token_share(split.token_share);
  proto->set_channel_share(split.channel_share);
  proto->set_residual_share(split.residual_share);
  proto->set_token_scale_variation(split.token_scale_variation);
  proto->set_channel_scale_variation(split.channel_scale_variation);
}

void Write(const Grouping& grouping, v1::Grouping* proto) {
  proto->set_groups(grouping.groups);
  proto->set_tokens(grouping.tokens);
  proto->set_within_share(grouping.within_share);
  proto->set_intraclass_correlation(grouping.intraclass_correlation);
  proto->mutable_constant_positions()->Assign(grouping.constant_positions.begin(),
                                              grouping.constant_positions.end());
}

void Write(const ChannelShapes& shapes, v1::Channels* proto) {
  proto->set_count(shapes.count);
  proto->set_without_variance(shapes.without_variance);
  proto->set_outliers(shapes.outliers);
  proto->set_median_kurtosis(shapes.median_kurtosis);
  for (const ChannelShape& shape : shapes.outstanding) {
    v1::Channel* to = proto->add_outstanding();
    to->set_index(shape.index);
    to->set_mean(shape.mean);
    to->set_deviation(shape.deviation);
    to->set_kurtosis(shape.kurtosis);
    to->set_largest_magnitude(shape.largest_magnitude);
  }
}

void Write(const Drift& drift, v1::Drift* proto) {
  proto->set_symmetric_divergence(drift.symmetric_divergence);
  proto->set_mean_shift(drift.mean_shift);
  proto->set_mean_shift_floor(drift.mean_shift_floor);
  proto->set_symmetric_divergence_floor(drift.symmetric_divergence_floor);
  proto->set_excess(drift.excess);
  if (drift.change_point) proto->set_change_point(*drift.change_point);
}

void Write(const PaddingEffect& padding, v1::PaddingEffect* proto) {
  proto->set_padded_share(padding.padded_share);
  proto->set_mean_without(padding.mean_without);
  proto->set_mean_with(padding.mean_with);
  proto->set_variance_without(padding.variance_without);
  proto->set_variance_with(padding.variance_with);
}

void Write(const MethodReport& method, v1::MethodReport* proto) {
  proto->set_name(method.name);
  proto->set_title(method.title);
  ToProto(method.spec, proto->mutable_spec());
  proto->set_gap_is_exactly_zero(method.gap_is_exactly_zero);
  if (method.cold_start) {
    v1::ColdStartTime* const cold_start = proto->mutable_cold_start();
    if (method.cold_start->tokens) cold_start->set_tokens(*method.cold_start->tokens);
  }
  if (method.padding_gap) proto->set_padding_gap(*method.padding_gap);
  proto->set_state_bytes(method.state_bytes);
  proto->set_nanoseconds_per_token(method.nanoseconds_per_token);
}

void Assign(const std::vector<double>& from, google::protobuf::RepeatedField<double>* to) {
  to->Assign(from.begin(), from.end());
}

void Write(const Plots& plots, v1::Plots* proto) {
  proto->mutable_segment_ends()->Assign(plots.segment_ends.begin(), plots.segment_ends.end());
  proto->mutable_discrepancy()->set_channel(-1);
  Assign(plots.discrepancy, proto->mutable_discrepancy()->mutable_values());
  Assign(plots.discrepancy_floor, proto->mutable_discrepancy_floor());
  for (const ChannelSeries& series : plots.channels) {
    v1::Series* to = proto->add_channels();
    to->set_channel(series.channel);
    Assign(series.values, to->mutable_values());
  }
  for (const DensityPlot& density : plots.densities) {
    v1::Density* to = proto->add_densities();
    to->set_method(density.method);
    to->set_batch_size(density.batch_size);
    to->set_training(density.training);
    to->set_low(Density::kLow);
    to->set_high(Density::kHigh);
    Assign(density.shares, to->mutable_shares());
  }
  for (const CoBatchPlot& co_batch : plots.co_batches) {
    v1::CoBatch* to = proto->add_co_batches();
    to->set_method(co_batch.method);
    to->set_batch_size(co_batch.batch_size);
    to->set_channel(co_batch.channel);
    Assign(co_batch.outputs, to->mutable_outputs());
  }
}

v1::Verdict::Kind KindToProto(Verdict::Kind kind) {
  switch (kind) {
    case Verdict::Kind::kNone:
      break;
    case Verdict::Kind::kBatchNormIsFine:
      return v1::Verdict::KIND_BATCH_NORM_IS_FINE;
    case Verdict::Kind::kUseLayerNorm:
      return v1::Verdict::KIND_USE_LAYER_NORM;
    case Verdict::Kind::kUseFrozenStatistics:
      return v1::Verdict::KIND_USE_FROZEN_STATISTICS;
    case Verdict::Kind::kNotEnoughData:
      return v1::Verdict::KIND_NOT_ENOUGH_DATA;
  }
  return v1::Verdict::KIND_UNSPECIFIED;
}

void Write(const Verdict& verdict, v1::Verdict* proto) {
  proto->set_kind(KindToProto(verdict.kind));
  proto->set_summary(verdict.summary);
  for (const std::string& reason : verdict.reasons) proto->add_reasons(reason);
  if (verdict.tokens_needed) proto->set_tokens_needed(*verdict.tokens_needed);
  proto->set_batch_size(verdict.batch_size);
  Write(verdict.thresholds, proto->mutable_thresholds());
}

}  // namespace

absl::StatusOr<ComparisonPlan> FromProto(const v1::ComparisonPlan& proto) {
  ComparisonPlan plan;
  plan.batch_sizes.assign(proto.batch_sizes().begin(), proto.batch_sizes().end());
  for (const int value : proto.orders()) {
    const absl::StatusOr<BatchOrder> order = OrderFromProto(value);
    if (!order.ok()) return order.status();
    plan.orders.push_back(*order);
  }
  plan.seed = proto.seed();
  if (proto.has_sample_bytes()) plan.sample_bytes = proto.sample_bytes();
  if (proto.has_batch_size_in_use()) plan.batch_size_in_use = proto.batch_size_in_use();
  plan.thresholds = ThresholdsFromProto(proto.thresholds());
  plan.first_pass_chunks = proto.first_pass_chunks();
  return plan;
}

void ToProto(const ComparisonReport& report, v1::ComparisonReport* proto) {
  proto->set_tokens(report.tokens);
  proto->set_sequences(report.sequences);
  proto->set_padded_tokens(report.padded_tokens);
  proto->set_non_finite_tokens(report.non_finite_tokens);
  proto->set_sampled_tokens(report.sampled_tokens);
  for (const CellReport& cell : report.cells) {
    Write(cell, report.methods, proto->add_cells());
  }
  Write(report.variance_split, proto->mutable_variance_split());
  if (report.by_sequence) Write(*report.by_sequence, proto->mutable_by_sequence());
  if (report.by_position) Write(*report.by_position, proto->mutable_by_position());
  Write(report.channels, proto->mutable_channels());
  if (report.drift) Write(*report.drift, proto->mutable_drift());
  if (report.padding) Write(*report.padding, proto->mutable_padding());
  for (const MethodReport& method : report.methods) Write(method, proto->add_methods());
  Write(report.plots, proto->mutable_plots());
  Write(report.verdict, proto->mutable_verdict());
  if (const auto method = report.verdict.method) {
    proto->mutable_verdict()->set_method(report.methods[*method].name);
  }
  Write(report.plan, proto->mutable_plan());
}

}  // namespace normd::server
