// SPDX-License-Identifier: MIT
#pragma once
// Reads what the handler of a crashed process sent (src/os/crash_signals.hpp).

#include <cstddef>
#include <span>
#include <string>
#include <vector>

#include <brigade/crash_report.hpp>

#include "os/crash_signals.hpp"
#include "wire/call_trace.hpp"

namespace brigade::internal {

struct CrashRecord {
  os::CrashHead head;
  CallTrace trace;
  std::vector<std::byte> message;  // as it came, to be passed on
};

// Throws SerializationError.
CrashReport decode_crash_report(std::span<const std::byte> message);

}  // namespace brigade::internal
