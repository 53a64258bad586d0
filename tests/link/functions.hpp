// SPDX-License-Identifier: MIT
#pragma once
// What the program and the library of these tests both have: where the loader finds it decides in which image it lies.

namespace link_test {

inline int inlined(int number) { return 3 - number; }

// Defined by the library: runs functions of its own, and the one above, in a worker started by that method. Returns what
// went wrong, "" if nothing did.
const char* check_library(const char* method);

}  // namespace link_test
