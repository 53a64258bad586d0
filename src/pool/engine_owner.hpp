// SPDX-License-Identifier: MIT
#pragma once
// The definitions of EngineOwner, for the sources that instantiate it.

#include <exception>
#include <memory>
#include <utility>

#include <brigade/internal/engine_owner.hpp>

namespace brigade::internal {

template <class E>
EngineOwner<E>::EngineOwner(std::shared_ptr<E> engine)
    : engine_(std::move(engine)), exceptions_(std::uncaught_exceptions()) {}

template <class E>
EngineOwner<E>::~EngineOwner() {
  if (!engine_) return;  // moved from
  if (engine_->is_copy()) {
    // The engine's threads and lock exist in the parent only: nothing here can be taken down, so nothing is.
    new std::shared_ptr<E>(std::move(engine_));
    return;
  }
  if (std::uncaught_exceptions() > exceptions_) {
    engine_->abandon();
  } else {
    engine_->close();
    engine_->finish_up();
  }
}

}  // namespace brigade::internal
