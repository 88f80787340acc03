// The process's metrics: what GET /metrics answers.
//
// Counters and histograms are prometheus-cpp's. Who counts keeps a reference to its counter: an
// Increment takes some nanoseconds (tests/bench/metrics_cost.cc), a look-up by labels takes a lock.
// Labels are bounded: their values are literals of ours or names of a table, never a client's.
#ifndef NORMD_SERVER_OBSERVABILITY_METRICS_H_
#define NORMD_SERVER_OBSERVABILITY_METRICS_H_

#include <functional>
#include <map>
#include <mutex>
#include <string>
#include <vector>

#include "prometheus/counter.h"
#include "prometheus/histogram.h"
#include "prometheus/metric_family.h"
#include "prometheus/registry.h"

namespace normd::server {

// Thread-safe.
class Metrics {
 public:
  using Labels = std::map<std::string, std::string>;
  // Called at each scrape, from the admin server's threads; must not call the Metrics.
  using Value = std::function<double()>;

  Metrics() = default;
  Metrics(const Metrics&) = delete;
  Metrics& operator=(const Metrics&) = delete;

  // A gauge, or a counter, whose value is known elsewhere. Those of one name differ in labels.
  void AddGauge(const std::string& name, const std::string& help, const Labels& labels,
                Value value);
  void AddCounter(const std::string& name, const std::string& help, const Labels& labels,
                  Value value);

  // The counter, or histogram, of that name and those labels; made when first asked for. Lives as
  // long as this does.
  prometheus::Counter& Counter(const std::string& name, const std::string& help,
                               const Labels& labels);
  prometheus::Histogram& Histogram(const std::string& name, const std::string& help,
                                   const Labels& labels, const std::vector<double>& upper_bounds);

  // All of them in Prometheus' text format 0.0.4.
  std::string Serialize() const;

 private:
  struct Callback {
    prometheus::MetricType type;
    std::string help;
    std::vector<std::pair<Labels, Value>> values;
  };

  void Add(prometheus::MetricType type, const std::string& name, const std::string& help,
           const Labels& labels, Value value);

  prometheus::Registry registry_;
  mutable std::mutex mutex_;  // guards what follows
  std::map<std::string, Callback> callbacks_;
};

}  // namespace normd::server

#endif  // NORMD_SERVER_OBSERVABILITY_METRICS_H_
