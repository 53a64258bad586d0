// SPDX-License-Identifier: MIT
#pragma once
// What tests of processes look with from outside: files that children write, programs run to their end, and /proc.

#include <chrono>
#include <functional>
#include <string>
#include <vector>

namespace observation {

// Ends a test that hangs, and nothing else: no test measures with it.
inline constexpr std::chrono::seconds kWatchdog{60};

// Looks again and again until `condition` holds; false when the watchdog came first.
bool eventually(const std::function<bool()>& condition, std::chrono::milliseconds watchdog = kWatchdog);

// A new folder, removed with all it holds at the end.
class Folder {
 public:
  Folder();
  ~Folder();
  Folder(const Folder&) = delete;
  Folder& operator=(const Folder&) = delete;

  std::string file(const std::string& name) const { return path_ + "/" + name; }
  const std::string& path() const { return path_; }

 private:
  std::string path_;
};

// Adds one line in one write: lines of several processes never mix.
void append_line(const std::string& path, const std::string& line);
std::string text_of(const std::string& path);  // "" when there is no such file
std::vector<std::string> lines_of(const std::string& path);
std::size_t count_of(const std::string& needle, const std::string& text);

// A descriptor closed at the end of its scope.
class Descriptor {
 public:
  explicit Descriptor(int fd = -1) : fd_(fd) {}
  Descriptor(Descriptor&& other) noexcept : fd_(other.fd_) { other.fd_ = -1; }
  Descriptor& operator=(Descriptor&&) = delete;
  ~Descriptor();
  int get() const { return fd_; }

 private:
  int fd_;
};

// A handle of a process; empty (-1) when there is none of that id.
Descriptor pidfd_of(int pid);
// Whether the process behind the handle has ended (it may still be a zombie).
bool has_ended(const Descriptor& pidfd);
bool ends_eventually(const Descriptor& pidfd);

// "/dev/null", "pipe:[123]", ... of each open descriptor of this process but the one that looks: "0 /dev/null".
std::vector<std::string> open_descriptors();

// The children of this process, zombies too, and only the zombies.
std::vector<int> children();
std::vector<int> zombies();

// The processes that were started with NAME=value in their environment, or are copies of such.
std::vector<int> processes_with(const std::string& variable);

// A program run as a shell would: standard input /dev/null, output into files.
struct Ending {
  int exit_code = -1;  // -signal when one killed it
  bool hung = false;   // the watchdog killed it
  std::string out;
  std::string err;
};
struct Run {
  std::string program;
  std::vector<std::string> arguments = {};
  std::vector<std::string> environment = {};  // added to ours
  std::string shell_prefix = {};              // run by the shell before the program: "ulimit -n 20; trap '' HUP;"
};
Ending run(const Run& what);

}  // namespace observation
