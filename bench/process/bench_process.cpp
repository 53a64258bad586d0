// SPDX-License-Identifier: MIT
// Start and join of a process, and the time until its first line runs: brigade's three methods against what the kernel
// needs for the bare thing, a thread, and CPython's three methods.
//   bench_process [--pin] [ROUNDS] [CALLER_MIB...]      --pin: everything on one CPU
#include <fcntl.h>
#include <sched.h>
#include <sys/mman.h>
#include <unistd.h>

#include <chrono>
#include <cstdio>
#include <cstdlib>
#include <iostream>
#include <memory>
#include <string>
#include <thread>
#include <vector>

#include <brigade/brigade.hpp>

#include "process/bare.hpp"
#include "support/measure.hpp"
#include "support/peer.hpp"

namespace {

using namespace brigade;
using bench::Candidate;
using Sense = bench::Goal::Sense;

constexpr double kGoalOverZygote = 1.2;
constexpr double kGoalOverSize = 1.2;
constexpr double kGoalOverSpare = 3.0;
constexpr double kGoalOverFork = 1.2;
constexpr double kGoalOverSpawn = 1.3;

constexpr const char* kMeasureThreads = "--threads";
constexpr std::size_t kBurst = 8;

// A process that does next to nothing, and whose function all three methods find by its name. The answer is the median in us
// of NUMBER starts and joins by WHAT; "ballast NUMBER" has the interpreter touch that many MiB.
constexpr const char* kPythonScript = R"(
import multiprocessing, os, statistics, sys, time
ballast = None
for line in sys.stdin:
    what, number = line.split()
    if what == "ballast":
        ballast = None
        ballast = b"x" * (int(number) << 20)
        print(0, flush=True)
        continue
    context = multiprocessing.get_context(what)
    times = []
    for _ in range(int(number) + 1):
        begin = time.perf_counter()
        process = context.Process(target=os.getpid)
        process.start()
        process.join()
        times.append(time.perf_counter() - begin)
    print(statistics.median(times[1:]) * 1e6, flush=True)
)";

// Where children note the time of their first line: in memory for those that share it, by its file for all others.
class Board {
 public:
  Board() : file_(::memfd_create("bench", MFD_CLOEXEC)) {
    if (::ftruncate(file_.get(), kBytes) != 0) std::abort();
    void* const at = ::mmap(nullptr, kBytes, PROT_READ | PROT_WRITE, MAP_SHARED, file_.get(), 0);
    if (at == MAP_FAILED) std::abort();
    clocks_ = static_cast<bench::Clock*>(at);
  }
  bench::Clock* at(std::size_t slot) const { return clocks_ + slot; }
  int file() const { return file_.get(); }
  // When the child of this slot came to its first line; the slot is free again.
  double take(std::size_t slot) const {
    const std::uint64_t time = clocks_[slot].exchange(0);
    if (time == 0) {
      std::fprintf(stderr, "bench_process: a child did not come to its first line\n");
      std::abort();
    }
    return static_cast<double>(time);
  }

 private:
  static constexpr std::size_t kBytes = 4096;
  static_assert(kBurst * sizeof(bench::Clock) <= kBytes);

  os::Fd file_;
  bench::Clock* clocks_;
};

void nothing() {}

void first_line(int caller, int board, std::size_t slot) {
  const auto time = static_cast<std::uint64_t>(bench::now_ns());
  const std::string path = "/proc/" + std::to_string(caller) + "/fd/" + std::to_string(board);
  const os::Fd file(::open(path.c_str(), O_RDWR | O_CLOEXEC));
  if (::pwrite(file.get(), &time, sizeof time, static_cast<off_t>(slot * sizeof time)) != sizeof time) ::_exit(1);
}

void brigade_process(Context::Method method) {
  Process process(ProcessOptions{.context = Context(method)}, nothing);
  process.start();
  process.join();
}

// The candidates that live as long as the program. Made when it is small, as the zygote of brigade is.
struct Peers {
  Board board;
  bench::BareZygote zygote{board.at(0)};
  bench::BareSpare spare{board.at(0)};
  bench::Peer threads{{"/proc/self/exe", kMeasureThreads}};
  std::unique_ptr<bench::Peer> python =
      bench::has_python() ? std::make_unique<bench::Peer>(std::vector<std::string>{bench::kPython, "-c", kPythonScript})
                          : nullptr;
};

// What is compared with what at the end, of one size of the caller.
struct Figures {
  std::size_t mib = 0;
  double forkserver_us = 0;
  double forkserver_over_zygote = 0;
  double fork_over_fork = 0;
  double spawn_over_spawn = 0;
  double first_line_over_spare = 0;
};

void start_and_join(const Peers& peers, int rounds, Figures& figures) {
  constexpr double kBudgetMs = 100;
  std::vector<Candidate> all;
  const auto add = [&](const char* name, std::function<void()> call) {
    all.push_back({name, [call = std::move(call)] { return bench::median_call_ns(kBudgetMs, call) / 1e3; }});
    return all.size() - 1;
  };
  const std::size_t zygote = add("bare zygote (limit)", [&] { peers.zygote.start_and_join(); });
  add("bare spare (limit of what is cloned ahead)", [&] { peers.spare.start_and_join(); });
  const std::size_t forkserver =
      add("brigade::Process, forkserver", [] { brigade_process(Context::Method::forkserver); });
  const std::size_t bare_fork = add("bare fork", [] { bench::bare_fork(); });
  const std::size_t fork = add("brigade::Process, fork", [] { brigade_process(Context::Method::fork); });
  const std::size_t bare_spawn = add("bare posix_spawn of this program", [] { bench::bare_spawn(); });
  const std::size_t spawn = add("brigade::Process, spawn", [] { brigade_process(Context::Method::spawn); });
  all.push_back({"std::thread (no process)", [&] { return peers.threads.ask("thread", 1000); }});
  if (peers.python) {
    peers.python->ask("ballast", figures.mib);
    for (const char* method : {"forkserver", "fork", "spawn"}) {
      const std::size_t times = std::string(method) == "spawn" ? 3 : 10;
      all.push_back({std::string("CPython's multiprocessing.Process, ") + method,
                     [&peers, method, times] { return peers.python->ask(method, times); }});
    }
  }
  const bench::Comparison result = bench::compare(
      "start + exit + reap of a process, caller of " + std::to_string(figures.mib) + " MiB", "us", rounds, all);
  bench::mention_missing_python();
  figures.forkserver_us = bench::median(result.values[forkserver]);
  figures.forkserver_over_zygote = result.ratio(forkserver, zygote);
  figures.fork_over_fork = result.ratio(fork, bare_fork);
  figures.spawn_over_spawn = result.ratio(spawn, bare_spawn);
}

// Starts `burst` processes without a pause and returns the median time until their first lines, in us.
double until_first_line(const Board& board, Context::Method method, std::size_t burst) {
  std::vector<Process> processes;
  for (std::size_t i = 0; i < burst; ++i) {
    processes.emplace_back(ProcessOptions{.context = Context(method)}, first_line, ::getpid(), board.file(), i);
  }
  std::vector<double> begun;
  for (Process& process : processes) {
    begun.push_back(bench::now_ns());
    process.start();
  }
  std::vector<double> times;
  for (std::size_t i = 0; i < burst; ++i) {
    processes[i].join();
    times.push_back((board.take(i) - begun[i]) / 1e3);
  }
  return bench::median(times);
}

void first_lines(const Peers& peers, int rounds, Figures& figures) {
  const Board& board = peers.board;
  std::vector<Candidate> all;
  // Each after a rest, in which whoever clones ahead has time to; a burst leaves it none.
  const auto add = [&](const char* name, int times, std::function<double()> once) {
    all.push_back({name, [times, once = std::move(once)] {
                     std::vector<double> all_times;
                     for (int i = 0; i < times; ++i) {
                       std::this_thread::sleep_for(std::chrono::milliseconds(2));
                       all_times.push_back(once());
                     }
                     return bench::median(all_times);
                   }});
    return all.size() - 1;
  };
  const auto bare = [&board](auto start_and_join) {
    return [&board, start_and_join] {
      const double begun = bench::now_ns();
      start_and_join();
      return (board.take(0) - begun) / 1e3;
    };
  };
  const auto ours = [&board](Context::Method method, std::size_t burst) {
    return [&board, method, burst] { return until_first_line(board, method, burst); };
  };
  constexpr int kTimes = 20;
  const std::size_t spare = add("bare spare (limit)", kTimes, bare([&] { peers.spare.start_and_join(); }));
  add("bare zygote", kTimes, bare([&] { peers.zygote.start_and_join(); }));
  const std::size_t forkserver = add("brigade::Process, forkserver", kTimes, ours(Context::Method::forkserver, 1));
  add("brigade::Process, forkserver, 8 at once", kTimes / 4, ours(Context::Method::forkserver, kBurst));
  add("bare fork", kTimes, bare([&board] { bench::bare_fork(board.at(0)); }));
  add("brigade::Process, fork", kTimes, ours(Context::Method::fork, 1));
  add("brigade::Process, spawn", kTimes / 2, ours(Context::Method::spawn, 1));
  const bench::Comparison result =
      bench::compare("from start() to the first line of user code, caller of " + std::to_string(figures.mib) + " MiB",
                     "us", rounds, all);
  figures.first_line_over_spare = result.ratio(forkserver, spare);
}

void report(const std::vector<Figures>& sizes) {
  std::printf("\n");
  for (const Figures& size : sizes) {
    const std::string caller = ", caller of " + std::to_string(size.mib) + " MiB";
    bench::report(
        {"forkserver of the bare zygote" + caller, kGoalOverZygote, size.forkserver_over_zygote, Sense::at_most});
    bench::report({"first line of user code of the bare spare's" + caller, kGoalOverSpare, size.first_line_over_spare,
                   Sense::at_most});
    bench::report({"fork of bare fork" + caller, kGoalOverFork, size.fork_over_fork, Sense::at_most});
    bench::report({"spawn of bare posix_spawn" + caller, kGoalOverSpawn, size.spawn_over_spawn, Sense::at_most});
  }
  if (sizes.size() < 2) return;
  const Figures& small = sizes.front();
  const Figures& large = sizes.back();
  bench::report({"forkserver with " + std::to_string(large.mib) + " MiB of the same with " + std::to_string(small.mib),
                 kGoalOverSize, large.forkserver_us / small.forkserver_us, Sense::at_most});
}

void measure_threads() {
  std::string what;
  for (std::size_t number = 0; std::cin >> what >> number;) {
    std::vector<double> times;
    for (std::size_t i = 0; i < number; ++i) {
      const double begun = bench::now_ns();
      std::thread(nothing).join();
      times.push_back(bench::now_ns() - begun);
    }
    std::cout << bench::median(times) / 1e3 << std::endl;
  }
}

void pin_to_one_cpu() {
  cpu_set_t one;
  CPU_ZERO(&one);
  CPU_SET(static_cast<std::size_t>(::sched_getcpu()), &one);
  ::sched_setaffinity(0, sizeof one, &one);
}

}  // namespace

int main(int argc, char** argv) {
  std::vector<std::string> arguments(argv + 1, argv + argc);
  const std::string option = arguments.empty() ? "" : arguments[0];
  if (option == bench::kJustExit) return 0;
  if (option == kMeasureThreads) {
    measure_threads();
    return 0;
  }
  if (option == "--pin") {
    pin_to_one_cpu();
    arguments.erase(arguments.begin());
  }
  init(argc, argv);
  const Peers peers;
  const int rounds = !arguments.empty() ? std::atoi(arguments[0].c_str()) : 9;
  std::vector<std::size_t> sizes{10, 1024};
  if (arguments.size() > 1) {
    sizes.clear();
    for (std::size_t i = 1; i < arguments.size(); ++i) sizes.push_back(std::strtoul(arguments[i].c_str(), nullptr, 10));
  }
  std::vector<Figures> figures;
  for (const std::size_t mib : sizes) {
    const std::vector<char> ballast(mib << 20U, 1);  // touched pages: what a fork has to copy
    figures.push_back({.mib = mib});
    start_and_join(peers, rounds, figures.back());
    first_lines(peers, rounds, figures.back());
  }
  report(figures);
}
