// SPDX-License-Identifier: MIT
// plugins METHOD: functions of plugins, in processes started by that method. Of plugins that the program was linked with, or
// opens at one time or another; that it has closed; whose file is gone meanwhile, or another one.
#include <dlfcn.h>
#include <fcntl.h>
#include <stdlib.h>
#include <unistd.h>

#include <brigade/brigade.hpp>
#include <cmath>
#include <cstdio>
#include <filesystem>
#include <fstream>
#include <iterator>
#include <stdexcept>
#include <string>
#include <vector>

extern "C" int link_plugin_linked(int number);

namespace {

using Function = int (*)(int);

constexpr int kNumber = 3;

std::string method;
int failures = 0;

// A folder for files that go away; it goes away itself.
class Scratch {
 public:
  Scratch() {
    std::string path = (std::filesystem::temp_directory_path() / "brigade-link-XXXXXX").string();
    if (::mkdtemp(path.data()) == nullptr) throw std::runtime_error("there is no place for a folder");
    path_ = std::filesystem::canonical(path);
  }
  Scratch(const Scratch&) = delete;
  Scratch& operator=(const Scratch&) = delete;
  ~Scratch() {
    std::error_code ignored;
    std::filesystem::remove_all(path_, ignored);
  }

  std::string file(const std::string& name) const { return (path_ / name).string(); }

  // A new file, also where one of that name was before.
  std::string copy(const std::string& from, const std::string& name) const {
    std::filesystem::copy_file(from, file("new"));
    std::filesystem::rename(file("new"), file(name));
    return file(name);
  }

 private:
  std::filesystem::path path_;
};

class Plugin {
 public:
  explicit Plugin(const std::string& path) : handle_(::dlopen(path.c_str(), RTLD_NOW)) {
    if (handle_ == nullptr) throw std::runtime_error(::dlerror());
  }

  Function answer() const { return reinterpret_cast<Function>(::dlsym(handle_, "link_plugin_answer")); }
  void close() const { ::dlclose(handle_); }

 private:
  void* handle_;
};

// What a call is to come to: a number, or a SerializationError that says all of this.
struct Outcome {
  Outcome(int number) : is_error(false), says{std::to_string(number)} {}
  Outcome(std::vector<std::string> parts) : is_error(true), says(std::move(parts)) {}

  bool is(bool error, const std::string& said) const {
    if (error != is_error) return false;
    if (!is_error) return said == says[0];
    for (const std::string& part : says) {
      if (said.find(part) == std::string::npos) return false;
    }
    return true;
  }

  bool is_error;
  std::vector<std::string> says;
};

template <class Call>
void expect(const std::string& what, const Outcome& expected, Call call) {
  bool error = false;
  std::string said;
  try {
    said = std::to_string(call());
  } catch (const brigade::SerializationError& thrown) {
    error = true;
    said = thrown.what();
  } catch (const std::exception& other) {
    said = std::string("the wrong kind of error: ") + other.what();
  }
  if (expected.is(error, said)) return;
  std::fprintf(stderr, "%s: %s came to: %s\n  and not to:", method.c_str(), what.c_str(), said.c_str());
  for (const std::string& part : expected.says) std::fprintf(stderr, " %s", part.c_str());
  std::fputs("\n", stderr);
  ++failures;
}

brigade::Context context() { return brigade::get_context(method); }

void leave_with_result(Function function, int number) { std::exit(function(number)); }

// The exit code; what the child writes when that is 1 as the error it is.
int run_process(const Scratch& scratch, Function function) {
  brigade::Process process({.name = {}, .daemon = false, .context = context()}, leave_with_result, function, kNumber);
  const int saved = ::dup(2);
  const int log = ::open(scratch.file("log").c_str(), O_CREAT | O_TRUNC | O_RDWR | O_CLOEXEC, 0600);
  ::dup2(log, 2);
  ::close(log);
  process.start();
  process.join();
  ::dup2(saved, 2);
  ::close(saved);
  if (process.exitcode() != 1) return process.exitcode().value();
  std::ifstream file(scratch.file("log"));
  throw brigade::SerializationError(std::string(std::istreambuf_iterator<char>(file), {}));
}

int plain(int number) { return number + 1; }

// An executor and a pool of one worker each.
class Pools {
 public:
  Pools() : executor_({.processes = 1, .context = context()}), pool_({.processes = 1, .context = context()}) {}

  void check(const std::string& what, Function function, const Outcome& expected) {
    expect(what + ": submit", expected, [&] { return executor_.submit(function, kNumber).result(); });
    expect(what + ": map", expected, [&] { return pool_.map(function, std::vector<int>{kNumber - 1, kNumber})[1]; });
  }

  void check_that_they_work(const std::string& what) {
    check("a function of the program, " + what, plain, kNumber + 1);
  }

 private:
  brigade::ProcessPoolExecutor executor_;
  brigade::Pool pool_;
};

// `at_start`: what a process that starts now comes to, `later`: one that was there before the plugin was opened.
void check(const Scratch& scratch, Pools& there, const std::string& what, Function function, const Outcome& at_start,
           const Outcome& later) {
  expect(what + ": Process", at_start, [&] { return run_process(scratch, function); });
  Pools fresh;
  fresh.check(what + ", in a new pool", function, at_start);
  fresh.check_that_they_work("in a new pool after " + what);
  there.check(what + ", in an old pool", function, later);
  there.check_that_they_work("in an old pool after " + what);
}

void check_all(const Plugin& early) {
  const Scratch scratch;
  Pools there;
  there.check_that_they_work("at first");
  const auto check_one = [&](const std::string& what, Function function, const Outcome& at_start,
                             const Outcome& later) {
    // A copy of this process has what this one has opened.
    check(scratch, there, what, function, method == "fork" ? Outcome(function(kNumber)) : at_start, later);
  };
  const auto check_same = [&](const std::string& what, Function function, const Outcome& expected) {
    check_one(what, function, expected, expected);
  };

  check_same("linked", link_plugin_linked, 10 + kNumber);
  check_same("opened before init", early.answer(), 20 + kNumber);
  check_same("opened after init", Plugin(BRIGADE_TEST_PLUGIN_LATE).answer(), 30 + kNumber);
  check_same("without a build-id", Plugin(BRIGADE_TEST_PLUGIN_WITHOUT_BUILD_ID).answer(), 40 + kNumber);

  // Named by what it was opened as, which no longer leads to it.
  scratch.copy(BRIGADE_TEST_PLUGIN_RELATIVE, "relative.so");
  const std::filesystem::path home = std::filesystem::current_path();
  std::filesystem::current_path(scratch.file(""));
  const Plugin relative("./relative.so");
  std::filesystem::current_path(home);
  check_same("opened by a relative path", relative.answer(), 50 + kNumber);

  const Plugin named(BRIGADE_TEST_PLUGIN_NAMED);
  there.check("opened to be closed", named.answer(), 60 + kNumber);
  const Function answer_of_named = named.answer();
  named.close();
  check_same("closed after it was named", answer_of_named, 60 + kNumber);

  const Plugin closed(BRIGADE_TEST_PLUGIN_CLOSED);
  const Function answer_of_closed = closed.answer();
  closed.close();
  const Outcome no_function({"not a function of a loaded image"});
  there.check("closed before it was named", answer_of_closed, no_function);
  expect("closed before it was named: Process", no_function, [&] { return run_process(scratch, answer_of_closed); });

  const std::string missing_path = scratch.copy(BRIGADE_TEST_PLUGIN_MISSING, "missing.so");
  const Plugin missing(missing_path);
  std::filesystem::remove(missing_path);
  check_same("missing", missing.answer(), Outcome({missing_path, "cannot open shared object file"}));

  const std::string replaced_path = scratch.copy(BRIGADE_TEST_PLUGIN_OLD, "replaced.so");
  const Plugin replaced(replaced_path);
  scratch.copy(BRIGADE_TEST_PLUGIN_NEW, "replaced.so");
  check_same("replaced", replaced.answer(),
             Outcome({replaced_path, "build-id " BRIGADE_TEST_BUILD_ID_OLD " there",
                      "build-id " BRIGADE_TEST_BUILD_ID_NEW " here"}));

  // What could not be found before does not matter to what comes now, and is not found by accident.
  check_same("opened after those that are gone", Plugin(BRIGADE_TEST_PLUGIN_LAST).answer(), 70 + kNumber);
  expect("std::cbrt", 2, [] {
    brigade::Pool pool({.processes = 1, .context = context()});
    return static_cast<int>(std::lround(pool.apply(static_cast<double (*)(double)>(std::cbrt), 8.0)));
  });
  there.check("missing, once more", missing.answer(), Outcome({missing_path, "cannot open shared object file"}));
}

}  // namespace

int main(int argc, char** argv) {
  const Plugin early(BRIGADE_TEST_PLUGIN_EARLY);
  brigade::init(argc, argv);
  if (argc != 2) return 2;
  method = argv[1];
  check_all(early);
  if (failures == 0) std::puts("every function found its way, or it was said why not");
  return failures == 0 ? 0 : 1;
}
