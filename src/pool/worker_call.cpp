// SPDX-License-Identifier: MIT
#include <brigade/internal/worker_call.hpp>

#include <algorithm>
#include <utility>

namespace brigade {

void WorkerCall::keep(internal::FunctionRef entry, Encoder& payload) {
  auto kept = std::make_shared<Kept>();
  kept->entry = entry;
  kept->images = std::max(payload.images(), entry.image + 1);
  kept->payload = payload.to_vector();
  kept->handles = std::move(payload.handles());
  kept_ = std::move(kept);
}

}  // namespace brigade
