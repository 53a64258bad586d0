// SPDX-License-Identifier: MIT
// What ThreadPoolExecutor alone promises: anything can be passed, threads are set up and named, what runs can only be asked.
#include <brigade/thread_pool_executor.hpp>

#include <gmock/gmock.h>
#include <gtest/gtest.h>
#include <pthread.h>
#include <sys/resource.h>
#include <unistd.h>

#include <algorithm>
#include <atomic>
#include <chrono>
#include <filesystem>
#include <fstream>
#include <functional>
#include <latch>
#include <memory>
#include <mutex>
#include <numeric>
#include <set>
#include <span>
#include <stdexcept>
#include <stop_token>
#include <string>
#include <string_view>
#include <system_error>
#include <thread>
#include <utility>
#include <vector>

#include <brigade/context.hpp>

#include "pool/tally.hpp"

namespace brigade {
namespace {

using namespace std::chrono_literals;
using testing::HasSubstr;
using testing::StartsWith;
using testing_support::eventually;
using testing_support::Gate;
using testing_support::pass;

int square(int x) { return x * x; }
int behind(const std::string& gate, int value) {
  pass(gate);
  return value;
}
std::string own_name() {
  char name[16] = {};
  ::pthread_getname_np(::pthread_self(), name, sizeof name);
  return name;
}
std::size_t threads_of_this_process() {
  // ThreadSanitizer has one of its own, which comes with the first.
  static const bool first_has_been = [] {
    std::thread([] {}).join();
    return true;
  }();
  static_cast<void>(first_has_been);
  const std::filesystem::directory_iterator tasks("/proc/self/task");
  return static_cast<std::size_t>(std::distance(begin(tasks), end(tasks)));
}

Future<int> hold(ThreadPoolExecutor& executor, const Gate& gate) {
  Future<int> held = executor.submit(behind, gate.path(), 0);
  EXPECT_TRUE(eventually([&] { return held.running(); }));
  return held;
}

// ---- what can be passed ----

TEST(ThreadExecutor, CapturesReferencesAndPointersReachTheCaller) {
  ThreadPoolExecutor executor(2);
  int captured = 1;
  int referred = 2;
  int pointed = 3;
  executor.submit([&captured] { captured *= 10; }).result();
  executor.submit([](int& x) { x *= 10; }, std::ref(referred)).result();
  executor.submit([](int* x) { *x *= 10; }, &pointed).result();
  EXPECT_EQ((std::vector{10, 20, 30}), (std::vector{captured, referred, pointed}));
  std::vector<int> numbers(4, 1);
  executor.submit([](std::span<int> all) { std::iota(all.begin(), all.end(), 5); }, std::span(numbers)).result();
  EXPECT_EQ((std::vector{5, 6, 7, 8}), numbers) << "a span of what can be changed is itself";
}

TEST(ThreadExecutor, ArgumentsAreCopies) {
  ThreadPoolExecutor executor(1);
  Gate gate;
  const auto held = hold(executor, gate);
  int number = 5;
  std::string text = "before";
  const auto future = executor.submit([](int x, const std::string& t) { return t + std::to_string(x); }, number, text);
  number = 6;
  text = "after";
  gate.open();
  EXPECT_EQ("before5", future.result());
}

TEST(ThreadExecutor, CallablesOfEveryKindRun) {
  ThreadPoolExecutor executor(1);
  EXPECT_EQ(9, executor.submit(std::function<int(int)>(square), 3).result());
  EXPECT_EQ(8, executor.submit([own = std::make_unique<int>(5)](int x) { return *own + x; }, 3).result());
  EXPECT_EQ(2, executor.submit([count = 1]() mutable { return ++count; }).result());
  struct Shop {
    int sold = 0;
    int sell(int number) { return sold += number; }
  } shop;
  EXPECT_EQ(4, executor.submit(&Shop::sell, &shop, 4).result());
  EXPECT_EQ(7, executor.submit(&Shop::sell, std::ref(shop), 3).result());
  EXPECT_EQ(7, shop.sold);
  EXPECT_EQ(7, executor.submit(&Shop::sold, shop).result()) << "data members, as std::invoke does";
  EXPECT_EQ('l', executor.submit([](const char* text) { return *text; }, "literal").result());
}

TEST(ThreadExecutor, ResultsMayBeWhatDoesNotTravel) {
  ThreadPoolExecutor executor(1);
  int number = 5;
  EXPECT_EQ(&number, executor.submit([&number] { return &number; }).result());
  const auto add = executor.submit([](int more) { return [more](int x) { return x + more; }; }, 5);
  EXPECT_EQ(8, add.result()(3));
  EXPECT_EQ(9, executor.submit([&executor] { return executor.submit(square, 3); }).result().result());
}

TEST(ThreadExecutor, MapTakesWhatDoesNotTravel) {
  ThreadPoolExecutor executor(2);
  std::vector<int> numbers{1, 2, 3};
  std::vector<int*> pointers{&numbers[0], &numbers[1], &numbers[2]};
  const std::vector<const char*> texts{"one", "two"};
  const std::vector<std::span<int>> spans{std::span(numbers)};
  int sum = 0;
  for (const int x : executor.map([](int* p) { return *p *= 10; }, pointers)) sum += x;
  EXPECT_EQ(60, sum);
  for (const char c : executor.map([](const char* text) { return *text; }, texts)) sum += c;
  EXPECT_EQ(60 + 'o' + 't', sum);
  for (const int x : executor.map([](std::span<int> all) { return all[0] = 7; }, spans)) sum += x;
  EXPECT_EQ(67 + 'o' + 't', sum);
  EXPECT_EQ(7, numbers[0]);
}

TEST(ThreadExecutor, MapSharesItsFunctionOrCopiesItForEachCall) {
  struct Constant {
    std::shared_ptr<std::set<const void*>> seen;
    std::shared_ptr<std::mutex> mutex;
    int operator()(int x) const {
      const std::lock_guard lock(*mutex);
      seen->insert(this);
      return x;
    }
  };
  struct Changing {
    int count = 0;
    int operator()(int) { return ++count; }
  };
  ThreadPoolExecutor executor(2);
  const Constant constant{std::make_shared<std::set<const void*>>(), std::make_shared<std::mutex>()};
  const std::vector<int> input(20, 5);
  for (const int x : executor.map(constant, input)) EXPECT_EQ(5, x);
  EXPECT_EQ(1U, constant.seen->size());
  for (const int x : executor.map(Changing(), input)) EXPECT_EQ(1, x);
  const auto own = [box = std::make_unique<int>(3)](int x) { return *box + x; };
  for (const int x : executor.map(std::ref(own), input)) EXPECT_EQ(8, x);
  for (const int x : executor.map([box = std::make_unique<int>(4)](int a) { return *box + a; }, input)) {
    EXPECT_EQ(9, x) << "what cannot be copied can be shared";
  }
}

// ---- the life of what was passed ----

// Counts those that live.
struct Counted {
  explicit Counted(std::atomic<int>& all) : alive(&all) { ++*alive; }
  Counted(const Counted& other) : alive(other.alive) { ++*alive; }
  Counted& operator=(const Counted&) = default;
  ~Counted() { --*alive; }
  std::atomic<int>* alive;
};

TEST(ThreadExecutor, ArgumentsAreGoneWhenTheFutureHasEnded) {
  std::atomic<int> alive{0};
  ThreadPoolExecutor executor(1);
  for (int round = 0; round < 100; ++round) {
    const auto good = executor.submit([](const Counted&) {}, Counted(alive));
    good.wait();
    EXPECT_EQ(0, alive);
    const auto captured = executor.submit([counted = Counted(alive)] {});
    captured.wait();
    EXPECT_EQ(0, alive);
    const auto bad = executor.submit([](const Counted&) { throw std::runtime_error("x"); }, Counted(alive));
    bad.wait();
    EXPECT_EQ(0, alive);
  }
}

TEST(ThreadExecutor, ArgumentsOfOneThatMayBeRetriedAreGoneToo) {
  std::atomic<int> alive{0};
  ThreadPoolExecutor executor(1);
  for (const bool accepts : {true, false}) {
    const auto judge = [accepts](const std::exception_ptr&) { return accepts; };
    const auto with = executor.with({.retries = 2, .retry_if = judge});
    const auto good = with.submit([](const Counted&) {}, Counted(alive));
    good.wait();
    EXPECT_EQ(0, alive);
    const auto bad = with.submit([](const Counted&) { throw std::runtime_error("x"); }, Counted(alive));
    bad.wait();
    EXPECT_EQ(0, alive);
  }
  const auto unjudged =
      executor.with({.retries = 2}).submit([](const Counted&) { throw std::runtime_error("x"); }, Counted(alive));
  unjudged.wait();
  EXPECT_EQ(0, alive);
}

// Notes whether its future had ended when it went.
struct Late {
  explicit Late(std::function<void()> what) : call(std::move(what)) {}
  Late(Late&&) = default;
  Late& operator=(Late&&) = default;
  ~Late() {
    if (call) call();
  }
  std::function<void()> call;
};

TEST(ThreadExecutor, ArgumentsOfACancelledOneAreGoneWhenItHasEnded) {
  Gate gate;
  ThreadPoolExecutor executor(1);
  const auto held = hold(executor, gate);
  int gone = 0;
  int late = 0;
  std::vector<Future<void>> futures;
  const auto note = [&](std::size_t which) {
    return [&, which] {
      ++gone;
      late += futures[which].done() ? 1 : 0;
    };
  };
  for (std::size_t i = 0; i < 4; ++i) {
    futures.push_back(executor.submit([](const Late&) {}, Late(note(i))));
  }
  EXPECT_EQ(0, gone);
  EXPECT_TRUE(futures[0].cancel());
  EXPECT_TRUE(futures[2].cancel());
  EXPECT_EQ(2, gone);
  executor.shutdown({.wait = false, .cancel_futures = true});
  EXPECT_EQ(4, gone);
  EXPECT_EQ(0, late);
  for (const auto& future : futures) EXPECT_TRUE(future.cancelled());
  gate.open();
}

TEST(ThreadExecutor, WhatGoesWithATaskMayUseTheExecutor) {
  Gate gate;
  std::atomic<int> used{0};
  ThreadPoolExecutor executor(1);
  const auto use = [&] {
    executor.submit(square, 3);
    ++used;
  };
  const auto held = hold(executor, gate);
  executor.submit([](const Late&) {}, Late(use));
  executor.submit([use] { return Late(use); });  // nobody keeps the future: the result goes with the task
  const auto cancelled = executor.submit([](const Late&) {}, Late(use));
  cancelled.cancel();
  EXPECT_EQ(1, used);
  gate.open();
  EXPECT_TRUE(eventually([&] { return used == 3; }));
  EXPECT_EQ(16, executor.submit(square, 4).result());
}

TEST(ThreadExecutor, ArgumentsGoOnceWhoeverCancels) {
  for (int round = 0; round < 20; ++round) {
    Gate gate;
    std::atomic<int> gone{0};
    ThreadPoolExecutor executor(1);
    const auto held = hold(executor, gate);
    std::vector<Future<void>> futures;
    for (int i = 0; i < 100; ++i) futures.push_back(executor.submit([](const Late&) {}, Late([&] { ++gone; })));
    std::thread one([&] {
      for (const auto& future : futures) future.cancel();
    });
    executor.shutdown({.wait = false, .cancel_futures = true});
    one.join();
    EXPECT_EQ(100, gone);
    gate.open();
  }
}

// ---- threads ----

TEST(ThreadExecutor, ThreadsAreAsManyAsWantedAndSetUpOnceEach) {
  std::mutex mutex;
  std::vector<std::thread::id> set_up;
  std::vector<std::thread::id> worked;
  {
    ThreadPoolExecutor executor(ThreadPoolOptions{.threads = 3, .initializer = [&] {
                                                    const std::lock_guard lock(mutex);
                                                    set_up.push_back(std::this_thread::get_id());
                                                  }});
    EXPECT_EQ(3U, executor.max_workers());
    EXPECT_TRUE(set_up.empty()) << "before the first task";
    for (int round = 0; round < 5; ++round) {
      std::latch together(3);
      std::vector<Future<void>> futures;
      for (int i = 0; i < 3; ++i) {
        futures.push_back(executor.submit([&] {
          together.arrive_and_wait();
          const std::lock_guard lock(mutex);
          worked.push_back(std::this_thread::get_id());
        }));
      }
      wait(futures);
    }
  }
  const std::set<std::thread::id> workers(worked.begin(), worked.end());
  EXPECT_EQ(15U, worked.size());
  EXPECT_EQ(3U, workers.size());
  EXPECT_EQ(3U, set_up.size());
  EXPECT_EQ(workers, std::set(set_up.begin(), set_up.end()));
  EXPECT_FALSE(workers.contains(std::this_thread::get_id()));
}

TEST(ThreadExecutor, NumberOfThreadsIsChosenOrRefused) {
  EXPECT_EQ(std::min(cpu_count() + 4, 32U), ThreadPoolExecutor().max_workers());
  EXPECT_THROW(ThreadPoolExecutor(0), std::invalid_argument);
  EXPECT_THROW(ThreadPoolExecutor(5000), std::invalid_argument);
  EXPECT_THROW(ThreadPoolExecutor(ThreadPoolOptions{.threads = 0}), std::invalid_argument);
}

TEST(ThreadExecutor, ThreadsHaveNames) {
  EXPECT_THAT(ThreadPoolExecutor(1).submit(own_name).result(), StartsWith("Thread"));
  EXPECT_THAT(ThreadPoolExecutor(ThreadPoolOptions{.threads = 1, .name = "cook"}).submit(own_name).result(),
              StartsWith("cook"));
  const std::string most =
      ThreadPoolExecutor(ThreadPoolOptions{.threads = 1, .name = "a name that is longer than 15 bytes"})
          .submit(own_name)
          .result();
  EXPECT_EQ("a name that is ", most.substr(0, 15));
  EXPECT_NE("cook", own_name());
}

TEST(ThreadExecutor, FailingInitializerBreaksThePoolAndSaysWhy) {
  std::atomic<int> ran{0};
  Gate gate;
  ThreadPoolExecutor executor(ThreadPoolOptions{.threads = 2, .initializer = [&] {
                                                  pass(gate.path());
                                                  throw std::invalid_argument("no such database");
                                                }});
  std::vector<Future<int>> futures;
  for (int i = 0; i < 10; ++i) futures.push_back(executor.submit([&] { return ++ran; }));
  gate.open();
  for (const auto& future : futures) {
    try {
      future.result();
      ADD_FAILURE() << "a task ran in a thread that was not set up";
    } catch (const BrokenThreadPool& broken) {
      EXPECT_THAT(broken.what(), HasSubstr("no such database"));
      EXPECT_THROW(std::rethrow_if_nested(broken), std::invalid_argument);
    }
    EXPECT_FALSE(future.cancelled());
    EXPECT_FALSE(future.cancel());
  }
  EXPECT_THROW(executor.submit(square, 1), BrokenThreadPool);
  EXPECT_THROW(executor.submit(square, 1), BrokenExecutor);
  executor.shutdown();
  EXPECT_EQ(0, ran);
}

#if !defined(__SANITIZE_THREAD__) && !defined(__SANITIZE_ADDRESS__)  // they give threads stacks of their own
// The stacks of new threads are so large.
class LargeStacks {
 public:
  explicit LargeStacks(std::size_t bytes) {
    ::pthread_getattr_default_np(&before_);
    pthread_attr_t wanted;
    ::pthread_attr_init(&wanted);
    ::pthread_attr_setstacksize(&wanted, bytes);
    EXPECT_EQ(0, ::pthread_setattr_default_np(&wanted));
    ::pthread_attr_destroy(&wanted);
  }
  LargeStacks(const LargeStacks&) = delete;
  LargeStacks& operator=(const LargeStacks&) = delete;
  ~LargeStacks() {
    ::pthread_setattr_default_np(&before_);
    ::pthread_attr_destroy(&before_);
  }

 private:
  pthread_attr_t before_{};
};

TEST(ThreadExecutor, ThreadThatCannotBeStartedIsASystemErrorAndPasses) {
  ThreadPoolExecutor executor(2);
  {
    const LargeStacks too_large(std::size_t{1} << 60U);
    EXPECT_THROW(executor.submit(square, 3), std::system_error);
    EXPECT_THROW(executor.submit(square, 3), std::system_error);
  }
  EXPECT_EQ(9, executor.submit(square, 3).result());
}

// While it lives, so much address space can be had.
class LittleRoom {
 public:
  explicit LittleRoom(rlim_t bytes) {
    EXPECT_EQ(0, ::getrlimit(RLIMIT_AS, &before_));
    rlim_t pages = 0;
    std::ifstream("/proc/self/statm") >> pages;
    rlimit little = before_;
    little.rlim_cur = pages * static_cast<rlim_t>(::getpagesize()) + bytes;
    EXPECT_EQ(0, ::setrlimit(RLIMIT_AS, &little));
  }
  LittleRoom(const LittleRoom&) = delete;
  LittleRoom& operator=(const LittleRoom&) = delete;
  ~LittleRoom() { ::setrlimit(RLIMIT_AS, &before_); }

 private:
  rlimit before_{};
};

TEST(ThreadExecutor, FewerThreadsThanWantedDoTheWork) {
  constexpr std::size_t kStack = std::size_t{1} << 30U;
  const std::size_t before = threads_of_this_process();
  ThreadPoolExecutor executor(100);
  {
    const LargeStacks large(kStack);
    const LittleRoom for_a_few(4 * kStack);
    EXPECT_EQ(9, executor.submit(square, 3).result());
  }
  EXPECT_LT(threads_of_this_process(), before + 10);
  std::vector<Future<int>> futures;
  for (int i = 0; i < 200; ++i) futures.push_back(executor.submit(square, i));
  for (int i = 0; i < 200; ++i) EXPECT_EQ(i * i, futures[static_cast<std::size_t>(i)].result());
}
#endif

// ---- what is refused ----

TEST(ThreadExecutor, TimeLimitsAreRefused) {
  ThreadPoolExecutor executor(1);
  EXPECT_THROW(executor.with({.timeout = 1s}).submit(square, 1), std::invalid_argument);
  EXPECT_THROW(executor.with({.timeout = 1s}).map(square, std::vector{1}), std::invalid_argument);
  EXPECT_EQ(9, executor.submit(square, 3).result());
}

TEST(ThreadExecutor, RetriesOfWhatCannotBeCopiedAreRefused) {
  ThreadPoolExecutor executor(1);
  const auto with = executor.with({.retries = 1});
  EXPECT_THROW(with.submit([](std::unique_ptr<int> box) { return *box; }, std::make_unique<int>(1)),
               std::invalid_argument);
  EXPECT_THROW(with.submit([box = std::make_unique<int>(1)] { return *box; }), std::invalid_argument);
  EXPECT_EQ(1, with.submit([](const std::shared_ptr<int>& box) { return *box; }, std::make_shared<int>(1)).result());
}

TEST(ThreadExecutor, RetriedTaskGetsItsArgumentsAgain) {
  ThreadPoolExecutor executor(1);
  std::atomic<int> runs{0};
  const auto always = [](const std::exception_ptr&) { return true; };
  const auto future = executor.with({.retries = 5, .retry_if = always})
                          .submit(
                              [&](std::string text) {
                                text += "!";
                                if (++runs < 3) throw std::runtime_error("once more");
                                return text;
                              },
                              "text");
  EXPECT_EQ("text!", future.result());
  EXPECT_EQ(3, runs);
}

// ---- cancel ----

TEST(ThreadExecutor, WhatRunsWithoutATokenCannotBeCancelled) {
  Gate gate;
  ThreadPoolExecutor executor(1);
  const auto held = hold(executor, gate);
  EXPECT_FALSE(held.cancel());
  EXPECT_FALSE(held.cancelled());
  EXPECT_FALSE(held.done());
  EXPECT_TRUE(held.running());
  gate.open();
  EXPECT_EQ(0, held.result());
}

TEST(ThreadExecutor, CancelCallsWhatTheTaskHasRegisteredAndThatMayUseTheExecutor) {
  std::atomic<bool> begun{false};
  std::atomic<bool> leave{false};
  ThreadPoolExecutor executor(1);
  const auto future = executor.submit([&](std::stop_token token) {
    const std::stop_callback stopped(token, [&] {
      executor.submit(square, 2);
      leave = true;
    });
    begun = true;
    while (!leave) std::this_thread::sleep_for(1ms);
  });
  ASSERT_TRUE(eventually([&] { return begun.load(); }));
  EXPECT_TRUE(future.cancel());
  EXPECT_TRUE(future.cancel() || future.done());
  EXPECT_THROW(future.result(), CancelledError);
}

TEST(ThreadExecutor, TaskMayCancelItself) {
  std::latch known(1);
  ThreadPoolExecutor executor(1);
  Future<int> own;
  own = executor.submit([&](std::stop_token token) {
    known.wait();
    EXPECT_TRUE(own.running());
    EXPECT_TRUE(own.cancel());
    return token.stop_requested() ? 1 : 2;
  });
  known.count_down();
  EXPECT_THROW(own.result(), CancelledError);
  EXPECT_TRUE(own.cancelled());
}

// ---- exceptions ----

TEST(ThreadExecutor, ExceptionIsTheObjectThatWasThrown) {
  ThreadPoolExecutor executor(1);
  std::exception_ptr thrown;
  const auto future = executor.submit([&] {
    try {
      throw std::runtime_error("x");
    } catch (...) {
      thrown = std::current_exception();
      throw;
    }
  });
  EXPECT_EQ(thrown, (future.wait(), future.exception()));
  try {
    future.result();
  } catch (const std::exception& error) {
    EXPECT_EQ(nullptr, remote_info(error));
  }
}

// ---- the end ----

TEST(ThreadExecutor, MayBeOwnedByOneOfItsTasks) {
  const std::size_t before = threads_of_this_process();
  Gate gate;
  Future<int> last;
  Future<int> behind_it;
  {
    auto executor = std::make_shared<ThreadPoolExecutor>(2);
    last = executor->submit([executor, path = gate.path()] { return behind(path, 5); });
    behind_it = executor->submit([executor, path = gate.path()] { return behind(path, 6); });
    for (int i = 0; i < 10; ++i) executor->submit(square, i);
  }
  EXPECT_FALSE(last.done());
  gate.open();
  EXPECT_EQ(5, last.result());
  EXPECT_EQ(6, behind_it.result());
  EXPECT_TRUE(eventually([&] { return threads_of_this_process() == before; })) << "a thread was left behind";
}

TEST(ThreadExecutor, MayBeOwnedByItsResult) {
  const std::size_t before = threads_of_this_process();
  Gate gate;
  {
    auto executor = std::make_shared<ThreadPoolExecutor>(1);
    executor->submit([executor, path = gate.path()] {
      pass(path);
      return executor;
    });
  }
  gate.open();
  EXPECT_TRUE(eventually([&] { return threads_of_this_process() == before; })) << "a thread was left behind";
}

TEST(ThreadExecutor, LeavingTheScopeByAnExceptionWaitsForWhatCannotBeAsked) {
  Gate gate;
  Future<int> held;
  Future<int> waiting;
  std::thread opener;
  try {
    ThreadPoolExecutor executor(1);
    held = hold(executor, gate);
    waiting = executor.submit(square, 3);
    opener = std::thread([&] {
      waiting.wait();  // it is cancelled first
      gate.open();
    });
    throw std::runtime_error("the kitchen burns");
  } catch (const std::runtime_error&) {
  }
  EXPECT_EQ(0, held.result(0s));
  EXPECT_THROW(waiting.result(0s), CancelledError);
  opener.join();
}

}  // namespace
}  // namespace brigade
