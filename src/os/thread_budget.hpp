// SPDX-License-Identifier: MIT
#pragma once
// How many threads the libraries of this process start for themselves.

namespace brigade::os {

// Tells them by the environment variables that OpenMP, BLAS libraries and others read when they are loaded, those of
// programs that this process starts included; and those that are loaded already by their setters. A setter is found
// when its library was linked or is open with RTLD_GLOBAL; OpenMP's counts for the calling thread. Throws
// std::system_error.
//   Threads  while there is one
void set_thread_budget(unsigned threads);

}  // namespace brigade::os
