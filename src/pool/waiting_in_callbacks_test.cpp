// SPDX-License-Identifier: MIT
// The callback thread waits in a callback, for what only an answer given on that thread can bring to its end.
#include <gtest/gtest.h>

#include <atomic>
#include <chrono>
#include <cstdint>
#include <exception>
#include <filesystem>
#include <optional>
#include <stdexcept>
#include <string>
#include <thread>
#include <vector>

#include <brigade/process_pool_executor.hpp>
#include <brigade/thread_pool_executor.hpp>

#include "pool/tally.hpp"

namespace brigade {
namespace {

using namespace std::chrono_literals;
using testing_support::eventually;
using testing_support::Gate;
using testing_support::mark;
using testing_support::pass;
using testing_support::Tally;

int square(int x) { return x * x; }
int fail() { throw std::runtime_error("no"); }
int behind(const std::string& gate) {
  pass(gate);
  return 1;
}
int fail_behind(const std::string& gate) {
  pass(gate);
  throw std::runtime_error("no");
}
int fail_twice(const std::string& tally) {
  mark(tally, 1);
  if (std::filesystem::file_size(tally) < 3 * sizeof(std::uint32_t)) throw std::runtime_error("again");
  return 7;
}
const auto yes = [](const std::exception_ptr&) { return true; };
const auto no = [](const std::exception_ptr&) { return false; };

template <class Executor>
class WaitingInCallbacks : public testing::Test {
 protected:
  std::optional<Executor> executor_{2U};
  Gate gate_;
  std::atomic<bool> over_ = false;
};
using Executors = testing::Types<ProcessPoolExecutor, ThreadPoolExecutor>;
TYPED_TEST_SUITE(WaitingInCallbacks, Executors);

TYPED_TEST(WaitingInCallbacks, IsAnsweredWhetherToRetry) {
  std::string said;
  const auto first = this->executor_->submit(behind, this->gate_.path());
  first.add_done_callback([&](const Future<int>&) {
    try {
      this->executor_->with({.retries = 1, .retry_if = no}).submit(fail).result();
    } catch (const std::runtime_error& error) {
      said = error.what();
    }
    this->over_ = true;
  });
  this->gate_.open();
  ASSERT_TRUE(eventually([&] { return this->over_.load(); }));
  EXPECT_EQ("no", said);
}

TYPED_TEST(WaitingInCallbacks, SeesTasksThroughTheirRetries) {
  const Tally tally;
  int result = 0;
  const auto first = this->executor_->submit(behind, this->gate_.path());
  first.add_done_callback([&](const Future<int>&) {
    std::vector futures{this->executor_->with({.retries = 5, .retry_if = yes}).submit(fail_twice, tally.path())};
    for (const auto& future : as_completed(futures)) result = future.result();
    this->over_ = true;
  });
  this->gate_.open();
  ASSERT_TRUE(eventually([&] { return this->over_.load(); }));
  EXPECT_EQ(7, result);
}

TYPED_TEST(WaitingInCallbacks, ForTasksOfSeveralExecutorsIsAnsweredToo) {
  ThreadPoolExecutor other(1);
  const auto judged = this->executor_->with({.retries = 1, .retry_if = no}).submit(fail_behind, this->gate_.path());
  const auto first = this->executor_->submit(square, 2);
  first.add_done_callback([&](const Future<int>&) {
    this->gate_.open();
    wait(std::vector{judged, other.submit(square, 3)});
    this->over_ = true;
  });
  ASSERT_TRUE(eventually([&] { return this->over_.load(); }));
  EXPECT_THROW(judged.result(), std::runtime_error);
}

TYPED_TEST(WaitingInCallbacks, MayBeForTheEndOfThePool) {
  const auto judged = this->executor_->with({.retries = 1, .retry_if = no}).submit(fail_behind, this->gate_.path());
  const auto first = this->executor_->submit(square, 2);
  first.add_done_callback([&](const Future<int>&) {
    this->gate_.open();
    this->executor_.reset();
    this->over_ = true;
  });
  ASSERT_TRUE(eventually([&] { return this->over_.load(); }));
  EXPECT_THROW(judged.result(), std::runtime_error);
}

TYPED_TEST(WaitingInCallbacks, OfAPredicateForTheEndOfItsPoolTakesItsAnswerForNo) {
  const auto end_it = [&](const std::exception_ptr&) {
    this->executor_.reset();
    this->over_ = true;
    return true;
  };
  const auto judged = this->executor_->with({.retries = 9, .retry_if = end_it}).submit(fail_behind, this->gate_.path());
  this->gate_.open();
  ASSERT_TRUE(eventually([&] { return this->over_.load(); }));
  EXPECT_THROW(judged.result(), std::runtime_error);
}

TYPED_TEST(WaitingInCallbacks, OfAPredicateForAnotherOneIsAnswered) {
  const auto ask_another = [&](const std::exception_ptr&) {
    return this->executor_->with({.retries = 1, .retry_if = no}).submit(fail).exception() == nullptr;
  };
  const auto judged =
      this->executor_->with({.retries = 9, .retry_if = ask_another}).submit(fail_behind, this->gate_.path());
  this->gate_.open();
  ASSERT_TRUE(judged.wait(60s));
  EXPECT_THROW(judged.result(), std::runtime_error);
}

}  // namespace
}  // namespace brigade
