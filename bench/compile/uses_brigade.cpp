// SPDX-License-Identifier: MIT
// What bench_compile compiles: five functions of five types through a pool.
#include <cstddef>
#include <cstdio>
#include <map>
#include <string>
#include <vector>

#include <brigade/brigade.hpp>

namespace {

struct Job {
  std::string name;
  int number = 0;
  double weight = 0;
};

int twice(int x) { return 2 * x; }

std::string greet(const std::string& name) { return "hello " + name; }

double sum(const std::vector<double>& numbers) {
  double all = 0;
  for (const double number : numbers) all += number;
  return all;
}

Job heavier(Job job) {
  job.weight += 1;
  return job;
}

std::size_t count(const std::map<std::string, std::string>& words) { return words.size(); }

}  // namespace

int main(int argc, char** argv) {
  brigade::init(argc, argv);
  brigade::Pool pool(2);
  std::printf("%d\n", pool.apply(twice, 1));
  std::printf("%s\n", pool.apply(greet, std::string("you")).c_str());
  std::printf("%f\n", pool.apply(sum, std::vector<double>{1, 2}));
  std::printf("%f\n", pool.apply(heavier, Job{"one", 1, 2}).weight);
  std::printf("%zu\n", pool.apply(count, std::map<std::string, std::string>{{"a", "b"}}));
}
