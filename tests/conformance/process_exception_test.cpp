// SPDX-License-Identifier: MIT
// Process::exception(): what ended a child arrives as what it was, with where it came from.
#include <gtest/gtest.h>
#include <signal.h>
#include <unistd.h>

#include <atomic>
#include <future>
#include <new>
#include <stdexcept>
#include <string>
#include <system_error>
#include <thread>
#include <vector>

#include <brigade/error.hpp>
#include <brigade/process.hpp>
#include <brigade/register_exception.hpp>

#include "conformance/observation.hpp"
#include "conformance/start_methods.hpp"

namespace {

using brigade::Process;
using namespace observation;

// ---- exceptions of this program's own ----

class RegisteredError : public std::runtime_error {
 public:
  explicit RegisteredError(const std::string& text) : std::runtime_error(text) {}
};
[[maybe_unused]] const bool registered = brigade::register_exception<RegisteredError>();

class LateRegisteredError : public std::runtime_error {
 public:
  explicit LateRegisteredError(const std::string& text) : std::runtime_error(text) {}
};

class UnregisteredError : public std::runtime_error {
 public:
  using std::runtime_error::runtime_error;
};

struct NoExceptionClass {
  int value = 1;
};

// ---- what children run ----

__attribute__((noinline)) void throw_in_the_galley() { throw std::out_of_range("no such pan"); }

[[noreturn]] void throw_nested() {
  try {
    try {
      throw std::invalid_argument("innermost");
    } catch (...) {
      std::throw_with_nested(std::logic_error("middle"));
    }
  } catch (...) {
    std::throw_with_nested(std::runtime_error("outermost"));
  }
}

[[noreturn]] void sleep_for_ever() {
  for (;;) ::pause();
}

std::string what_of(const std::exception_ptr& error) {
  try {
    std::rethrow_exception(error);
  } catch (const std::exception& caught) {
    return caught.what();
  }
}

brigade::RemoteInfo info_of(const std::exception_ptr& error) {
  try {
    std::rethrow_exception(error);
  } catch (const std::exception& caught) {
    const brigade::RemoteInfo* info = brigade::remote_info(caught);
    return info != nullptr ? *info : brigade::RemoteInfo(-1, "(none)", 0);
  }
}

class ProcessException : public conformance::StartMethods {
 protected:
  template <class F, class... Args>
  static Process ended(F function, Args&&... args) {
    Process process(options(), function, std::forward<Args>(args)...);
    process.start();
    EXPECT_TRUE(process.join(kWatchdog));
    return process;
  }

  template <class E, class F, class... Args>
  static void expect(const std::string& what, F function, Args&&... args) {
    Process process = ended(function, std::forward<Args>(args)...);
    EXPECT_EQ(process.exitcode(), 1);
    ASSERT_TRUE(process.exception());
    EXPECT_THROW(std::rethrow_exception(process.exception()), E);
    EXPECT_EQ(what_of(process.exception()), what);
  }
};
INSTANTIATE_FOR_EVERY_START_METHOD(ProcessException);

// ---- every kind ----

TEST_P(ProcessException, OfTheStandardLibraryIsOfItsOwnType) {
  expect<std::out_of_range>("no such pan", throw_in_the_galley);
  expect<std::invalid_argument>("", [] { throw std::invalid_argument(""); });
  expect<std::bad_alloc>(std::bad_alloc().what(), [] { throw std::bad_alloc(); });
  expect<std::future_error>(std::future_error(std::future_errc::no_state).what(),
                            [] { throw std::future_error(std::future_errc::no_state); });
}

TEST_P(ProcessException, OfTheSystemKeepsItsCode) {
  Process process = ended([] { throw std::system_error(ENOSPC, std::generic_category(), "galley"); });
  ASSERT_TRUE(process.exception());
  try {
    std::rethrow_exception(process.exception());
  } catch (const std::system_error& error) {
    EXPECT_EQ(error.code(), std::errc::no_space_on_device);
  }
}

TEST_P(ProcessException, OfBrigadeIsOfItsOwnType) {
  expect<brigade::TimeoutError>("too late", [] { throw brigade::TimeoutError("too late"); });
}

TEST_P(ProcessException, OfARegisteredTypeIsOfThatType) {
  expect<RegisteredError>("burnt", [] { throw RegisteredError("burnt"); });
}

TEST_P(ProcessException, OfATypeRegisteredSinceTheLastStartIsOfThatType) {
  EXPECT_EQ(ended([] {}).exitcode(), 0);
  brigade::register_exception<LateRegisteredError>();
  expect<LateRegisteredError>("late", [] { throw LateRegisteredError("late"); });
}

TEST_P(ProcessException, OfAnUnregisteredTypeIsARemoteErrorThatNamesIt) {
  Process process = ended([] { throw UnregisteredError("spilt"); });
  ASSERT_TRUE(process.exception());
  EXPECT_THROW(std::rethrow_exception(process.exception()), brigade::RemoteError);
  const std::string what = what_of(process.exception());
  EXPECT_NE(what.find("UnregisteredError"), std::string::npos) << what;
  EXPECT_NE(what.find("spilt"), std::string::npos) << what;
}

TEST_P(ProcessException, OfNoExceptionClassIsARemoteErrorThatNamesIt) {
  Process number = ended([] { throw 42; });
  EXPECT_EQ(number.exitcode(), 1);
  ASSERT_TRUE(number.exception());
  EXPECT_THROW(std::rethrow_exception(number.exception()), brigade::RemoteError);
  EXPECT_NE(what_of(number.exception()).find("int"), std::string::npos) << what_of(number.exception());

  Process object = ended([] { throw NoExceptionClass(); });
  ASSERT_TRUE(object.exception());
  EXPECT_NE(what_of(object.exception()).find("NoExceptionClass"), std::string::npos) << what_of(object.exception());
}

TEST_P(ProcessException, KeepsWhatIsNestedInIt) {
  Process process = ended(throw_nested);
  ASSERT_TRUE(process.exception());
  std::vector<std::string> texts;
  std::exception_ptr error = process.exception();
  while (error) {
    std::exception_ptr inner;
    try {
      std::rethrow_exception(error);
    } catch (const std::exception& caught) {
      texts.emplace_back(caught.what());
      if (const auto* nested = dynamic_cast<const std::nested_exception*>(&caught)) inner = nested->nested_ptr();
    }
    error = inner;
  }
  EXPECT_EQ(texts, (std::vector<std::string>{"outermost", "middle", "innermost"}));
}

TEST_P(ProcessException, OfTenMegabytesOfTextArrivesWhole) {
  Process process = ended([] { throw std::runtime_error(std::string(10'000'000, 'x') + "end"); });
  EXPECT_EQ(process.exitcode(), 1);
  ASSERT_TRUE(process.exception());
  EXPECT_TRUE(what_of(process.exception()) == std::string(10'000'000, 'x') + "end");
}

TEST_P(ProcessException, OfEverySizeAroundThatOfAMessageArrivesWhole) {
  for (const std::size_t size : {15'000U, 16'000U, 16'200U, 16'384U, 16'400U, 17'000U, 70'000U}) {
    Process process = ended([](std::size_t n) { throw std::runtime_error(std::string(n, 'y')); }, size);
    ASSERT_TRUE(process.exception()) << size;
    EXPECT_EQ(what_of(process.exception()).size(), size);
  }
}

TEST_P(ProcessException, WithAnyBytesInItsTextArrivesWhole) {
  const std::string text("line\nline \xff\xfe \x01 end", 18);
  expect<std::runtime_error>(
      text, [](const std::string& given) { throw std::runtime_error(given); }, text);
}

TEST_P(ProcessException, FromAnArgumentThatCannotBeReadArrives) {
  expect<std::length_error>(
      "too long", [](const std::string&) { throw std::length_error("too long"); }, "argument");
}

// ---- where it came from ----

TEST_P(ProcessException, SaysFromWhichProcessItCame) {
  Process process({.name = "cook", .context = context()}, throw_in_the_galley);
  process.start();
  process.join();
  ASSERT_TRUE(process.exception());
  const brigade::RemoteInfo info = info_of(process.exception());
  EXPECT_EQ(info.pid(), process.pid());
  EXPECT_EQ(info.worker(), "cook");
  EXPECT_EQ(info.type_name(), "std::out_of_range");
}

TEST_P(ProcessException, SaysWhereItWasThrown) {
  Process process = ended(throw_in_the_galley);
  ASSERT_TRUE(process.exception());
  const std::string trace = info_of(process.exception()).trace();
#if defined(__GNUC__) && !defined(__clang__)
  EXPECT_NE(trace.find("throw_in_the_galley"), std::string::npos) << trace;
#else
  EXPECT_NE(trace, "");
#endif
}

TEST_P(ProcessException, OfAGrandchildKeepsItsTypeThroughTwoProcesses) {
  Process process(
      {.name = "outer", .context = context()},
      [](const std::string& method) {
        Process inner({.name = "inner", .context = brigade::get_context(method)},
                      [] { throw RegisteredError("deep"); });
        inner.start();
        inner.join();
        std::rethrow_exception(inner.exception());
      },
      GetParam());
  process.start();
  process.join();
  ASSERT_TRUE(process.exception());
  EXPECT_THROW(std::rethrow_exception(process.exception()), RegisteredError);
  EXPECT_EQ(what_of(process.exception()), "deep");
  EXPECT_EQ(info_of(process.exception()).worker(), "outer");
  EXPECT_NE(info_of(process.exception()).type_name().find("RegisteredError"), std::string::npos)
      << info_of(process.exception()).type_name();
}

// ---- when there is none ----

TEST_P(ProcessException, IsNullBeforeStartWhileItRunsAndWhenItEndedOtherwise) {
  Process never(options(), [] {});
  EXPECT_FALSE(never.exception());

  Process running(options(true), sleep_for_ever);
  running.start();
  EXPECT_FALSE(running.exception());
  running.kill();
  running.join();
  EXPECT_FALSE(running.exception());

  EXPECT_FALSE(ended([] {}).exception());
  EXPECT_FALSE(ended([] { std::exit(1); }).exception());
  EXPECT_FALSE(ended([] { std::exit(3); }).exception());
  EXPECT_FALSE(ended([] { ::_exit(1); }).exception());
  EXPECT_FALSE(ended([] { ::raise(SIGTERM); }).exception());
}

TEST_P(ProcessException, ThatWasCaughtInTheChildIsNone) {
  Process process = ended([] {
    try {
      throw std::runtime_error("caught");
    } catch (const std::runtime_error&) {
    }
  });
  EXPECT_EQ(process.exitcode(), 0);
  EXPECT_FALSE(process.exception());
}

TEST_P(ProcessException, OfAThreadOfTheChildIsAnAbort) {
  Process process = ended([] {
    ::signal(SIGABRT, SIG_DFL);  // a sanitizer may have taken it
    std::thread([] { throw std::runtime_error("in a thread"); }).join();
  });
  EXPECT_EQ(process.exitcode(), -SIGABRT);
  EXPECT_FALSE(process.exception());
}

// ---- who asks ----

TEST_P(ProcessException, IsThereWithoutJoinAsSoonAsTheExitCodeIs) {
  Process process(options(), throw_in_the_galley);
  process.start();
  ASSERT_TRUE(eventually([&] { return process.exitcode().has_value(); }));
  EXPECT_TRUE(process.exception());
}

TEST_P(ProcessException, MayBeAskedForFirst) {
  Process process(options(), throw_in_the_galley);
  process.start();
  ASSERT_TRUE(eventually([&] { return process.exception() != nullptr; }));
  EXPECT_EQ(process.exitcode(), 1);
  EXPECT_FALSE(process.is_alive());
}

TEST_P(ProcessException, IsGivenToAllThreadsThatAskAndAsOftenAsTheyDo) {
  Process process(options(), throw_in_the_galley);
  process.start();
  std::atomic<int> right = 0;
  {
    std::vector<std::jthread> threads;
    for (int i = 0; i < 8; ++i) {
      threads.emplace_back([&] {
        process.join();
        for (int time = 0; time < 20; ++time) {
          const std::exception_ptr error = process.exception();
          right += error && what_of(error) == "no such pan" && info_of(error).pid() == process.pid();
        }
      });
    }
  }
  EXPECT_EQ(right, 160);
}

TEST_P(ProcessException, MovesWithItsProcess) {
  Process first = ended(throw_in_the_galley);
  Process second(std::move(first));
  ASSERT_TRUE(second.exception());
  EXPECT_EQ(what_of(second.exception()), "no such pan");
}

// The pipe or socket of a report must not be what a child waits at when nobody reads.
TEST_P(ProcessException, OfAChildThatNobodyAsksAboutHoldsNobodyUp) {
  const auto run_one = [] {
    Process process(options(), [] { throw std::runtime_error(std::string(200'000, 'z')); });
    process.start();
  };
  run_one();  // the first leaves what a process keeps for all
  const std::size_t before = open_descriptors().size();
  for (int i = 0; i < 20; ++i) run_one();
  EXPECT_EQ(open_descriptors().size(), before);
}

}  // namespace
