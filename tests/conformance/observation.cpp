// SPDX-License-Identifier: MIT
#include "conformance/observation.hpp"

#include <dirent.h>
#include <fcntl.h>
#include <poll.h>
#include <signal.h>
#include <spawn.h>
#include <stdlib.h>
#include <sys/syscall.h>
#include <sys/wait.h>
#include <unistd.h>

#include <algorithm>
#include <cerrno>
#include <filesystem>
#include <fstream>
#include <iterator>
#include <sstream>
#include <stdexcept>
#include <system_error>
#include <thread>

extern "C" char** environ;

namespace observation {

namespace {

namespace fs = std::filesystem;

[[noreturn]] void fail(const std::string& what) { throw std::system_error(errno, std::generic_category(), what); }

bool is_number(const std::string& text) {
  return !text.empty() && text.find_first_not_of("0123456789") == std::string::npos;
}

// The letter of /proc/<pid>/stat: 'Z' for a zombie, ' ' when there is no such process.
char state_of(int pid) {
  const std::string stat = text_of("/proc/" + std::to_string(pid) + "/stat");
  const std::size_t name_end = stat.rfind(')');
  return name_end == std::string::npos || name_end + 2 >= stat.size() ? ' ' : stat[name_end + 2];
}

}  // namespace

bool eventually(const std::function<bool()>& condition, std::chrono::milliseconds watchdog) {
  const auto deadline = std::chrono::steady_clock::now() + watchdog;
  for (;;) {
    if (condition()) return true;
    if (std::chrono::steady_clock::now() > deadline) return false;
    std::this_thread::sleep_for(std::chrono::milliseconds(1));
  }
}

Folder::Folder() {
  std::string name = fs::temp_directory_path() / "brigade-test-XXXXXX";
  if (::mkdtemp(name.data()) == nullptr) fail("mkdtemp");
  path_ = name;
}

Folder::~Folder() {
  // A process that is just being killed may still write a file into it while it is emptied.
  eventually(
      [this] {
        std::error_code ignored;
        fs::remove_all(path_, ignored);
        return !fs::exists(path_, ignored);
      },
      std::chrono::seconds(5));
}

void append_line(const std::string& path, const std::string& line) {
  const Descriptor file(::open(path.c_str(), O_WRONLY | O_APPEND | O_CREAT | O_CLOEXEC, 0600));
  const std::string whole = line + "\n";
  if (::write(file.get(), whole.data(), whole.size()) != static_cast<ssize_t>(whole.size())) fail(path);
}

std::string text_of(const std::string& path) {
  std::ifstream file(path, std::ios::binary);
  return {std::istreambuf_iterator<char>(file), std::istreambuf_iterator<char>()};
}

std::vector<std::string> lines_of(const std::string& path) {
  std::ifstream file(path);
  std::vector<std::string> lines;
  for (std::string line; std::getline(file, line);) lines.push_back(line);
  return lines;
}

std::size_t count_of(const std::string& needle, const std::string& text) {
  std::size_t count = 0;
  for (std::size_t at = text.find(needle); at != std::string::npos; at = text.find(needle, at + 1)) ++count;
  return count;
}

Descriptor::~Descriptor() {
  if (fd_ >= 0) ::close(fd_);
}

Descriptor pidfd_of(int pid) { return Descriptor(static_cast<int>(::syscall(SYS_pidfd_open, pid, 0))); }

bool has_ended(const Descriptor& pidfd) {
  pollfd entry{pidfd.get(), POLLIN, 0};
  return pidfd.get() < 0 || ::poll(&entry, 1, 0) > 0;
}

bool ends_eventually(const Descriptor& pidfd) {
  return eventually([&] { return has_ended(pidfd); });
}

std::vector<std::string> open_descriptors() {
  std::vector<std::string> found;
  DIR* const folder = ::opendir("/proc/self/fd");
  if (folder == nullptr) fail("/proc/self/fd");
  while (const dirent* entry = ::readdir(folder)) {
    const std::string name = entry->d_name;
    if (!is_number(name) || std::stoi(name) == ::dirfd(folder)) continue;
    std::error_code ignored;
    found.push_back(name + " " + fs::read_symlink("/proc/self/fd/" + name, ignored).string());
  }
  ::closedir(folder);
  std::ranges::sort(found);
  return found;
}

std::vector<int> children() {
  std::vector<int> found;
  for (const auto& task : fs::directory_iterator("/proc/self/task")) {
    std::istringstream pids(text_of(task.path() / "children"));
    for (int pid = 0; pids >> pid;) found.push_back(pid);
  }
  return found;
}

std::vector<int> zombies() {
  std::vector<int> found = children();
  std::erase_if(found, [](int pid) { return state_of(pid) != 'Z'; });
  return found;
}

std::vector<int> processes_with(const std::string& variable) {
  std::vector<int> found;
  for (const auto& entry : fs::directory_iterator("/proc")) {
    const std::string name = entry.path().filename();
    if (!is_number(name)) continue;
    const std::string variables = std::string(1, '\0') + text_of("/proc/" + name + "/environ");
    if (variables.find('\0' + variable + '\0') != std::string::npos) found.push_back(std::stoi(name));
  }
  std::ranges::sort(found);
  return found;
}

Ending run(const Run& what) {
  const Folder folder;
  const std::string out = folder.file("out");
  const std::string err = folder.file("err");

  const std::string script = what.shell_prefix + " exec \"$@\"";
  std::vector<std::string> words{"sh", "-c", script, "sh", what.program};
  words.insert(words.end(), what.arguments.begin(), what.arguments.end());
  std::vector<char*> argv;
  for (std::string& word : words) argv.push_back(word.data());
  argv.push_back(nullptr);
  std::vector<std::string> added = what.environment;
  std::vector<char*> envp;
  for (std::string& variable : added) envp.push_back(variable.data());
  for (char** variable = environ; *variable != nullptr; ++variable) envp.push_back(*variable);
  envp.push_back(nullptr);

  posix_spawn_file_actions_t actions;
  posix_spawn_file_actions_init(&actions);
  posix_spawn_file_actions_addopen(&actions, 0, "/dev/null", O_RDONLY, 0);
  posix_spawn_file_actions_addopen(&actions, 1, out.c_str(), O_WRONLY | O_CREAT | O_APPEND, 0600);
  posix_spawn_file_actions_addopen(&actions, 2, err.c_str(), O_WRONLY | O_CREAT | O_APPEND, 0600);
  posix_spawn_file_actions_addclosefrom_np(&actions, 3);  // whatever our own parent has left open
  posix_spawnattr_t attributes;
  posix_spawnattr_init(&attributes);
  posix_spawnattr_setpgroup(&attributes, 0);
  posix_spawnattr_setflags(&attributes, POSIX_SPAWN_SETPGROUP);
  pid_t pid = -1;
  const int error = ::posix_spawn(&pid, "/bin/sh", &actions, &attributes, argv.data(), envp.data());
  posix_spawnattr_destroy(&attributes);
  posix_spawn_file_actions_destroy(&actions);
  errno = error;
  if (error != 0) fail("posix_spawn");

  Ending ending;
  const Descriptor pidfd = pidfd_of(pid);
  ending.hung = !ends_eventually(pidfd);
  if (ending.hung) ::kill(-pid, SIGKILL);
  int status = 0;
  while (::waitpid(pid, &status, 0) < 0 && errno == EINTR) {
  }
  ending.exit_code = WIFSIGNALED(status) ? -WTERMSIG(status) : WEXITSTATUS(status);
  ending.out = text_of(out);
  ending.err = text_of(err);
  return ending;
}

}  // namespace observation
