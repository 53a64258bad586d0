// SPDX-License-Identifier: MIT
#pragma once
// Where an exception was thrown: noted as it passes a probe.

#include "wire/call_trace.hpp"

namespace brigade::internal {

// To be called once before an exception passes a catch clause of ThrowProbe. The probe notes for one thread of the process.
void watch_throws() noexcept;

// The calls from the throw of the exception that passed a probe last up to `entry`; none when there was none since.
CallTrace take_throw_trace(const void* entry);

}  // namespace brigade::internal
