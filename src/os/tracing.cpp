// SPDX-License-Identifier: MIT
#include "os/tracing.hpp"

#include <exception>
#include <string>

#include "os/kernel_file.hpp"

namespace brigade::os {

bool is_held_by_debugger(int pid) noexcept {
  try {
    const std::string text = read_kernel_file(("/proc/" + std::to_string(pid) + "/stat").c_str());
    const std::size_t name_end = text.rfind(')');  // the name before it may contain anything
    return name_end != std::string::npos && text.compare(name_end, 3, ") t") == 0;
  } catch (const std::exception&) {
    return false;
  }
}

}  // namespace brigade::os
