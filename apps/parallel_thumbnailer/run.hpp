// SPDX-License-Identifier: MIT
#pragma once

// A whole run: plan it, let the workers do it, report.

#include "options.hpp"

namespace thumbnailer {

// Returns the exit code: 0 all well, 1 something failed. Ends the process when it is interrupted.
// Throws UsageError, and brigade's errors if the pool itself cannot go on.
//   Processes   decoders run in workers only; one that crashes, hangs past the time limit or eats memory costs its image
//   Cost        memory for the names of all images; of the results only as many as there are tasks in flight
int run(const Options& options);

}  // namespace thumbnailer
