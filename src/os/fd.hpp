// SPDX-License-Identifier: MIT
#pragma once
// The owner of one open descriptor.

#include <brigade/descriptor.hpp>

namespace brigade::os {

// Every descriptor of the library is close-on-exec.
using Fd = Descriptor;

// `fd` itself, or a duplicate numbered 3 or more when it took the place of a closed standard descriptor.
Fd above_standard(Fd fd);

}  // namespace brigade::os
