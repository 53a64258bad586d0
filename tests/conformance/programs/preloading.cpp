// SPDX-License-Identifier: MIT
// Programs with preload functions, one scene each: preloading SCENE. What they find goes to standard output.
#include <signal.h>
#include <sys/mman.h>
#include <unistd.h>

#include <atomic>
#include <cstdio>
#include <cstdlib>
#include <map>
#include <numeric>
#include <stdexcept>
#include <string>
#include <thread>
#include <vector>

#include <brigade/brigade.hpp>

#include "conformance/observation.hpp"

namespace {

using brigade::OnPreloadError;
using brigade::Process;
using brigade::set_forkserver_preload;

int table = 0;
int runs = 0;
std::vector<char> large_table;

void fill() { table = 7; }
void fill_otherwise() { table = 9; }
void count() { ++runs; }
void fill_large() { large_table.assign(100'000'000, 1); }
void fail() { throw std::out_of_range("the pantry is empty"); }
void crash() {
  ::signal(SIGSEGV, SIG_DFL);  // a sanitizer may have taken it
  void* const page = ::mmap(nullptr, 4096, PROT_NONE, MAP_PRIVATE | MAP_ANONYMOUS, -1, 0);
  *static_cast<volatile char*>(page) = 1;
}
void leave() { std::exit(3); }
void leave_thread() {
  table = 7;
  std::thread([] { ::pause(); }).detach();
}
void end_thread() {
  std::thread([] { table = 7; }).join();
}

void print(const std::string& line) {
  std::fputs((line + "\n").c_str(), stdout);
  std::fflush(stdout);
}
void print_table() { print(std::to_string(table)); }
void print_named(const std::string& name) { print(name + std::to_string(table)); }

template <class F, class... Args>
void run_by(const std::string& method, F function, Args&&... args) {
  Process process({.context = brigade::get_context(method)}, function, std::forward<Args>(args)...);
  process.start();
  process.join();
  if (process.exitcode() != 0) std::exit(90);
}
template <class F, class... Args>
void run(F function, Args&&... args) {
  run_by("forkserver", function, std::forward<Args>(args)...);
}

std::string error_of(void (*call)()) {
  try {
    call();
  } catch (const std::exception& error) {
    const brigade::RemoteInfo* const origin = brigade::remote_info(error);
    return (origin != nullptr ? origin->type_name() + ": " : "") + error.what();
  }
  return "no error";
}

// The children that are neither of this program's making: the zygote first, then the spare. All are killed.
void kill_zygote_and_spare() {
  for (const int child : observation::children()) ::kill(child, SIGKILL);
  observation::eventually([] { return observation::children().size() == observation::zombies().size(); });
}

// ---- scenes ----

void order() {
  run(print_named, "before: ");
  Process early({.context = brigade::get_context("forkserver")}, [] {
    ::usleep(100'000);
    print("started before, read after: " + std::to_string(table));
  });
  early.start();
  set_forkserver_preload(fill);
  early.join();
  run(print_named, "after: ");
  run(print_named, "after: ");
  print_named("in the program: ");
}

void writes() {
  set_forkserver_preload(fill);
  for (int i = 0; i < 3; ++i) {
    run([] {
      ++table;
      print_table();
    });
  }
}

void methods() {
  set_forkserver_preload(fill);
  for (const char* method : {"forkserver", "fork", "spawn"}) run_by(method, print_named, std::string(method) + " ");
}

void twice() {
  run(print_table);
  run(print_table);
}

void before_init_counts() {
  run([] { print(std::to_string(runs)); });
  print(std::to_string(runs));
}

void again() {
  set_forkserver_preload(fill);
  run(print_table);
  kill_zygote_and_spare();
  run(print_table);
}

void replaced() {
  set_forkserver_preload(fill);
  run(print_table);
  set_forkserver_preload(fill_otherwise);
  run(print_table);
  set_forkserver_preload(nullptr);  // for zygotes to come
  kill_zygote_and_spare();
  run(print_table);
}

void large() {
  set_forkserver_preload(fill_large);
  run([] { print(std::to_string(std::accumulate(large_table.begin(), large_table.end(), 0))); });
}

void throws_warn() {
  set_forkserver_preload(fail);
  run(print_table);
}

void throws_ignore() {
  set_forkserver_preload(fail, OnPreloadError::ignore);
  run(print_table);
}

void throws_fail() {
  print(error_of([] { set_forkserver_preload(fail, OnPreloadError::fail); }));
  set_forkserver_preload(nullptr);
  run(print_table);
}

void throws_later() {
  // Fails in processes that were started from the file: they have the variable.
  set_forkserver_preload(
      [] {
        if (::getenv("BRIGADE_TEST_PRELOAD_FAILS") != nullptr) fail();
        fill();
      },
      OnPreloadError::fail);
  run(print_table);
  ::setenv("BRIGADE_TEST_PRELOAD_FAILS", "1", 1);
  kill_zygote_and_spare();
  print(error_of([] { run(print_table); }));
}

void crashes(OnPreloadError policy) {
  static OnPreloadError chosen;
  chosen = policy;
  print(error_of([] {
    set_forkserver_preload(crash, chosen);
    run(print_table);
  }));
}

void crashes_and_is_taken_back() {
  error_of([] { set_forkserver_preload(crash, OnPreloadError::fail); });
  set_forkserver_preload(nullptr);
  run(print_table);
}

void exits() {
  std::atexit([] { std::fputs("exit handler\n", stderr); });
  print(error_of([] {
    set_forkserver_preload(leave, OnPreloadError::fail);
    run(print_table);
  }));
  set_forkserver_preload(nullptr);
}

void thread_warn() {
  set_forkserver_preload(leave_thread);
  run(print_table);
}
void thread_fail() {
  print(error_of([] { set_forkserver_preload(leave_thread, OnPreloadError::fail); }));
}
void thread_joined() {
  set_forkserver_preload(end_thread);
  run(print_table);
}

void threads() {
  std::vector<std::jthread> starters;
  std::atomic<int> wrong = 0;
  for (int i = 0; i < 4; ++i) {
    starters.emplace_back([&wrong, i] {
      for (int time = 0; time < 10; ++time) {
        if (i == 0) set_forkserver_preload(time % 2 == 0 ? fill : fill_otherwise);
        Process process([] { std::exit(table == 0 || table == 7 || table == 9 ? 0 : 1); });
        process.start();
        process.join();
        wrong += process.exitcode() != 0;
      }
    });
  }
  starters.clear();
  print(wrong == 0 ? "all right" : "wrong");
}

void leftovers() {
  run([] {});
  const auto settled = [] { return observation::children().size() == 2 && observation::zombies().empty(); };
  observation::eventually(settled);
  const std::size_t before = observation::open_descriptors().size();
  for (int i = 0; i < 10; ++i) {
    set_forkserver_preload(i % 2 == 0 ? fill : fail, OnPreloadError::ignore);
    run([] {});
  }
  const bool clean = observation::eventually(settled) && observation::open_descriptors().size() == before;
  print(clean ? "clean" : "not clean");
}

const std::map<std::string, void (*)()> kScenes{
    {"order", order},
    {"writes", writes},
    {"methods", methods},
    {"before_init", twice},
    {"before_init_counts", before_init_counts},
    {"before_init_throws", [] { run(print_table); }},
    {"again", again},
    {"replaced", replaced},
    {"large", large},
    {"throws_warn", throws_warn},
    {"throws_ignore", throws_ignore},
    {"throws_fail", throws_fail},
    {"throws_later", throws_later},
    {"crashes_ignore", [] { crashes(OnPreloadError::ignore); }},
    {"crashes_warn", [] { crashes(OnPreloadError::warn); }},
    {"crashes_fail", [] { crashes(OnPreloadError::fail); }},
    {"crashes_and_is_taken_back", crashes_and_is_taken_back},
    {"exits", exits},
    {"thread_warn", thread_warn},
    {"thread_fail", thread_fail},
    {"thread_joined", thread_joined},
    {"threads", threads},
    {"leftovers", leftovers},
};

}  // namespace

int main(int argc, char** argv) {
  const std::string scene = argc > 1 ? argv[1] : "";
  if (scene == "before_init") set_forkserver_preload(fill);
  if (scene == "before_init_counts") set_forkserver_preload(count);
  if (scene == "before_init_throws") set_forkserver_preload(fail);
  brigade::init(argc, argv);
  if (argc != 2) return 99;
  kScenes.at(scene)();
  return 0;
}
