// SPDX-License-Identifier: MIT
// Contexts and the choice of the default start method. Each choice is made in a child, since it is made once per process.
#include <brigade/context.hpp>

#include <gtest/gtest.h>
#include <sched.h>

#include <brigade/error.hpp>
#include <brigade/init.hpp>
#include <brigade/process.hpp>
#include <stdexcept>
#include <string>
#include <vector>

#include "conformance/start_methods.hpp"

namespace {

using brigade::Context;

template <class Exception, class F>
bool throws(F function) {
  try {
    function();
  } catch (const Exception&) {
    return true;
  }
  return false;
}

TEST(ContextConformance, ThereAreThreeMethodsAndForkserverIsTheDefault) {
  EXPECT_EQ(brigade::get_all_start_methods(), (std::vector<std::string>{"forkserver", "fork", "spawn"}));
  EXPECT_EQ(brigade::get_start_method(), "forkserver");
  EXPECT_EQ(Context().method(), Context::Method::forkserver);
}

TEST(ContextConformance, EachMethodIsFoundByItsName) {
  for (const std::string& name : brigade::get_all_start_methods()) {
    EXPECT_EQ(brigade::get_context(name).name(), name);
    EXPECT_EQ(Context(brigade::get_context(name).method()), brigade::get_context(name));
  }
}

TEST(ContextConformance, AnotherNameIsAnErrorThatNamesIt) {
  for (const char* name : {"", "threads", "Fork", "fork ", "forkserver2"}) {
    EXPECT_THROW(brigade::get_context(name), std::invalid_argument) << name;
    EXPECT_THROW(brigade::set_start_method(name, true), std::invalid_argument) << name;
  }
  try {
    brigade::get_context("threads");
  } catch (const std::invalid_argument& error) {
    EXPECT_NE(std::string(error.what()).find("'threads'"), std::string::npos) << error.what();
  }
  EXPECT_EQ(brigade::get_start_method(), "forkserver");
}

TEST(ContextConformance, InitIsSeenAndASecondInitDoesNothing) {
  EXPECT_TRUE(brigade::is_initialized());
  brigade::init(0, nullptr);
  EXPECT_TRUE(brigade::is_initialized());
}

TEST(ContextConformance, AtLeastOneCpuAndNoMoreThanTheAffinityAllows) {
  cpu_set_t set;
  ASSERT_EQ(::sched_getaffinity(0, sizeof set, &set), 0);
  EXPECT_GE(brigade::cpu_count(), 1U);
  EXPECT_LE(brigade::cpu_count(), static_cast<unsigned>(CPU_COUNT(&set)));
}

class ContextInAChild : public conformance::StartMethods {};
INSTANTIATE_FOR_EVERY_START_METHOD(ContextInAChild);

TEST_P(ContextInAChild, TheDefaultIsChosenOnceUnlessForced) {
  EXPECT_EQ(run(
                [](const std::string& method) {
                  brigade::set_start_method(method);
                  if (brigade::get_start_method() != method || Context() != brigade::get_context(method)) std::exit(10);
                  if (!throws<brigade::Error>([&] { brigade::set_start_method("fork"); })) std::exit(11);
                  if (!throws<std::invalid_argument>([] { brigade::set_start_method("?"); })) std::exit(12);
                  if (brigade::get_start_method() != method) std::exit(13);
                  brigade::set_start_method("fork", true);
                  if (brigade::get_start_method() != "fork") std::exit(14);
                },
                GetParam()),
            0);
}

TEST_P(ContextInAChild, ChildrenBeginWithForkserverWhateverTheirParentChose) {
  EXPECT_EQ(run(
                [](const std::string& method) {
                  brigade::set_start_method("spawn");
                  brigade::Process process({.name = {}, .daemon = false, .context = brigade::get_context(method)}, [] {
                    if (brigade::get_start_method() != "forkserver") std::exit(20);
                    brigade::set_start_method("fork");
                  });
                  process.start();
                  process.join();
                  std::exit(process.exitcode().value());
                },
                GetParam()),
            0);
}

TEST_P(ContextInAChild, ChildrenAreInitialised) {
  EXPECT_EQ(run([] { std::exit(brigade::is_initialized() ? 0 : 1); }), 0);
}

}  // namespace
