// SPDX-License-Identifier: MIT
// Tiny tasks: the executor against two bare rings in shared memory (the limit), against threads (oneTBB, Asio, a pool by
// hand, std::async) and against CPython's pools of processes.
//   bench_submit [ROUNDS] [TASKS]
#include <algorithm>
#include <cstddef>
#include <cstdlib>
#include <functional>
#include <future>
#include <string>
#include <utility>
#include <vector>

#include <brigade/brigade.hpp>

#include "submit/bare_rings.hpp"
#include "submit/peers.hpp"
#include "support/measure.hpp"
#include "support/peer.hpp"

namespace {

using bench::Candidate;
using bench::no_op;

void expect(bool right) {
  if (!right) std::abort();
}

// One round of a candidate: ns per task.
using Measure = std::function<double()>;

template <class Call>
Measure one_at_a_time(Call call) {
  constexpr double kBudgetMs = 100;
  return [call] { return bench::median_call_ns(kBudgetMs, [&] { expect(call(7) == 8); }); };
}

// From the first task to the last result, which are the results of no_op(0), no_op(1), ...
class Burst {
 public:
  explicit Burst(long tasks) : tasks_(tasks) {}
  double ns_per_task(long sum_of_results) const {
    const double time = bench::now_ns() - from_;
    expect(sum_of_results == tasks_ * (tasks_ + 1) / 2);
    return time / static_cast<double>(tasks_);
  }

 private:
  long tasks_;
  double from_ = bench::now_ns();
};

template <class Submit>
Measure submit_all(long tasks, Submit submit) {
  return [tasks, submit] {
    const Burst burst(tasks);
    using Future = decltype(submit(0L));
    std::vector<Future> futures;
    futures.reserve(static_cast<std::size_t>(tasks));
    for (long i = 0; i < tasks; ++i) futures.push_back(submit(i));
    long sum = 0;
    for (Future& future : futures) {
      if constexpr (requires { future.result(); }) {
        sum += future.result();
      } else {
        sum += future.get();
      }
    }
    return burst.ns_per_task(sum);
  };
}

// The worker of the rings spins, but not while others are measured.
Measure awake(bench::BareRings& rings, Measure measure) {
  return [&rings, measure = std::move(measure)] {
    rings.set_awake(true);
    const double time = measure();
    rings.set_awake(false);
    return time;
  };
}

double submit_all_to_rings(bench::BareRings& rings, long tasks) {
  rings.stash().clear();
  const Burst burst(tasks);
  for (long i = 0; i < tasks; ++i) rings.submit(no_op, i);
  long sum = 0;
  for (const long value : rings.stash()) sum += value;
  for (std::size_t left = static_cast<std::size_t>(tasks) - rings.stash().size(); left > 0; --left)
    sum += rings.collect();
  return burst.ns_per_task(sum);
}

#ifdef BENCH_HAS_TBB
double submit_all_to_tbb(bench::TbbGroup& group, long tasks) {
  const Burst burst(tasks);
  std::vector<long> results(static_cast<std::size_t>(tasks));
  group.call_all(results);
  long sum = 0;
  for (const long result : results) sum += result;
  return burst.ns_per_task(sum);
}
#endif

// An interpreter of its own for each round; it is gone when others are measured.
Candidate python(const std::string& name, const std::string& what, long tasks) {
  return {"CPython's " + name, [what, tasks] {
            return bench::Peer({bench::kPython, BENCH_PYTHON_PEER}).ask(what, static_cast<std::size_t>(tasks));
          }};
}

std::string of_tasks(const std::string& name, long tasks) { return name + ", " + std::to_string(tasks) + " tasks"; }

// Those that live as long as the program.
struct Peers {
  bench::BareRings rings;
  brigade::ProcessPoolExecutor one{1};
  brigade::ProcessPoolExecutor two{2};
#ifdef BENCH_HAS_TBB
  bench::TbbGroup tbb;
#endif
#ifdef BENCH_HAS_ASIO
  bench::AsioPool asio;
#endif
  bench::ThreadPool threads;
};

std::future<long> async(long x) { return std::async(std::launch::async, no_op, x); }

constexpr const char* kRings = "two bare rings, one worker process (limit)";
constexpr const char* kOne = "brigade, 1 worker";
constexpr const char* kTwo = "brigade, 2 workers";
constexpr const char* kTbb = "oneTBB task_group, 2 threads, the caller is one";
constexpr const char* kAsio = "Asio thread_pool, 2 threads";
constexpr const char* kByHand = "mutex and condition variable, 2 threads";

void calls(Peers& peers, int rounds, long tasks) {
  std::vector<Candidate> all;
  const auto add = [&all](const char* name, Measure measure) { all.push_back({name, std::move(measure)}); };
  add(kRings, awake(peers.rings, one_at_a_time([&](long x) { return peers.rings.call(no_op, x); })));
  add(kOne, one_at_a_time([&](long x) { return peers.one.submit(no_op, x).result(); }));
  add(kTwo, one_at_a_time([&](long x) { return peers.two.submit(no_op, x).result(); }));
#ifdef BENCH_HAS_TBB
  add(kTbb, one_at_a_time([&](long x) { return peers.tbb.call(x); }));
#endif
#ifdef BENCH_HAS_ASIO
  add(kAsio, one_at_a_time([&](long x) { return peers.asio.submit(x).get(); }));
#endif
  add(kByHand, one_at_a_time([&](long x) { return peers.threads.submit(x).get(); }));
  add("std::async", one_at_a_time([](long x) { return async(x).get(); }));
  if (bench::has_python()) {
    const long few = std::min(tasks, 1000L);
    all.push_back(python("Pool(1).apply", "pool", few));
    all.push_back(python("ProcessPoolExecutor(1).submit().result()", "executor", few));
  }
  bench::compare("one task at a time: submit().result()", "ns", rounds, all);
  bench::mention_missing_python();
}

void bursts(Peers& peers, int rounds, long tasks) {
  std::vector<Candidate> all;
  const auto add = [&all](const std::string& name, Measure measure) { all.push_back({name, std::move(measure)}); };
  add(kRings, awake(peers.rings, [&peers, tasks] { return submit_all_to_rings(peers.rings, tasks); }));
  add(kOne, submit_all(tasks, [&](long x) { return peers.one.submit(no_op, x); }));
  add(kTwo, submit_all(tasks, [&](long x) { return peers.two.submit(no_op, x); }));
#ifdef BENCH_HAS_TBB
  add(kTbb, [&peers, tasks] { return submit_all_to_tbb(peers.tbb, tasks); });
#endif
#ifdef BENCH_HAS_ASIO
  add(kAsio, submit_all(tasks, [&](long x) { return peers.asio.submit(x); }));
#endif
  add(kByHand, submit_all(tasks, [&](long x) { return peers.threads.submit(x); }));
  // A thread each.
  const long threads = std::min(tasks, 1000L);
  add(of_tasks("std::async", threads), submit_all(threads, async));
  if (bench::has_python()) {
    const long few = std::min(tasks, 5000L);
    all.push_back(python(of_tasks("Pool(1).apply_async", few), "pool-all", few));
    all.push_back(python(of_tasks("ProcessPoolExecutor(1).submit", few), "executor-all", few));
  }
  bench::compare(std::to_string(tasks) + " tasks submitted, then all results", "ns per task", rounds, all);
  bench::mention_missing_python();
}

}  // namespace

int main(int argc, char** argv) {
  brigade::init(argc, argv);
  const int rounds = argc > 1 ? std::atoi(argv[1]) : 9;
  const long tasks = argc > 2 ? std::atol(argv[2]) : 200'000;
  Peers peers;
  calls(peers, rounds, tasks);
  bursts(peers, rounds, tasks);
}
