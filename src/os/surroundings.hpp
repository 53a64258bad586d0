// SPDX-License-Identifier: MIT
#pragma once
// What a process has around it besides memory: working directory, environment, standard streams.

#include <cstddef>
#include <cstdint>
#include <optional>
#include <span>
#include <string>
#include <vector>

#include "os/fd.hpp"

namespace brigade::os {

Fd open_working_directory();
Fd try_open_working_directory() noexcept;  // empty where it cannot be opened
Fd open_null();

// "NAME=value", in the order of environ.
std::vector<std::string> environment();
bool environment_is(std::span<const std::string> variables) noexcept;
std::string environment_variable(const char* name);

// Replaces the whole environment of this process.
void replace_environment(const std::vector<std::string>& variables);

// True when the descriptor is open.
bool is_open(int fd) noexcept;

// Makes `to` a copy of `from`, inherited over exec. Neither throws nor allocates.
bool install_fd(int from, int to) noexcept;
bool enter_directory(int fd) noexcept;

// Opens nothing (/dev/null) for each of 0, 1 and 2 that is closed, so that no other file gets their numbers.
void fill_standard_streams() noexcept;

// Throws std::system_error that names the directory.
void change_directory(const std::string& path);

// nullopt: removes it.
void set_environment_variable(const std::string& name, const std::optional<std::string>& value);

// A session of its own, without a terminal.
void start_session() noexcept;
int session() noexcept;

// What "/" is to this process: another directory after chroot().
struct RootDirectory {
  std::uint64_t device = 0;
  std::uint64_t inode = 0;
  friend bool operator==(const RootDirectory&, const RootDirectory&) = default;
};
RootDirectory root_directory() noexcept;

// The process group, whose members get what the terminal sends.
void start_process_group() noexcept;
int process_group() noexcept;
// Does nothing where the group is not there, or of another session.
void join_process_group(int group) noexcept;

void close_fd(int fd) noexcept;

// False when the descriptor is not open.
bool set_close_on_exec(int fd) noexcept;

// What a descriptor is; false when it is not open.
bool is_sealed_memory(int fd) noexcept;
bool is_pipe(int fd) noexcept;
bool is_message_socket(int fd) noexcept;

// Writes out what stdout, stderr and std::cout hold, leaving alone a stream that another thread holds.
void flush_standard_streams() noexcept;

// Writes out std::cout and every stdio stream: for a process with one thread.
void flush_all_streams() noexcept;

// Makes std::exit() in this process end like _exit(), after flushing: handlers and statics that were registered before
// this call (in the process this one was copied from) do not run, those registered later do.
void cut_inherited_exit_handlers();

// Writes text to standard error in one call.
void write_error(const std::string& text) noexcept;

// What listings call the calling thread, up to 15 bytes; the main thread's name is the process's.
void name_thread(const std::string& name) noexcept;

// Raises this process's readiness to be chosen when memory runs out (0..1000).
void set_oom_score(int adjustment) noexcept;

}  // namespace brigade::os
