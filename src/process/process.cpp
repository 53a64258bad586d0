// SPDX-License-Identifier: MIT
#include <brigade/process.hpp>

#include <exception>
#include <mutex>
#include <vector>

#include <brigade/error.hpp>

#include "os/clock.hpp"
#include "os/clone.hpp"
#include "process/launch.hpp"
#include "process/runtime.hpp"

namespace brigade {

namespace internal {

namespace {

constexpr int kSigKill = 9;
constexpr int kSigTerm = 15;
constexpr std::chrono::seconds kGrace{1};

}  // namespace

class ProcessState {
 public:
  ProcessState(ProcessOptions options, ChildEntry entry, Encoder& arguments)
      : options_(std::move(options)),
        entry_(entry),
        arguments_(arguments.size()),
        handles_(std::move(arguments.handles())),
        images_(arguments.images()),
        exceptions_(std::uncaught_exceptions()),
        fork_generation_(os::fork_generation()) {
    arguments.copy_to(arguments_.data());
    if (options_.name.empty()) options_.name = next_child_name();
  }

  void start() {
    const std::lock_guard lock(mutex_);
    if (child_) throw Error("process '" + options_.name + "' was started already");
    ChildSpec spec;
    spec.context = options_.context;
    spec.name = options_.name;
    spec.entry = entry_;
    spec.arguments = arguments_;
    spec.images = images_;
    for (const Descriptor& handle : handles_) spec.fds.push_back(handle.get());
    child_ = launch(spec);
    arguments_ = {};
    handles_.clear();
  }

  void let_go() noexcept {
    const std::shared_ptr<Child> child = started();
    if (!child || os::fork_generation() != fork_generation_) return;
    if (options_.daemon || std::uncaught_exceptions() > exceptions_) {
      child->stop(kGrace);
    } else {
      child->wait(os::kNever);
    }
  }

  std::shared_ptr<Child> started() {
    const std::lock_guard lock(mutex_);
    return child_;
  }

  Child& child(const char* what) {
    const std::shared_ptr<Child> child = started();
    if (!child) throw Error(std::string(what) + ": process '" + options_.name + "' was not started");
    if (os::fork_generation() != fork_generation_) {
      throw Error(std::string(what) + ": process '" + options_.name + "' belongs to the process that made it");
    }
    return *child;  // lives as long as this state: it is set once
  }

  const ProcessOptions& options() const { return options_; }

 private:
  ProcessOptions options_;
  ChildEntry entry_;
  std::vector<std::byte> arguments_;
  std::vector<Descriptor> handles_;
  std::uint32_t images_;
  int exceptions_;
  unsigned fork_generation_;

  std::mutex mutex_;
  std::shared_ptr<Child> child_;  // under mutex_, set once
};

void ProcessDeleter::operator()(ProcessState* state) const noexcept {
  state->let_go();
  delete state;
}

ProcessOwner make_process(ProcessOptions options, ChildEntry entry, Encoder& arguments) {
  return ProcessOwner(new ProcessState(std::move(options), entry, arguments));
}

}  // namespace internal

namespace {

internal::ProcessState& held(const internal::ProcessOwner& state, const char* what) {
  if (!state) throw Error(std::string(what) + ": this process was moved to another object");
  return *state;
}

std::shared_ptr<internal::Child> started(const internal::ProcessOwner& state) {
  return state ? state->started() : nullptr;
}

}  // namespace

void Process::start() { held(state_, "start").start(); }

void Process::join() { held(state_, "join").child("join").wait(internal::kNever); }

bool Process::join_until(internal::Deadline deadline) {
  return held(state_, "join").child("join").wait(deadline).has_value();
}

bool Process::is_alive() {
  const auto child = started(state_);
  return child && !child->poll();
}

std::optional<int> Process::pid() const {
  const auto child = started(state_);
  return child ? std::optional(child->pid()) : std::nullopt;
}

std::optional<int> Process::exitcode() {
  const auto child = started(state_);
  return child ? child->poll() : std::nullopt;
}

const std::string& Process::name() const { return held(state_, "name").options().name; }
bool Process::daemon() const { return held(state_, "daemon").options().daemon; }
int Process::sentinel() const { return held(state_, "sentinel").child("sentinel").pidfd().get(); }
void Process::terminate() { held(state_, "terminate").child("terminate").signal(internal::kSigTerm); }
void Process::kill() { held(state_, "kill").child("kill").signal(internal::kSigKill); }

}  // namespace brigade
