// SPDX-License-Identifier: MIT
#pragma once

// Ctrl-C and its relatives (SIGINT, SIGTERM, SIGHUP): noted, so that the run can end in good order.

namespace thumbnailer {

// From now on the first of these signals is only noted; a second one ends the program at once. Signals that are ignored, as
// SIGHUP is under nohup, stay ignored.
void note_interruptions();

// The signal that arrived, or 0.
[[nodiscard]] int interruption() noexcept;

// Ends this process by that signal, so that a shell sees what happened (and reports 128 + signal). Runs no destructors: the
// workers end with this process.
[[noreturn]] void die_of(int signal) noexcept;

}  // namespace thumbnailer
