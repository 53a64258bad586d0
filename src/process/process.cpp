// SPDX-License-Identifier: MIT
#include <brigade/process.hpp>

#include <exception>
#include <mutex>
#include <ostream>
#include <stdexcept>
#include <vector>

#include <brigade/error.hpp>

#include "os/clock.hpp"
#include "os/clone.hpp"
#include "os/pidfd.hpp"
#include "os/signals.hpp"
#include "process/child_main.hpp"
#include "process/launch.hpp"
#include "process/runtime.hpp"

namespace brigade {

namespace internal {

namespace {

ChildSettings settings_of(const ProcessOptions& options) {
  ChildSettings settings;
  settings.limits = options.limits;
  settings.directory = options.directory.string();
  settings.environment = options.environment;
  settings.umask = options.umask;
  settings.nice = options.nice;
  settings.affinity = {options.affinity.begin(), options.affinity.end()};
  settings.threads = options.threads;
  return settings;
}

}  // namespace

class ProcessState {
 public:
  explicit ProcessState(ProcessOptions options)
      : options_(std::move(options)), exceptions_(std::uncaught_exceptions()), fork_generation_(os::fork_generation()) {
    if (options_.name.empty()) options_.name = next_child_name();
    spec_.context = options_.context;
    spec_.name = options_.name;
    spec_.daemon = options_.daemon.value_or(runtime().daemon);
    spec_.outlives_parent = options_.outlive_parent;
    spec_.capture_output = options_.capture_output;
    if (options_.outlive_parent && options_.capture_output) {
      throw std::invalid_argument("process '" + options_.name +
                                  "': what outlives its parent cannot have its output captured by it");
    }
    if (options_.limits.cpu_time && options_.limits.cpu_time->count() < 0) {
      throw std::invalid_argument("process '" + options_.name + "': limits.cpu_time is negative");
    }
    spec_.settings = settings_of(options_);
  }

  ProcessState(ProcessOptions options, ChildEntry entry, Encoder& arguments) : ProcessState(std::move(options)) {
    spec_.entry = entry;
    spec_.images = arguments.images();
    handles_ = std::move(arguments.handles());
    arguments_ = arguments.to_vector();
  }

  ProcessState(ProcessOptions options, std::shared_ptr<const std::function<void()>> closure)
      : ProcessState(std::move(options)) {
    spec_.entry = &run_closure;
    spec_.closure = std::move(closure);
  }

  void start() {
    if (is_copy()) throw Error("start: " + text("belongs to the process that made it"));
    const std::lock_guard lock(mutex_);
    if (closed_) throw Error("start: " + text("was closed"));
    if (child_) throw Error(text("was started already"));
    spec_.arguments = arguments_;
    spec_.fds.clear();  // a start that failed may be repeated
    for (const Descriptor& handle : handles_) spec_.fds.push_back(handle.get());
    child_ = launch(spec_);
    arguments_ = {};
    handles_.clear();
    spec_.closure = nullptr;
  }

  void let_go() noexcept {
    if (is_copy()) return;
    const std::shared_ptr<Child> child = started();
    if (!child || child->outlives_parent()) return;
    if (child->daemon() || std::uncaught_exceptions() > exceptions_) {
      child->stop(kStopGrace);
    } else {
      child->wait(os::kNever);
    }
  }

  void close() {
    if (is_copy()) throw Error("close: " + text("belongs to the process that made it"));
    const std::shared_ptr<Child> child = started();
    if (child && !child->poll()) throw Error("close: " + text("still runs: wait for its end, or stop it"));
    const std::lock_guard lock(mutex_);
    child_ = nullptr;
    closed_ = true;
  }

  std::shared_ptr<Child> started() {
    const Guard lock(*this);
    return child_;
  }

  // Null before start().
  std::shared_ptr<Child> child_if_started(const char* what) {
    const Guard lock(*this);
    if (closed_) throw Error(std::string(what) + ": " + text("was closed"));
    return child_;
  }

  std::shared_ptr<Child> child(const char* what) {
    const Guard lock(*this);
    const std::string call = std::string(what) + ": ";
    if (closed_) throw Error(call + text("was closed"));
    if (!child_) throw Error(call + text("was not started"));
    if (is_copy()) throw Error(call + text("belongs to the process that made it"));
    return child_;
  }

  std::string to_string() {
    std::shared_ptr<Child> child;
    bool closed = false;
    {
      const Guard lock(*this);
      child = child_;
      closed = closed_;
    }
    std::string shown = "<Process '" + spec_.name + "'";
    if (child) shown += " pid=" + std::to_string(child->pid());
    shown += " parent=" + std::to_string(os::process_id());
    const std::optional<int> code = child ? child->poll() : std::nullopt;
    if (closed) {
      shown += " closed";
    } else if (!child) {
      shown += " initial";
    } else if (!code) {
      shown += " started";
    } else {
      shown += " stopped exitcode=" + (*code < 0 ? "-" + os::signal_name(-*code) : std::to_string(*code));
    }
    return shown + (spec_.daemon ? " daemon>" : ">");
  }

  const ChildSpec& spec() const { return spec_; }  // name and daemon never change

 private:
  bool is_copy() const { return os::fork_generation() != fork_generation_; }

  // Locks, but for a forked copy of the object: there a thread that stayed behind may hold the lock for ever.
  class Guard {
   public:
    explicit Guard(ProcessState& state) : lock_(state.mutex_, std::defer_lock) {
      if (!state.is_copy()) lock_.lock();
    }

   private:
    std::unique_lock<std::mutex> lock_;
  };

  std::string text(const char* state) const { return "process '" + options_.name + "' " + state; }

  ProcessOptions options_;
  int exceptions_;
  unsigned fork_generation_;
  std::vector<std::byte> arguments_;
  std::vector<Descriptor> handles_;
  ChildSpec spec_;

  std::mutex mutex_;
  std::shared_ptr<Child> child_;  // under mutex_
  bool closed_ = false;           // likewise
};

void ProcessDeleter::operator()(ProcessState* state) const noexcept {
  state->let_go();
  delete state;
}

ProcessOwner make_process(ProcessOptions options, ChildEntry entry, Encoder& arguments) {
  return ProcessOwner(new ProcessState(std::move(options), entry, arguments));
}

ProcessOwner make_process(ProcessOptions options, std::shared_ptr<const std::function<void()>> closure) {
  return ProcessOwner(new ProcessState(std::move(options), std::move(closure)));
}

}  // namespace internal

namespace {

internal::ProcessState& held(const internal::ProcessOwner& state, const char* what) {
  if (!state) throw Error(std::string(what) + ": this process was moved to another object");
  return *state;
}

// Null before start(), and when the process was moved to another object.
std::shared_ptr<internal::Child> child_of(const internal::ProcessOwner& state, const char* what) {
  return state ? state->child_if_started(what) : nullptr;
}

}  // namespace

void Process::start() { held(state_, "start").start(); }

void Process::join() { held(state_, "join").child("join")->wait(internal::kNever); }

bool Process::join_until(internal::Deadline deadline) {
  return held(state_, "join").child("join")->wait(deadline).has_value();
}

bool Process::is_alive() {
  const auto child = child_of(state_, "is_alive");
  return child && !child->poll();
}

std::optional<int> Process::pid() const {
  const auto child = child_of(state_, "pid");
  return child ? std::optional(child->pid()) : std::nullopt;
}

std::optional<int> Process::exitcode() {
  const auto child = child_of(state_, "exitcode");
  return child ? child->poll() : std::nullopt;
}

std::exception_ptr Process::exception() {
  const auto child = child_of(state_, "exception");
  return child ? child->exception() : nullptr;
}

std::optional<CrashReport> Process::crash_report() {
  const auto child = child_of(state_, "crash_report");
  const auto report = child ? child->crash_report() : nullptr;
  return report ? std::optional(*report) : std::nullopt;
}

bool Process::out_of_memory() {
  const auto child = child_of(state_, "out_of_memory");
  return child && child->poll() && child->out_of_memory();
}

std::string Process::captured_stdout() {
  const auto child = child_of(state_, "captured_stdout");
  return child ? child->captured(internal::Child::kStdout) : "";
}
std::string Process::captured_stderr() {
  const auto child = child_of(state_, "captured_stderr");
  return child ? child->captured(internal::Child::kStderr) : "";
}

std::string Process::name() const { return held(state_, "name").spec().name; }
bool Process::daemon() const { return held(state_, "daemon").spec().daemon; }
int Process::sentinel() const { return held(state_, "sentinel").child("sentinel")->pidfd().get(); }
void Process::interrupt() { held(state_, "interrupt").child("interrupt")->signal(os::kSigInt); }
void Process::terminate() { held(state_, "terminate").child("terminate")->signal(os::kSigTerm); }
void Process::kill() { held(state_, "kill").child("kill")->signal(os::kSigKill); }
void Process::stop(std::chrono::milliseconds grace) { held(state_, "stop").child("stop")->stop(grace); }
void Process::close() { held(state_, "close").close(); }
std::string Process::to_string() { return held(state_, "to_string").to_string(); }

std::ostream& operator<<(std::ostream& out, Process& process) { return out << process.to_string(); }

// ---- handles ----

struct ProcessHandle::State {
  std::string name;
  int pid = 0;
  bool daemon = false;
  std::shared_ptr<internal::Child> child;  // null: this process, or its parent
  os::Fd pidfd = {};                       // when there is no child

  const os::Fd& handle() const { return child ? child->pidfd() : pidfd; }

  // In a forked copy of this process the child is its parent's.
  bool is_own() const { return child && child->is_ours(); }

  internal::Child& own(const char* what) const {
    if (!is_own()) throw Error(std::string(what) + ": process '" + name + "' is not a child of this process");
    return *child;
  }
};

namespace {

std::shared_ptr<ProcessHandle::State> make_handle(std::string name, int pid, bool daemon, os::Fd pidfd) {
  return std::make_shared<ProcessHandle::State>(
      ProcessHandle::State{std::move(name), pid, daemon, nullptr, std::move(pidfd)});
}

}  // namespace

std::string ProcessHandle::name() const { return state_->name; }
int ProcessHandle::pid() const { return state_->pid; }
bool ProcessHandle::daemon() const { return state_->daemon; }
int ProcessHandle::sentinel() const { return state_->handle().get(); }

bool ProcessHandle::is_alive() const {
  return state_->is_own() ? !state_->child->poll() : !os::wait_for_exit(state_->handle(), os::Clock::now());
}

void ProcessHandle::join() const { join_until(internal::kNever); }

bool ProcessHandle::join_until(internal::Deadline deadline) const {
  if (state_->is_own()) return state_->child->wait(deadline).has_value();
  if (state_->pid == os::process_id()) throw Error("join: a process cannot wait for its own end");
  return os::wait_for_exit(state_->handle(), deadline);
}

std::optional<int> ProcessHandle::exitcode() const { return state_->own("exitcode").poll(); }
void ProcessHandle::interrupt() const { state_->own("interrupt").signal(os::kSigInt); }
void ProcessHandle::terminate() const { state_->own("terminate").signal(os::kSigTerm); }
void ProcessHandle::kill() const { state_->own("kill").signal(os::kSigKill); }

ProcessHandle current_process() {
  const int pid = os::process_id();
  return ProcessHandle(make_handle(internal::runtime().name, pid, internal::runtime().daemon, os::open_pidfd(pid)));
}

std::optional<ProcessHandle> parent_process() {
  const internal::Runtime& self = internal::runtime();
  if (self.parent_pid == 0) return std::nullopt;
  os::Fd pidfd = os::try_open_pidfd(self.parent_pid);
  // Asked afterwards: a parent that is there now was there when its handle was opened, and no stranger had its number.
  if (!pidfd || os::parent_process_id() != self.parent_pid) pidfd = os::make_handle_of_ended();
  return ProcessHandle(make_handle(self.parent_name, self.parent_pid, false, os::above_standard(std::move(pidfd))));
}

std::vector<ProcessHandle> active_children() {
  std::vector<ProcessHandle> handles;
  for (std::shared_ptr<internal::Child>& child : internal::running_children()) {
    auto state = std::make_shared<ProcessHandle::State>();
    state->name = child->name();
    state->pid = child->pid();
    state->daemon = child->daemon();
    state->child = std::move(child);
    handles.emplace_back(std::move(state));
  }
  return handles;
}

}  // namespace brigade
