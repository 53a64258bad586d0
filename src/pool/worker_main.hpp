// SPDX-License-Identifier: MIT
#pragma once
// A pool worker: the other end of a segment.

#include <brigade/internal/child_entry.hpp>

namespace brigade::internal {

// The entry of a worker process. Its descriptors: segment, callers' bell, engine's bell, parcels. Runs tasks until it is
// told to leave. No helper thread, no allocation of its own per task.
int worker_main(Decoder& arguments, ChildContext& context);

}  // namespace brigade::internal
