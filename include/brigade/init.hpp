// SPDX-License-Identifier: MIT
#pragma once
// The main guard: what `if __name__ == "__main__":` is in Python.

namespace brigade {

// Call it first in main:
//
//     int main(int argc, char** argv) {
//       brigade::init(argc, argv);
//       ...
//     }
//
// In the program itself it prepares the start of child processes (a small copy of this process, the zygote, from which
// children are cloned) and returns. In a process that brigade started from this program's file it runs what that process
// was started for and never returns, so no child ever runs the rest of main: a fork bomb cannot be built.
//   Threads         call it while the process has one thread; if there are more already (static initialisers), children
//                   are cloned from a fresh start of the program's file instead, at the first start
//   Processes       children do not see what the program changed after init(): hand it over as arguments, or use the
//                   `fork` start method
//   If a peer dies  the zygote ends with its program; when the zygote is killed the next start makes another
//   Throws          std::system_error when the zygote cannot be made
// A second call does nothing.
void init(int argc, char** argv);

// Whether init() was called. Starting a process by `spawn` or `forkserver` before throws NotInitialized.
bool is_initialized() noexcept;

}  // namespace brigade
