// SPDX-License-Identifier: MIT
#include <brigade/internal/stop.hpp>

#include <utility>

namespace brigade::internal {

namespace {

thread_local StopProvider* provider = nullptr;

}  // namespace

StopScope::StopScope(StopProvider& wanted) noexcept : before_(std::exchange(provider, &wanted)) {}
StopScope::~StopScope() { provider = before_; }

std::stop_token current_stop_token() { return provider != nullptr ? provider->token() : std::stop_token(); }

}  // namespace brigade::internal
