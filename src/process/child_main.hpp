// SPDX-License-Identifier: MIT
#pragma once
// What a new process does before and after the code it was started for.

#include <cstddef>
#include <span>
#include <string>
#include <string_view>

#include "os/fd.hpp"

namespace brigade::internal {

// How init() knows a process that brigade started from this program's file: argv[1] begins with one of these, the
// numbers of inherited descriptors follow. Not an environment variable, which programs started later would inherit.
inline constexpr std::string_view kChildArgument = "--brigade-child=";
inline constexpr std::string_view kZygoteArgument = "--brigade-zygote=";

// In the zygote, before it clones: does what every child does first, as far as it changes nothing, so that symbols are
// bound, tables are filled and the heap has room once and not in each child (every page a child writes to is copied).
void rehearse_child() noexcept;

// The child's side of an os::Lifeline.
struct ChildLifeline {
  int end;
  int gate;
};

// The ways in. Each ties the process to its parent's life, gives it fresh surroundings, runs the start block and exits;
// none returns into the code the process was copied from.
[[noreturn]] void enter_cloned_child(std::span<const std::byte> start_block,
                                     std::span<const int> fds) noexcept;  // see ZygoteClient::request, StartFd
[[noreturn]] void enter_forked_child(std::span<const std::byte> start_block, ChildLifeline lifeline,
                                     std::span<const int> fds) noexcept;
[[noreturn]] void enter_spawned_child(const std::string& argument) noexcept;  // argument: what followed kChildArgument

// The same for a zygote; argument: what followed kZygoteArgument.
[[noreturn]] void enter_spawned_zygote(const std::string& argument) noexcept;

// The arguments for os::spawn_self() of a process that gets that many descriptors.
std::string spawn_argument(std::string_view option, std::size_t fds);

}  // namespace brigade::internal
