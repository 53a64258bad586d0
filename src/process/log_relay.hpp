// SPDX-License-Identifier: MIT
#pragma once
// Log records and captured output of children, while they run: one thread of the parent reads them.

#include <memory>
#include <optional>

#include <brigade/internal/log_hooks.hpp>

#include "process/report.hpp"

namespace brigade::internal {

class Child;

// The level below which children of this process need not log; kLogNothing when nobody listens.
int wanted_log_level() noexcept;

// nullopt when it makes no sense.
std::optional<LogRecord> decode_record(const Report& report) noexcept;

// To the program's logger, or on to the parent.
void pass_record_on(const LogRecord& record) noexcept;

// In a child: where its records go, and from which level on.
void log_to_parent(int control, int level) noexcept;

// Has the relay read what this child says from now on, until it cannot say any more.
void relay(const std::shared_ptr<Child>& child);

}  // namespace brigade::internal
