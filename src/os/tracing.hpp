// SPDX-License-Identifier: MIT
#pragma once
// Processes in the hands of a debugger.

namespace brigade::os {

// Whether a debugger holds the main thread of the process still, at a breakpoint say. False when there is no such process or
// nothing can be found out.
bool is_held_by_debugger(int pid) noexcept;

}  // namespace brigade::os
