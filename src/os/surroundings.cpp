// SPDX-License-Identifier: MIT
#include "os/surroundings.hpp"

#include <fcntl.h>
#include <stdlib.h>
#include <sys/prctl.h>
#include <sys/socket.h>
#include <sys/stat.h>
#include <unistd.h>

#include <cstdio>
#include <iostream>

#include "os/error.hpp"

extern "C" char** environ;

namespace brigade::os {

Fd open_working_directory() {
  return above_standard(Fd(check(::open(".", O_PATH | O_DIRECTORY | O_CLOEXEC), "open(.)")));
}

Fd try_open_working_directory() noexcept {
  const int fd = ::open(".", O_PATH | O_DIRECTORY | O_CLOEXEC);
  return fd > STDERR_FILENO || fd < 0 ? Fd(fd) : Fd(::fcntl(fd, F_DUPFD_CLOEXEC, 3));
}

Fd open_null() { return above_standard(Fd(check(::open("/dev/null", O_RDWR | O_CLOEXEC), "open(/dev/null)"))); }

std::vector<std::string> environment() {
  std::vector<std::string> variables;
  for (char** variable = environ; variable != nullptr && *variable != nullptr; ++variable)
    variables.emplace_back(*variable);
  return variables;
}

bool environment_is(std::span<const std::string> variables) noexcept {
  char** variable = environ;
  for (const std::string& wanted : variables) {
    if (variable == nullptr || *variable == nullptr || wanted != *variable) return false;
    ++variable;
  }
  return variable == nullptr || *variable == nullptr;
}

std::string environment_variable(const char* name) {
  const char* value = ::getenv(name);
  return value != nullptr ? value : "";
}

void replace_environment(const std::vector<std::string>& variables) {
  ::clearenv();
  for (const std::string& variable : variables) {
    const std::size_t equals = variable.find('=');
    if (equals == std::string::npos || equals == 0) continue;
    ::setenv(variable.substr(0, equals).c_str(), variable.c_str() + equals + 1, 1);
  }
}

bool is_open(int fd) noexcept { return ::fcntl(fd, F_GETFD) >= 0; }

bool install_fd(int from, int to) noexcept { return ::dup2(from, to) == to; }

bool enter_directory(int fd) noexcept { return ::fchdir(fd) == 0; }

void fill_standard_streams() noexcept {
  for (const int standard : {STDIN_FILENO, STDOUT_FILENO, STDERR_FILENO}) {
    if (!is_open(standard)) ::open("/dev/null", O_RDWR);  // the lowest number that is free
  }
}

void change_directory(const std::string& path) {
  if (::chdir(path.c_str()) != 0) throw std::system_error(errno, std::generic_category(), "chdir(" + path + ")");
}

void set_environment_variable(const std::string& name, const std::optional<std::string>& value) {
  const int done = value ? ::setenv(name.c_str(), value->c_str(), 1) : ::unsetenv(name.c_str());
  if (done != 0) throw std::system_error(errno, std::generic_category(), "setenv(" + name + ")");
}

void start_session() noexcept { ::setsid(); }
int session() noexcept { return ::getsid(0); }

RootDirectory root_directory() noexcept {
  struct stat status {};
  return ::stat("/", &status) == 0 ? RootDirectory{status.st_dev, status.st_ino} : RootDirectory();
}

void start_process_group() noexcept { ::setpgid(0, 0); }
int process_group() noexcept { return ::getpgrp(); }
void join_process_group(int group) noexcept { ::setpgid(0, group); }

void close_fd(int fd) noexcept { ::close(fd); }

bool set_close_on_exec(int fd) noexcept { return ::fcntl(fd, F_SETFD, FD_CLOEXEC) == 0; }

bool is_sealed_memory(int fd) noexcept {
  const int seals = ::fcntl(fd, F_GET_SEALS);
  return seals >= 0 && (seals & F_SEAL_SHRINK) != 0;
}

bool is_pipe(int fd) noexcept {
  struct stat status {};
  return ::fstat(fd, &status) == 0 && S_ISFIFO(status.st_mode);
}

bool is_message_socket(int fd) noexcept {
  int type = 0;
  socklen_t bytes = sizeof type;
  return ::getsockopt(fd, SOL_SOCKET, SO_TYPE, &type, &bytes) == 0 && type == SOCK_SEQPACKET;
}

void flush_standard_streams() noexcept {
  static const std::ios_base::Init streams_exist;  // a static initialiser may start processes
  for (FILE* stream : {stdout, stderr}) {
    if (::ftrylockfile(stream) != 0) continue;
    if (stream == stdout) std::cout.flush();  // it may hold text of its own: sync_with_stdio(false)
    ::fflush_unlocked(stream);
    ::funlockfile(stream);
  }
}

void flush_all_streams() noexcept {
  static const std::ios_base::Init streams_exist;
  std::cout.flush();
  std::fflush(nullptr);
}

void cut_inherited_exit_handlers() {
  ::on_exit(
      [](int status, void*) {
        flush_all_streams();
        ::_exit(status);
      },
      nullptr);
}

void write_error(const std::string& text) noexcept {
  [[maybe_unused]] const auto n = ::write(STDERR_FILENO, text.data(), text.size());
}

void name_thread(const std::string& name) noexcept { ::prctl(PR_SET_NAME, name.c_str()); }

void set_oom_score(int adjustment) noexcept {
  const Fd file(::open("/proc/self/oom_score_adj", O_WRONLY | O_CLOEXEC));
  const std::string text = std::to_string(adjustment);
  [[maybe_unused]] const auto n = ::write(file.get(), text.data(), text.size());
}

}  // namespace brigade::os
