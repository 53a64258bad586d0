// SPDX-License-Identifier: MIT
#pragma once
// Between the library, which moves log records from process to process, and log.hpp, which knows the logger.

#include <cstdint>
#include <string>

namespace brigade::internal {

// What a process logged, as it goes to the program's logger.
struct LogRecord {
  int level = 0;          // spdlog's
  std::int64_t time = 0;  // nanoseconds since 1970
  std::uint64_t thread = 0;
  int pid = 0;
  std::string process;  // its name
  std::string text;
};

inline constexpr int kLogNothing = 6;

// Of the program that logs; null where it does not.
struct LogHooks {
  int (*level)() = nullptr;                   // below which children need not send
  void (*write)(const LogRecord&) = nullptr;  // called by one thread at a time for each child, in the child's order
};

// Says where records of children go. Records that arrive in a process without hooks go on to its parent.
void set_log_hooks(LogHooks hooks) noexcept;

// Whether this process was started by brigade: then records go to its parent, from this level on.
bool logs_to_parent() noexcept;
int log_level_of_parent() noexcept;

// Sends a record of this process to its parent. Waits while the parent has more to read than the socket holds.
void send_to_parent(int level, std::int64_t time, std::uint64_t thread, std::string text);

// Changes in a forked child: what a process remembers of its logger does not hold there.
unsigned log_generation() noexcept;

}  // namespace brigade::internal
