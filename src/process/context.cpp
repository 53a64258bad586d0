// SPDX-License-Identifier: MIT
#include <brigade/context.hpp>

#include <stdexcept>

#include <brigade/error.hpp>

#include "os/cpu.hpp"
#include "process/runtime.hpp"

namespace brigade {

namespace {

struct Named {
  Context::Method method;
  std::string_view name;
};

// The default first.
constexpr Named kMethods[] = {
    {Context::Method::forkserver, "forkserver"}, {Context::Method::fork, "fork"}, {Context::Method::spawn, "spawn"}};

Context::Method default_method() {
  const int chosen = internal::runtime().chosen_method;
  return chosen == internal::Runtime::kNoMethod ? kMethods[0].method : static_cast<Context::Method>(chosen);
}

}  // namespace

Context::Context() : method_(default_method()) {}

std::string_view Context::name() const noexcept {
  for (const Named& known : kMethods) {
    if (known.method == method_) return known.name;
  }
  return "?";
}

Context get_context(std::string_view name) {
  for (const Named& known : kMethods) {
    if (known.name == name) return Context(known.method);
  }
  throw std::invalid_argument("no start method is called '" + std::string(name) + "': use forkserver, fork or spawn");
}

void set_start_method(std::string_view name, bool force) {
  const int method = static_cast<int>(get_context(name).method());
  std::atomic<int>& chosen = internal::runtime().chosen_method;
  if (force) {
    chosen = method;
  } else if (int none = internal::Runtime::kNoMethod; !chosen.compare_exchange_strong(none, method)) {
    throw Error("the start method has been set already");
  }
}

std::string get_start_method() { return std::string(Context().name()); }

std::vector<std::string> get_all_start_methods() {
  std::vector<std::string> names;
  for (const Named& known : kMethods) names.emplace_back(known.name);
  return names;
}

void set_forkserver_preload(void (*function)(), OnPreloadError on_error) {
  internal::runtime().zygote.preload(function, on_error);
}

unsigned cpu_count() { return os::usable_cpus(); }

}  // namespace brigade
