// SPDX-License-Identifier: MIT
// Priorities and retries, whatever runs the tasks.
#include "conformance/executors.hpp"

#include <atomic>

namespace brigade {
namespace {

using namespace executors;

template <class Kind>
class ExecutorOptions : public Each<Kind> {};
TYPED_TEST_SUITE(ExecutorOptions, All, Names);

// Fails until it has been begun often enough.
int fails_until(const std::string& tally, std::uint32_t good) {
  mark(tally, good);
  if (std::filesystem::file_size(tally) / sizeof(std::uint32_t) < good) throw std::out_of_range("too early");
  return static_cast<int>(good);
}

TYPED_TEST(ExecutorOptions, HigherPriorityIsBegunFirst) {
  Tally tally;
  Gate gate;
  auto executor = this->make(1);
  const auto held = hold(executor, gate);
  std::vector<std::uint32_t> expected;
  for (const int priority : {0, 5, -3, 5, 0, 1'000'000}) {
    executor.with({.priority = priority})
        .submit(marked, tally.path(), static_cast<std::uint32_t>(1'000 + priority) * 10);
  }
  executor.submit(marked, tally.path(), 10'001U);  // of priority 0
  gate.open();
  executor.shutdown();
  EXPECT_EQ((std::vector{10'010'000U, 10'050U, 10'050U, 10'000U, 10'000U, 10'001U, 9'970U}), tally.marks());
}

TYPED_TEST(ExecutorOptions, RetriesGoOnAsLongAsRetryIfAccepts) {
  Tally tally;
  std::atomic<int> asked{0};
  auto executor = this->make(1);
  const auto accept = [&](const std::exception_ptr& error) {
    EXPECT_THROW(std::rethrow_exception(error), std::out_of_range);
    ++asked;
    return true;
  };
  EXPECT_EQ(3, executor.with({.retries = 5, .retry_if = accept}).submit(fails_until, tally.path(), 3U).result());
  EXPECT_EQ(2, asked);
  EXPECT_EQ(3U, tally.marks().size());
}

TYPED_TEST(ExecutorOptions, RetriesEndWithTheLastFailure) {
  Tally tally;
  auto executor = this->make(1);
  const auto accept = [](const std::exception_ptr&) { return true; };
  const auto future = executor.with({.retries = 2, .retry_if = accept}).submit(fails_until, tally.path(), 100U);
  EXPECT_THROW(future.result(), std::out_of_range);
  EXPECT_EQ(3U, tally.marks().size());
}

TYPED_TEST(ExecutorOptions, RetryIfThatRefusesIsAskedOnce) {
  Tally tally;
  std::atomic<int> asked{0};
  auto executor = this->make(1);
  const auto refuse_it = [&](const std::exception_ptr&) {
    ++asked;
    return false;
  };
  EXPECT_THROW(executor.with({.retries = 5, .retry_if = refuse_it}).submit(fails_until, tally.path(), 3U).result(),
               std::out_of_range);
  EXPECT_EQ(1, asked);
  EXPECT_EQ(1U, tally.marks().size());
}

TYPED_TEST(ExecutorOptions, RetryIfThatThrowsLeavesTheFailureAsItIs) {
  Tally tally;
  testing::internal::CaptureStderr();
  {
    auto executor = this->make(1);
    const auto clumsy = [](const std::exception_ptr&) -> bool { throw std::domain_error("clumsy"); };
    EXPECT_THROW(executor.with({.retries = 5, .retry_if = clumsy}).submit(fails_until, tally.path(), 3U).result(),
                 std::out_of_range);
  }
  testing::internal::GetCapturedStderr();
  EXPECT_EQ(1U, tally.marks().size());
}

TYPED_TEST(ExecutorOptions, ExceptionIsNotRetriedWithoutRetryIf) {
  Tally tally;
  auto executor = this->make(1);
  EXPECT_THROW(executor.with({.retries = 5}).submit(fails_until, tally.path(), 3U).result(), std::out_of_range);
  EXPECT_EQ(1U, tally.marks().size());
}

TYPED_TEST(ExecutorOptions, CancelWhileRetryIfIsAskedEndsIt) {
  Tally tally;
  Gate asked;
  Gate answer;
  auto executor = this->make(1);
  const auto slow = [&](const std::exception_ptr&) {
    asked.open();
    pass(answer.path());
    return true;
  };
  const auto future = executor.with({.retries = 5, .retry_if = slow}).submit(fails_until, tally.path(), 100U);
  pass(asked.path());
  EXPECT_TRUE(future.cancel());
  expect_cancelled(future);
  answer.open();
  executor.shutdown();
  EXPECT_EQ(1U, tally.marks().size());
}

TYPED_TEST(ExecutorOptions, RetriedFutureEndsOnceForItsCallbacks) {
  Tally tally;
  std::atomic<int> called{0};
  {
    auto executor = this->make(1);
    const auto accept = [](const std::exception_ptr&) { return true; };
    executor.with({.retries = 5, .retry_if = accept})
        .submit(fails_until, tally.path(), 4U)
        .add_done_callback([&](const Future<int>& future) { called += future.result(); });
  }
  EXPECT_EQ(4, called);
}

TYPED_TEST(ExecutorOptions, TasksWaitInTurnBehindARetriedOne) {
  Tally tally;
  Tally others;
  auto executor = this->make(1);
  const auto accept = [](const std::exception_ptr&) { return true; };
  const auto retried = executor.with({.retries = 20, .retry_if = accept}).submit(fails_until, tally.path(), 10U);
  std::vector<Future<int>> futures;
  for (std::uint32_t i = 0; i < 50; ++i) futures.push_back(executor.submit(marked, others.path(), i));
  EXPECT_EQ(10, retried.result());
  EXPECT_EQ(50U, wait(futures).done.size());
  EXPECT_EQ(50U, others.marks().size());
}

}  // namespace
}  // namespace brigade
