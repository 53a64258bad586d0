// SPDX-License-Identifier: MIT
// A pipeline of stages: each is mapped over all items by an executor of its own, then comes the next. It returns the
// results and how long each stage took.
#include <brigade/brigade.hpp>

#include <algorithm>
#include <chrono>
#include <cstddef>
#include <cstdio>
#include <map>
#include <numeric>
#include <string>
#include <utility>
#include <vector>

struct Stage {
  std::string name;
  double (*function)(double);
};

class ParallelPipeline {
 public:
  using Seconds = std::chrono::duration<double>;
  using Timing = std::map<std::string, Seconds>;

  ParallelPipeline(std::vector<Stage> stages, unsigned workers) : stages_(std::move(stages)), workers_(workers) {}

  std::pair<std::vector<double>, Timing> run(std::vector<double> items) const {
    Timing timing;
    for (std::size_t i = 0; i < stages_.size(); ++i) {
      const auto begun = std::chrono::steady_clock::now();
      {
        brigade::ProcessPoolExecutor executor(workers_);
        std::vector<double> results;
        results.reserve(items.size());
        for (const double result : executor.map(stages_[i].function, items)) results.push_back(result);
        items = std::move(results);
      }
      const std::string key = "stage_" + std::to_string(i) + " (" + stages_[i].name + ")";
      timing[key] = std::chrono::steady_clock::now() - begun;
    }
    return {std::move(items), std::move(timing)};
  }

 private:
  std::vector<Stage> stages_;
  unsigned workers_;
};

double normalize(double x) { return x / 255; }
double brighten(double x) { return std::min(x * 1.1, 1.0); }
double threshold(double x) { return x > 0.5 ? 1 : 0; }

int main(int argc, char** argv) {
  brigade::init(argc, argv);
  std::vector<double> pixels(256);
  std::iota(pixels.begin(), pixels.end(), 0.0);

  const ParallelPipeline pipeline({{"normalize", normalize}, {"brighten", brighten}, {"threshold", threshold}}, 2);
  const auto [results, timing] = pipeline.run(pixels);

  for (const auto& [stage, seconds] : timing) {
    std::printf("%s: %zu items, took its time: %d\n", stage.c_str(), results.size(), seconds.count() > 0);
  }
  std::printf("%td ones, the first at %td\n", std::ranges::count(results, 1.0),
              std::ranges::find(results, 1.0) - results.begin());
}
