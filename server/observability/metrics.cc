#include "server/observability/metrics.h"

#include <utility>

#include "prometheus/text_serializer.h"

namespace normd::server {

void Metrics::Add(prometheus::MetricType type, const std::string& name, const std::string& help,
                  const Labels& labels, Value value) {
  const std::lock_guard lock(mutex_);
  Callback& callback = callbacks_[name];
  callback.type = type;
  callback.help = help;
  callback.values.emplace_back(labels, std::move(value));
}

void Metrics::AddGauge(const std::string& name, const std::string& help, const Labels& labels,
                       Value value) {
  Add(prometheus::MetricType::Gauge, name, help, labels, std::move(value));
}

void Metrics::AddCounter(const std::string& name, const std::string& help, const Labels& labels,
                         Value value) {
  Add(prometheus::MetricType::Counter, name, help, labels, std::move(value));
}

prometheus::Counter& Metrics::Counter(const std::string& name, const std::string& help,
                                      const Labels& labels) {
  return prometheus::BuildCounter().Name(name).Help(help).Register(registry_).Add(labels);
}

prometheus::Histogram& Metrics::Histogram(const std::string& name, const std::string& help,
                                          const Labels& labels,
                                          const std::vector<double>& upper_bounds) {
  return prometheus::BuildHistogram().Name(name).Help(help).Register(registry_).Add(labels,
                                                                                    upper_bounds);
}

std::string Metrics::Serialize() const {
  std::vector<prometheus::MetricFamily> families = registry_.Collect();
  {
    const std::lock_guard lock(mutex_);
    for (const auto& [name, callback] : callbacks_) {
      prometheus::MetricFamily family{name, callback.help, callback.type, {}};
      for (const auto& [labels, value] : callback.values) {
        prometheus::ClientMetric metric;
        for (const auto& [key, label] : labels) metric.label.push_back({key, label});
        (callback.type == prometheus::MetricType::Gauge ? metric.gauge.value
                                                        : metric.counter.value) = value();
        family.metric.push_back(std::move(metric));
      }
      families.push_back(std::move(family));
    }
  }
  return prometheus::TextSerializer().Serialize(families);
}

}  // namespace normd::server
