// SPDX-License-Identifier: MIT
// What ProcessOptions say is what the child has: name, daemon, directory, environment, umask, nice, CPUs, threads.
#include <gtest/gtest.h>
#include <sched.h>
#include <stdlib.h>
#include <sys/resource.h>
#include <sys/stat.h>
#include <unistd.h>

#include <filesystem>
#include <optional>
#include <string>
#include <vector>

#include <brigade/error.hpp>
#include <brigade/process.hpp>

#include "conformance/observation.hpp"
#include "conformance/start_methods.hpp"

namespace {

using brigade::Process;
using brigade::ProcessOptions;
using namespace observation;
namespace fs = std::filesystem;

// ---- what children run ----

void write_directory(const std::string& path) { append_line(path, fs::current_path().string()); }

void write_variables(const std::string& path, const std::vector<std::string>& names) {
  for (const std::string& name : names) {
    const char* const value = ::getenv(name.c_str());
    append_line(path, value != nullptr ? value : "(unset)");
  }
}

std::string umask_now() {
  const mode_t mask = ::umask(0);
  ::umask(mask);
  return std::to_string(mask);
}
void write_umask(const std::string& path) { append_line(path, umask_now()); }

void write_nice(const std::string& path) { append_line(path, std::to_string(::getpriority(PRIO_PROCESS, 0))); }

std::vector<unsigned> cpus_now() {
  cpu_set_t set;
  CPU_ZERO(&set);
  ::sched_getaffinity(0, sizeof set, &set);
  std::vector<unsigned> cpus;
  for (unsigned cpu = 0; cpu < CPU_SETSIZE; ++cpu) {
    if (CPU_ISSET(cpu, &set)) cpus.push_back(cpu);
  }
  return cpus;
}
std::string text_of_cpus(const std::vector<unsigned>& cpus) {
  std::string text;
  for (const unsigned cpu : cpus) text += std::to_string(cpu) + " ";
  return text;
}
void write_cpus(const std::string& path) { append_line(path, text_of_cpus(cpus_now())); }

void write_daemon(const std::string& path) {
  const brigade::ProcessHandle self = brigade::current_process();
  append_line(path, self.name() + (self.daemon() ? " daemon" : " no daemon"));
}

// Starts one child that says nothing about daemon, and two that do.
void write_daemon_of_children(const std::string& path, const std::string& method) {
  write_daemon(path);
  const brigade::Context context = brigade::get_context(method);
  const std::vector<std::pair<std::string, std::optional<bool>>> kinds{{"unsaid", {}}, {"no", false}, {"yes", true}};
  for (const auto& [name, daemon] : kinds) {
    Process process({.name = name, .daemon = daemon, .context = context}, write_daemon, path);
    if (process.daemon() != daemon.value_or(brigade::current_process().daemon())) std::exit(7);
    process.start();
    process.join();
    if (process.exitcode() != 0) std::exit(8);
  }
}

class ProcessOptionsConformance : public conformance::StartMethods {
 protected:
  template <class... Args>
  static int run_with(ProcessOptions options, Args&&... args) {
    options.context = context();
    Process process(std::move(options), std::forward<Args>(args)...);
    process.start();
    process.join();
    return process.exitcode().value();
  }

  // The exit code, and the text of the exception that ended the process.
  template <class... Args>
  static std::pair<int, std::string> fail_with(ProcessOptions options, Args&&... args) {
    options.context = context();
    Process process(std::move(options), std::forward<Args>(args)...);
    process.start();
    process.join();
    std::string text = "(no exception)";
    if (const std::exception_ptr error = process.exception()) {
      try {
        std::rethrow_exception(error);
      } catch (const std::exception& caught) {
        text = caught.what();
      }
    }
    return {process.exitcode().value(), text};
  }

  Folder folder_;
  std::string file_ = folder_.file("written");
};
INSTANTIATE_FOR_EVERY_START_METHOD(ProcessOptionsConformance);

// ---- name and daemon ----

TEST_P(ProcessOptionsConformance, ANameIsTheProcesssAndTheChilds) {
  Process process({.name = "a name with spaces, ä and 'quotes'", .context = context()}, write_daemon, file_);
  EXPECT_EQ(process.name(), "a name with spaces, ä and 'quotes'");
  process.start();
  process.join();
  EXPECT_EQ(process.exitcode(), 0);
  EXPECT_EQ(text_of(file_), "a name with spaces, ä and 'quotes' no daemon\n");
}

TEST_P(ProcessOptionsConformance, AVeryLongNameArrives) {
  const std::string name(100'000, 'n');
  EXPECT_EQ(run_with({.name = name}, write_daemon, file_), 0);
  EXPECT_EQ(text_of(file_), name + " no daemon\n");
}

TEST_P(ProcessOptionsConformance, ChildrenOfANormalProcessAreNoDaemonsUnlessSaid) {
  EXPECT_EQ(run_with({.name = "parent"}, write_daemon_of_children, file_, GetParam()), 0);
  EXPECT_EQ(text_of(file_), "parent no daemon\nunsaid no daemon\nno no daemon\nyes daemon\n");
}

TEST_P(ProcessOptionsConformance, ChildrenOfADaemonAreDaemonsUnlessSaid) {
  EXPECT_EQ(run_with({.name = "parent", .daemon = true}, write_daemon_of_children, file_, GetParam()), 0);
  EXPECT_EQ(text_of(file_), "parent daemon\nunsaid daemon\nno no daemon\nyes daemon\n");
}

// ---- directory ----

TEST_P(ProcessOptionsConformance, AnAbsoluteDirectoryIsWhereTheChildWorks) {
  fs::create_directory(folder_.file("there"));
  const fs::path here = fs::current_path();
  EXPECT_EQ(run_with({.directory = folder_.file("there")}, write_directory, file_), 0);
  EXPECT_EQ(text_of(file_), fs::canonical(folder_.file("there")).string() + "\n");
  EXPECT_EQ(fs::current_path(), here);
}

TEST_P(ProcessOptionsConformance, ARelativeDirectoryIsOneOfTheParentsAtStart) {
  fs::create_directories(folder_.file("at start/below"));
  fs::create_directories(folder_.file("when made/below"));
  const fs::path here = fs::current_path();
  fs::current_path(folder_.file("when made"));
  Process process({.context = context(), .directory = "below"}, write_directory, file_);
  fs::current_path(folder_.file("at start"));
  process.start();
  fs::current_path(here);
  process.join();
  EXPECT_EQ(process.exitcode(), 0);
  EXPECT_EQ(text_of(file_), fs::canonical(folder_.file("at start/below")).string() + "\n");
}

TEST_P(ProcessOptionsConformance, AMissingDirectoryEndsTheChildWithAnExceptionThatNamesIt) {
  const auto [code, text] = fail_with({.directory = folder_.file("nowhere")}, write_directory, file_);
  EXPECT_EQ(code, 1);
  EXPECT_NE(text.find(folder_.file("nowhere")), std::string::npos) << text;
  EXPECT_EQ(text_of(file_), "");
}

TEST_P(ProcessOptionsConformance, AFileIsNoDirectory) {
  append_line(folder_.file("file"), "text");
  const auto [code, text] = fail_with({.directory = folder_.file("file")}, write_directory, file_);
  EXPECT_EQ(code, 1);
  EXPECT_NE(text.find(folder_.file("file")), std::string::npos) << text;
}

// ---- environment ----

TEST_P(ProcessOptionsConformance, VariablesAreSetReplacedAndRemoved) {
  ::setenv("BRIGADE_TEST_KEPT", "kept", 1);
  ::setenv("BRIGADE_TEST_REPLACED", "old", 1);
  ::setenv("BRIGADE_TEST_REMOVED", "there", 1);
  const std::vector<std::string> names{"BRIGADE_TEST_KEPT", "BRIGADE_TEST_REPLACED", "BRIGADE_TEST_REMOVED",
                                       "BRIGADE_TEST_NEW", "BRIGADE_TEST_EMPTY"};
  EXPECT_EQ(run_with({.environment = {{"BRIGADE_TEST_REPLACED", "new"},
                                      {"BRIGADE_TEST_REMOVED", std::nullopt},
                                      {"BRIGADE_TEST_NEW", "a=b\nc"},
                                      {"BRIGADE_TEST_EMPTY", ""},
                                      {"BRIGADE_TEST_NEVER_THERE", std::nullopt}}},
                     write_variables, file_, names),
            0);
  EXPECT_EQ(text_of(file_), "kept\nnew\n(unset)\na=b\nc\n\n");
  EXPECT_STREQ(::getenv("BRIGADE_TEST_REPLACED"), "old");
  EXPECT_STREQ(::getenv("BRIGADE_TEST_REMOVED"), "there");
  EXPECT_EQ(::getenv("BRIGADE_TEST_NEW"), nullptr);
  for (const std::string& name : names) ::unsetenv(name.c_str());
}

TEST_P(ProcessOptionsConformance, TheNextChildHasNothingOfTheLastOnes) {
  const std::vector<std::string> names{"BRIGADE_TEST_NEW"};
  EXPECT_EQ(run_with({.environment = {{"BRIGADE_TEST_NEW", "1"}}, .umask = 0111, .nice = 1}, [] {}), 0);
  EXPECT_EQ(run_with({}, write_variables, file_, names), 0);
  EXPECT_EQ(run_with({}, write_umask, file_), 0);
  EXPECT_EQ(run_with({}, write_nice, file_), 0);
  EXPECT_EQ(lines_of(file_),
            (std::vector<std::string>{"(unset)", umask_now(), std::to_string(::getpriority(PRIO_PROCESS, 0))}));
}

TEST_P(ProcessOptionsConformance, ANameThatNoVariableCanHaveIsAnExceptionThatNamesIt) {
  const auto [code, text] = fail_with({.environment = {{"A=B", "1"}}}, [] {});
  EXPECT_EQ(code, 1);
  EXPECT_NE(text.find("A=B"), std::string::npos) << text;
}

// ---- umask, nice, CPUs ----

TEST_P(ProcessOptionsConformance, TheUmaskIsTheChilds) {
  const std::string before = umask_now();
  EXPECT_EQ(run_with({.umask = 0}, write_umask, file_), 0);
  EXPECT_EQ(run_with({.umask = 0077}, write_umask, file_), 0);
  EXPECT_EQ(run_with({.umask = 0777}, write_umask, file_), 0);
  EXPECT_EQ(text_of(file_), "0\n63\n511\n");
  EXPECT_EQ(umask_now(), before);
}

TEST_P(ProcessOptionsConformance, NiceIsAddedToTheParents) {
  const int mine = ::getpriority(PRIO_PROCESS, 0);
  EXPECT_EQ(run_with({}, write_nice, file_), 0);
  EXPECT_EQ(run_with({.nice = 1}, write_nice, file_), 0);
  EXPECT_EQ(run_with({.nice = 100}, write_nice, file_), 0);  // the kernel's most
  EXPECT_EQ(lines_of(file_),
            (std::vector<std::string>{std::to_string(mine), std::to_string(std::min(mine + 1, 19)), "19"}));
  EXPECT_EQ(::getpriority(PRIO_PROCESS, 0), mine);
}

TEST_P(ProcessOptionsConformance, TheChildRunsOnTheCpusItIsGiven) {
  const std::vector<unsigned> mine = cpus_now();
  EXPECT_EQ(run_with({}, write_cpus, file_), 0);
  EXPECT_EQ(run_with({.affinity = {mine.back()}}, write_cpus, file_), 0);
  EXPECT_EQ(run_with({.affinity = mine}, write_cpus, file_), 0);
  EXPECT_EQ(lines_of(file_),
            (std::vector<std::string>{text_of_cpus(mine), text_of_cpus({mine.back()}), text_of_cpus(mine)}));
  EXPECT_EQ(cpus_now(), mine);
}

TEST_P(ProcessOptionsConformance, ACpuThatIsNotThereIsAnException) {
  const auto [code, text] = fail_with({.affinity = {1'000'000}}, [] {});
  EXPECT_EQ(code, 1);
  EXPECT_NE(text, "(no exception)");
}

// ---- threads ----

TEST_P(ProcessOptionsConformance, ThreadsIsWhatOpenMpAndItsLikeFindInTheEnvironment) {
  const std::vector<std::string> names{"OMP_NUM_THREADS", "OPENBLAS_NUM_THREADS", "MKL_NUM_THREADS"};
  EXPECT_EQ(run_with({.threads = 3}, write_variables, file_, names), 0);
  EXPECT_EQ(text_of(file_), "3\n3\n3\n");
  EXPECT_EQ(::getenv("OMP_NUM_THREADS"), nullptr);
}

TEST_P(ProcessOptionsConformance, ZeroThreadsLeavesTheEnvironmentAlone) {
  ::setenv("OMP_NUM_THREADS", "5", 1);
  EXPECT_EQ(run_with({}, write_variables, file_, std::vector<std::string>{"OMP_NUM_THREADS"}), 0);
  ::unsetenv("OMP_NUM_THREADS");
  EXPECT_EQ(text_of(file_), "5\n");
}

// ---- all together ----

TEST_P(ProcessOptionsConformance, AllAtOnceAreHonoured) {
  const std::vector<unsigned> mine = cpus_now();
  ProcessOptions everything{.name = "all",
                            .daemon = true,
                            .limits = {.core_bytes = 0},
                            .directory = folder_.path(),
                            .environment = {{"BRIGADE_TEST_NEW", "1"}},
                            .umask = 027,
                            .nice = 1,
                            .affinity = {mine.front()},
                            .threads = 2};
  EXPECT_EQ(run_with(
                everything,
                [](const std::string& path) {
                  write_daemon(path);
                  write_directory(path);
                  write_variables(path, {"BRIGADE_TEST_NEW", "OMP_NUM_THREADS"});
                  write_umask(path);
                  write_cpus(path);
                },
                file_),
            0);
  EXPECT_EQ(text_of(file_), "all daemon\n" + fs::canonical(folder_.path()).string() + "\n1\n2\n23\n" +
                                text_of_cpus({mine.front()}) + "\n");
}

}  // namespace
