// SPDX-License-Identifier: MIT
#pragma once
// Whom the kernel takes this process for: what it may do, what files it creates get, and which signals it handles.

#include <cstdint>
#include <string>
#include <string_view>

namespace brigade::os {

struct Identity {
  unsigned umask = 0;
  // The lines of the status file that say what the process may do, as the kernel writes them: user and group ids,
  // groups, capabilities, no_new_privs, seccomp. Of two processes with the same rights they are the same.
  std::string credentials;
  std::uint64_t caught_signals = 0;  // bit n-1: signal n has a handler in this process
};

// That of the calling thread; a process whose threads differ passes on to a child those of the thread that starts it.
// Throws std::system_error.
//   Cost  6 us, most of it the kernel's
Identity read_identity();

// The same from the text of a status file.
Identity parse_identity(std::string_view status);

// Gives up what this process has beyond these credentials: for one that was just exec'ed from a file that is
// set-user-id, set-group-id or has capabilities, by a process that had given up what that file gave it. What exec keeps
// (the bounding set, ambient capabilities, no_new_privs, seccomp) must be the same already. Throws std::system_error
// that says what still differs; the process has some of these rights and some of those then, and must end.
//   Threads  while there is one
void take_on_credentials(std::string_view wanted);

// Whether this process has rights of its program's file (set-user-id, set-group-id, capabilities) that who started it lacks.
bool has_rights_of_its_file() noexcept;

// Keeps only those of who started it. Throws std::system_error.
void give_up_rights_of_its_file();

}  // namespace brigade::os
