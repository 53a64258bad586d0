// SPDX-License-Identifier: MIT
#pragma once
// What a new process does before and after the code it was started for.

#include <cstddef>
#include <cstdint>
#include <functional>
#include <span>
#include <string>
#include <string_view>
#include <vector>

#include <brigade/internal/child_entry.hpp>

#include "os/fd.hpp"

namespace brigade::internal {

// How init() knows a process that brigade started from this program's file: argv[1] begins with one of these, the
// numbers of inherited descriptors follow. Not an environment variable, which programs started later would inherit.
inline constexpr std::string_view kChildArgument = "--brigade-child=";
inline constexpr std::string_view kZygoteArgument = "--brigade-zygote=";

// In the zygote, before it clones, and in a spare, before it waits: does what every child does first, as far as it changes
// nothing. Then symbols are bound, tables are filled and the heap has room once and not in each child, and what every child
// must have copied is copied before it is asked for.
void rehearse_child() noexcept;

// What ties a child to its parent.
struct ChildTies {
  int lifeline;  // its end of an os::Lifeline
  int control;   // its socket for the start request and its reports
};

// What a forked child has from its parent's memory.
struct ForkedWork {
  std::span<const std::byte> block;
  const std::function<void()>* closure = nullptr;  // what run_closure runs
  std::uint64_t caught_signals = 0;                // as os::Identity has them
};

// The entry of a forked child that runs its ForkedWork's closure.
int run_closure(Decoder& in, ChildContext& context);

// The ways in. Each ties the process to its parent's life, waits for the start request, gives the process the surroundings
// that it asks for, runs its entry and exits; none returns into the code the process was copied from.
[[noreturn]] void enter_spare_child(ChildTies ties) noexcept;
[[noreturn]] void enter_forked_child(ChildTies ties, const ForkedWork& work) noexcept;
[[noreturn]] void enter_spawned_child(const std::string& argument) noexcept;  // argument: what followed kChildArgument

// The same for a zygote; argument: what followed kZygoteArgument.
[[noreturn]] void enter_spawned_zygote(const std::string& argument) noexcept;

// The arguments for os::spawn_self() of a process that gets its end of a lifeline and its socket, in this order.
inline constexpr std::size_t kTiesOfSpawned = 2;
std::vector<std::string> spawn_arguments(const std::string& program, std::string_view option);

}  // namespace brigade::internal
