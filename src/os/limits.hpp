// SPDX-License-Identifier: MIT
#pragma once
// How much of the machine this process may use, and how far it stands back behind others.

#include <cstdint>
#include <optional>

namespace brigade::os {

// The most this process may have of each thing that has a value here.
struct Limits {
  // Heap, thread stacks and other private memory that can be written (RLIMIT_DATA), what it has already included; more
  // is std::bad_alloc. Shared memory does not count.
  std::optional<std::uint64_t> memory_bytes = {};
  // CPU time of all its threads (RLIMIT_CPU): SIGXCPU when it is spent, SIGKILL a second later.
  std::optional<std::uint64_t> cpu_seconds = {};
  // Descriptors are numbered below this (RLIMIT_NOFILE); more is EMFILE.
  std::optional<std::uint64_t> open_files = {};
  // The size of a core dump (RLIMIT_CORE).
  std::optional<std::uint64_t> core_bytes = {};
  // The size of a file it writes (RLIMIT_FSIZE): SIGXFSZ, or EFBIG where that is ignored.
  std::optional<std::uint64_t> file_bytes = {};
};

// Sets them so that without privilege none can be raised again. Throws std::system_error at the first that cannot be
// set, most often because it is above what this process may have itself; those before it stay.
void apply_limits(const Limits& limits);

// Raises the calling thread's nice value, and that of threads it starts; the value ends at 19. Lowering it takes
// privilege. Throws std::system_error.
void add_nice(int increment);

// The permission bits that files this process creates do not get. Throws std::system_error when there are others in it.
void set_umask(unsigned mask);

}  // namespace brigade::os
