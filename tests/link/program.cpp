// SPDX-License-Identifier: MIT
// Runs functions of every kind in other processes, by every start method, and says which of them did not find their way.
// The test is how this file is compiled and linked, and what happens to the program's file meanwhile.
//
//   program [named] [remove FILE | replace FILE OTHER]
//     remove, replace  do that to the program's own file first
//     named            but name functions and start pools before
#include <brigade/brigade.hpp>
#include <cmath>
#include <cstdio>
#include <cstdlib>
#include <deque>
#include <filesystem>
#include <functional>
#include <stdexcept>
#include <string>
#include <vector>

#include "functions.hpp"

// Seen from outside, so that no linker takes it for another file's.
int link_test_plain(int number);
int link_test_plain(int number) { return 1 - number; }

namespace {

using Function = int (*)(int);

int anonymous(int number) { return 2 - number; }

template <int Offset>
int instance(int number) {
  return Offset - number;
}

// Their code is the same: a linker may make one of them.
int twin(int number) { return 5 - number; }
int other_twin(int number) { return 5 - number; }

int fails(int number) { throw std::invalid_argument("not " + std::to_string(number)); }
int fails_in_our_way(int number) { throw brigade::TimeoutError("not " + std::to_string(number)); }

struct Number {
  int value;
  int taken_from(int other) const { return other - value; }
  int twice() const { return 2 * value; }
  void leave() const { std::exit(value); }
};

const auto lambda = [](int number) { return 6 - number; };

void leave_with_result(Function function, int number) { std::exit(function(number)); }

constexpr int kNumber = -20;

struct Case {
  const char* what;
  Function function;
  int expected;  // of kNumber
};

const Case kCases[] = {
    {"a plain function", link_test_plain, 21},
    {"a function in an anonymous namespace", anonymous, 22},
    {"an inline function", link_test::inlined, 23},
    {"a template's instance", instance<4>, 24},
    {"another instance of it", instance<7>, 27},
    {"one of two functions with the same code", twin, 25},
    {"the other of two functions with the same code", other_twin, 25},
    {"a lambda as a pointer", lambda, 26},
    {"std::abs", std::abs, 20},
};

int failures = 0;
const char* method = "";

// Calls get(), which is to give what is expected.
template <class Expected, class Get>
void expect(const std::string& what, const Expected& expected, Get get) {
  std::string said;
  try {
    const auto got = get();
    if (got == expected) return;
    if constexpr (std::is_arithmetic_v<Expected>) {
      said = "gave " + std::to_string(got) + " instead of " + std::to_string(expected);
    } else {
      said = "gave something else";
    }
  } catch (const std::exception& error) {
    said = std::string("threw ") + error.what();
  }
  std::fprintf(stderr, "%s: %s: %s\n", method, what.c_str(), said.c_str());
  ++failures;
}

// get() is to throw an Expected, from a worker, that says it was not kNumber, and where.
template <class Expected, class Get>
void expect_error(const std::string& what, Get get) {
  expect(what, true, [&] {
    try {
      get();
    } catch (const Expected& error) {
      const brigade::RemoteInfo* const info = brigade::remote_info(error);
      return info != nullptr && !info->trace().empty() && error.what() == "not " + std::to_string(kNumber);
    }
    return false;
  });
}

brigade::Context context() { return brigade::get_context(method); }

template <class F, class... Args>
int exit_code_of(F function, const Args&... args) {
  brigade::Process process({.name = {}, .daemon = false, .context = context()}, function, args...);
  process.start();
  process.join();
  return process.exitcode().value();
}

void check_process() {
  for (const Case& each : kCases) {
    expect(std::string("Process of ") + each.what, each.expected,
           [&] { return exit_code_of(leave_with_result, each.function, kNumber); });
  }
  expect("Process of a lambda", 33, [] { return exit_code_of([](int code) { std::exit(code); }, 33); });
  expect("Process of a member function", 34, [] { return exit_code_of(&Number::leave, Number{34}); });
  expect("Process of std::exit", 35, [] { return exit_code_of(static_cast<void (*)(int)>(std::exit), 35); });
  expect("Process of a function that throws", 1, [] { return exit_code_of(fails, kNumber); });
}

void check_executor(brigade::ProcessPoolExecutor& executor) {
  for (const Case& each : kCases) {
    expect(std::string("submit of ") + each.what, each.expected,
           [&] { return executor.submit(each.function, kNumber).result(); });
  }
  expect("submit of std::sqrt", 3.0,
         [&] { return executor.submit(static_cast<double (*)(double)>(std::sqrt), 9.0).result(); });
  expect("submit of a lambda", 26, [&] { return executor.submit(lambda, kNumber).result(); });
  expect("submit of a member function", 8,
         [&] { return executor.submit(&Number::taken_from, Number{2}, 10).result(); });
  expect_error<std::invalid_argument>("submit of a function that throws",
                                      [&] { executor.submit(fails, kNumber).result(); });
  expect_error<brigade::TimeoutError>("submit of a function that throws an exception of brigade",
                                      [&] { executor.submit(fails_in_our_way, kNumber).result(); });
}

template <class T>
std::vector<T> all_of(const brigade::Results<T>& results) {
  return {results.begin(), results.end()};
}

void check_pool() {
  brigade::Pool pool({.processes = 1, .context = context()});
  for (const Case& each : kCases) {
    expect(std::string("map of ") + each.what, std::vector<int>(3, each.expected),
           [&] { return all_of(pool.map(each.function, std::vector<int>(3, kNumber))); });
  }
  expect("map of std::sqrt", std::vector<double>{1, 2}, [&] {
    return all_of(pool.map(static_cast<double (*)(double)>(std::sqrt), std::vector<double>{1, 4}));
  });
  expect("map of a lambda", std::vector<int>{26}, [&] { return all_of(pool.map(lambda, std::vector<int>{kNumber})); });
  expect("map of a member function", std::vector<int>{2, 4}, [&] {
    return all_of(pool.map(&Number::twice, std::vector<Number>{{1}, {2}}));
  });
  expect_error<std::invalid_argument>("map of a function that throws",
                                      [&] { pool.map(fails, std::vector<int>{kNumber}); });
}

void change_file(const std::vector<std::string>& arguments) {
  if (arguments.empty()) return;
  const std::string& file = arguments.at(1);
  if (arguments[0] == "remove") {
    std::filesystem::remove(file);
  } else if (arguments[0] == "replace") {
    std::filesystem::copy_file(arguments.at(2), file + ".new");
    std::filesystem::rename(file + ".new", file);
  } else {
    throw std::invalid_argument("no such thing can be done to a file: " + arguments[0]);
  }
}

}  // namespace

int main(int argc, char** argv) {
  brigade::init(argc, argv);
  std::vector<std::string> arguments(argv + 1, argv + argc);
  const bool named = !arguments.empty() && arguments[0] == "named";
  if (named) arguments.erase(arguments.begin());
  const std::vector<std::string> methods = brigade::get_all_start_methods();

  std::deque<brigade::ProcessPoolExecutor> from_before;
  if (named) {
    for (const std::string& each : methods) {
      method = each.c_str();
      brigade::ProcessPoolExecutor& executor =
          from_before.emplace_back(brigade::PoolOptions{.processes = 1, .context = context()});
      expect("submit to a pool that is new", 21, [&] { return executor.submit(link_test_plain, kNumber).result(); });
    }
  }
  change_file(arguments);

  for (const std::string& each : methods) {
    method = each.c_str();
    check_process();
    brigade::ProcessPoolExecutor executor({.processes = 1, .context = context()});
    check_executor(executor);
    check_pool();
#ifdef BRIGADE_TEST_LIBRARY
    expect("in the library", std::string(), [&] { return std::string(link_test::check_library(method)); });
#endif
  }
  for (brigade::ProcessPoolExecutor& executor : from_before) {
    method = "a pool from before";
    check_executor(executor);
  }
  if (failures == 0) std::puts("every function found its way");
  return failures == 0 ? 0 : 1;
}
