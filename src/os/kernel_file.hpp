// SPDX-License-Identifier: MIT
#pragma once
// Files whose text the kernel writes when they are read: those of /proc and /sys.

#include <string>
#include <string_view>

namespace brigade::os {

// The whole text. Throws std::system_error.
std::string read_kernel_file(const char* path);

// Takes the next line, without its end, off the text; false when nothing is left.
bool take_line(std::string_view& text, std::string_view& line) noexcept;

}  // namespace brigade::os
