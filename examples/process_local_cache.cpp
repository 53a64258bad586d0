// SPDX-License-Identifier: MIT
// A cache in a worker is that worker's own: it helps its later tasks, and nobody else. What all workers are to know is
// computed first and handed over, here to the initializer.
#include <brigade/brigade.hpp>

#include <cstddef>
#include <cstdio>
#include <list>
#include <unordered_map>
#include <utility>
#include <vector>

// Python's lru_cache for functions of a number: forgets what was asked for the longest time ago.
class LruCache {
 public:
  LruCache(std::size_t most, long (*function)(int)) : most_(most), function_(function) {}

  long operator()(int n) {
    if (const auto known = where_.find(n); known != where_.end()) {
      newest_first_.splice(newest_first_.begin(), newest_first_, known->second);
      return known->second->second;
    }
    ++misses_;
    const long result = function_(n);  // may ask this cache itself
    insert(n, result);
    return result;
  }
  void insert(int n, long result) {
    newest_first_.emplace_front(n, result);
    where_[n] = newest_first_.begin();
    if (where_.size() <= most_) return;
    where_.erase(newest_first_.back().first);
    newest_first_.pop_back();
  }
  int misses() const { return misses_; }

 private:
  std::size_t most_;
  long (*function_)(int);
  int misses_ = 0;
  std::list<std::pair<int, long>> newest_first_;
  std::unordered_map<int, std::list<std::pair<int, long>>::iterator> where_;
};

long fibonacci(int n);
LruCache cached_fibonacci(1024, fibonacci);
long fibonacci(int n) { return n < 2 ? n : cached_fibonacci(n - 1) + cached_fibonacci(n - 2); }

// How many numbers had to be computed for this one.
int work_for(int n) {
  const int before = cached_fibonacci.misses();
  cached_fibonacci(n);
  return cached_fibonacci.misses() - before;
}

using Known = std::vector<std::pair<int, long>>;

void learn(const Known& known) {
  for (const auto& [n, result] : known) cached_fibonacci.insert(n, result);
}

int main(int argc, char** argv) {
  brigade::init(argc, argv);
  {
    brigade::Pool one_worker(1);
    std::printf("a worker: %d computed\n", one_worker.apply(work_for, 80));
    std::printf("the same worker: %d computed\n", one_worker.apply(work_for, 80));
  }
  std::printf("this process: %d computed\n", work_for(80));
  {
    brigade::Pool always_new({.processes = 1, .max_tasks_per_child = 1});
    for (int i = 0; i < 2; ++i) std::printf("a new worker: %d computed\n", always_new.apply(work_for, 80));
  }
  const Known known{{79, cached_fibonacci(79)}, {80, cached_fibonacci(80)}};
  brigade::Pool taught({.processes = 1, .initializer = brigade::partial(learn, known)});
  std::printf("a worker that was told: %d computed\n", taught.apply(work_for, 80));
}
