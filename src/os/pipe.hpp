// SPDX-License-Identifier: MIT
#pragma once
// Pipes that a process reads what another one writes from.

#include <cstddef>
#include <functional>
#include <string_view>

#include "os/fd.hpp"

namespace brigade::os {

// `read` does not wait, `write` does. Throws std::system_error.
struct PipeEnds {
  Fd read;
  Fd write;
};
PipeEnds make_output_pipe();

// Hands on what is there now, or `most` bytes of it: a writer may be faster than we are.
void read_available(const Fd& pipe, std::size_t most, const std::function<void(std::string_view)>& take);

// Whether the other end of a pipe or socket is closed. What it sent before may still be there.
bool is_hung_up(const Fd& fd) noexcept;

}  // namespace brigade::os
