// SPDX-License-Identifier: MIT
#include "process/launch.hpp"

#include <array>
#include <atomic>
#include <cstdlib>
#include <utility>

#include <brigade/error.hpp>

#include "os/clone.hpp"
#include "os/identity.hpp"
#include "os/pidfd.hpp"
#include "os/signals.hpp"
#include "os/surroundings.hpp"
#include "os/unix_socket.hpp"
#include "process/child_main.hpp"
#include "process/runtime.hpp"
#include "process/start_block.hpp"

namespace brigade::internal {

namespace {

constexpr int kSigKill = 9;
constexpr int kSigTerm = 15;
constexpr int kStartAttempts = 3;

// A child of a process with threads finds locked for ever what they had locked.
void warn_of_threads() {
  static std::atomic<bool> warned = false;
  if (os::is_single_threaded() || warned.exchange(true)) return;
  os::write_error(
      "brigade: a process with threads starts another by 'fork': locks that its threads hold stay locked there. The "
      "other start methods are safe. (Said once.)\n");
}

std::vector<std::byte> start_block_of(const ChildSpec& spec, const os::Identity& identity) {
  const Runtime& self = runtime();
  StartOrder order;
  order.name = spec.name;
  order.parent_name = self.name;
  order.parent_pid = os::process_id();
  order.daemon = spec.daemon;
  order.pool_worker = spec.pool_worker;
  order.outlives_parent = spec.outlives_parent;
  order.umask = identity.umask;
  if (spec.context.method() == Context::Method::spawn) order.credentials = identity.credentials;
  if (spec.context.method() == Context::Method::forkserver && !runtime().zygote.passes_environment_on()) {
    order.environment = os::environment();
  }
  if (spec.settings != ChildSettings()) order.settings = spec.settings;
  order.entry = function_ref(reinterpret_cast<const void*>(spec.entry));
  order.arguments = spec.arguments;
  Encoder encoder;
  encode_start_block(encoder, order, spec.images);
  std::vector<std::byte> block(encoder.size());
  encoder.copy_to(block.data());
  return block;
}

NewChild make_by_spawn() {
  os::Lifeline lifeline = os::make_lifeline();
  auto [ours, theirs] = os::make_socket_pair();
  const std::array keep{lifeline.child.get(), theirs.get()};
  return {os::spawn_self(spawn_arguments(runtime().program, kChildArgument), keep), std::move(lifeline.parent),
          std::move(ours)};
}

NewChild make_by_fork(const ForkedWork& work) {
  warn_of_threads();
  os::Lifeline lifeline = os::make_lifeline();
  auto [ours, theirs] = os::make_socket_pair();
  os::flush_standard_streams();
  const os::SignalBlock no_handler_runs_in_the_child;
  os::NewProcess made = os::fork_process();
  if (made.pid == 0) {
    ours.close();
    enter_forked_child({lifeline.child.release(), theirs.release()}, work);
  }
  return {std::move(made), std::move(lifeline.parent), std::move(ours)};
}

NewChild make_child(const ChildSpec& spec, const os::Identity& identity, std::span<const std::byte> block) {
  switch (spec.context.method()) {
    case Context::Method::forkserver:
      return runtime().zygote.take_spare(identity.credentials);
    case Context::Method::spawn:
      return make_by_spawn();
    case Context::Method::fork:
      break;
  }
  return make_by_fork({block, spec.closure.get()});
}

// What the child gets besides what it was given: where it is to work, and what this process shows as its standard
// streams, or nothing when it has closed them.
struct Surroundings {
  os::Fd directory = os::open_working_directory();
  os::Fd null = os::is_open(1) && os::is_open(2) ? os::Fd() : os::open_null();

  std::vector<int> fds(std::span<const int> given) const {
    std::vector<int> all(kStartFds);
    all[kDirectoryFd] = directory.get();
    all[kStdoutFd] = os::is_open(1) ? 1 : null.get();
    all[kStderrFd] = os::is_open(2) ? 2 : null.get();
    all.insert(all.end(), given.begin(), given.end());
    return all;
  }
};

void remember(const std::shared_ptr<Child>& child) {
  Runtime& self = runtime();
  const std::lock_guard lock(self.children_mutex);
  std::erase_if(self.children, [](const std::weak_ptr<Child>& known) { return known.expired(); });
  self.children.push_back(child);
}

}  // namespace

std::shared_ptr<Child> launch(const ChildSpec& spec) {
  if (spec.context.method() != Context::Method::fork && !runtime().initialized) {
    throw NotInitialized("starting a process by '" + std::string(spec.context.name()) +
                         "' needs brigade::init(argc, argv) as the first line of main");
  }
  const os::Identity identity = os::read_identity();
  const std::vector<std::byte> block = start_block_of(spec, identity);
  const Surroundings surroundings;
  const std::vector<int> fds = surroundings.fds(spec.fds);
  const bool forked = spec.context.method() == Context::Method::fork;
  for (int attempt = 0; attempt < kStartAttempts; ++attempt) {
    auto child = std::make_shared<Child>(make_child(spec, identity, block), spec);
    const bool sent =
        child->send_start_request(block, forked ? BlockPlace::memory_of_the_child : BlockPlace::where_it_fits, fds);
    if (spec.context.method() == Context::Method::forkserver) runtime().zygote.order_another();
    if (!sent) continue;  // somebody killed it before it had begun
    remember(child);
    return child;
  }
  throw Error("process '" + spec.name + "' cannot be started: its process was killed before it had begun, " +
              std::to_string(kStartAttempts) + " times");
}

std::vector<std::shared_ptr<Child>> running_children() {
  std::vector<std::shared_ptr<Child>> running;
  Runtime& self = runtime();
  {
    const std::lock_guard lock(self.children_mutex);
    for (const std::weak_ptr<Child>& known : self.children) {
      if (std::shared_ptr<Child> child = known.lock()) running.push_back(std::move(child));
    }
  }
  std::erase_if(running, [](const std::shared_ptr<Child>& child) { return child->poll().has_value(); });
  return running;
}

void end_children_at_exit() {
  std::atexit([] {
    std::vector<std::shared_ptr<Child>> children = running_children();
    std::erase_if(children, [](const auto& child) { return child->pool_worker() || child->outlives_parent(); });
    for (const auto& child : children) {
      if (child->daemon()) child->signal(kSigTerm);
    }
    for (const auto& child : children) {
      if (child->daemon()) {
        child->stop(kStopGrace);
      } else {
        child->wait(os::kNever);
      }
    }
  });
}

Child::Child(NewChild made, const ChildSpec& spec)
    : pid_(made.process.pid),
      fork_generation_(os::fork_generation()),
      name_(spec.name),
      daemon_(spec.daemon),
      pool_worker_(spec.pool_worker),
      outlives_parent_(spec.outlives_parent),
      pidfd_(std::move(made.process.pidfd)),
      lifeline_(std::move(made.lifeline)),
      control_(std::move(made.control)) {}

bool Child::send_start_request(std::span<const std::byte> block, BlockPlace place, std::span<const int> fds) const {
  return internal::send_start_request(control_, block, place, fds);
}

void Child::read_reports() {
  while (std::optional<Report> report = receive_report(control_, os::WhenEmpty::give_up)) {
    if (report->kind == ReportKind::exception) exception_ = std::move(report);
  }
}

std::exception_ptr Child::exception() {
  const std::optional<int> code = poll();
  const std::lock_guard lock(mutex_);
  return code && exception_ ? decode_report(*exception_, RemoteInfo(pid_, name_, 0)) : nullptr;
}

Child::~Child() {
  if (os::fork_generation() != fork_generation_) return;
  if (outlives_parent_ || poll()) return;
  os::send_signal(pidfd_, kSigKill);
  wait(os::kNever);
}

std::optional<int> Child::poll() {
  const std::lock_guard lock(mutex_);
  if (exit_code_ || os::fork_generation() != fork_generation_) return exit_code_;
  exit_code_ = os::reap(pidfd_);
  if (exit_code_) read_reports();
  return exit_code_;
}

std::optional<int> Child::wait(os::Deadline deadline) {
  if (const std::optional<int> known = poll()) return known;
  os::wait_for_exit(pidfd_, deadline);
  return poll();
}

bool Child::signal(int signal) {
  // After the reaping the kernel itself answers that the process is gone: a pidfd cannot name a stranger.
  return os::send_signal(pidfd_, signal);
}

void Child::stop(std::chrono::milliseconds grace) {
  if (!signal(kSigTerm)) {
    poll();
    return;
  }
  if (wait(os::deadline_after(grace))) return;
  signal(kSigKill);
  wait(os::kNever);
}

}  // namespace brigade::internal
