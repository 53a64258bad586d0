// SPDX-License-Identifier: MIT
#pragma once
// How an executor or pool lets go of its engine.

#include <memory>
#include <utility>

namespace brigade::internal {

// Waits for the work on a normal way out, stops it while an exception unwinds, does nothing in a forked copy of the process.
template <class E>
class EngineOwner {
 public:
  explicit EngineOwner(std::shared_ptr<E> engine);
  EngineOwner(EngineOwner&&) noexcept = default;
  EngineOwner& operator=(EngineOwner&&) = delete;
  ~EngineOwner();

  E& operator*() const { return *engine_; }
  const std::shared_ptr<E>& shared() const { return engine_; }

 private:
  std::shared_ptr<E> engine_;
  int exceptions_;
};

}  // namespace brigade::internal
