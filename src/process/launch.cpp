// SPDX-License-Identifier: MIT
#include "process/launch.hpp"

#include <array>
#include <atomic>
#include <cstdlib>
#include <utility>

#include <brigade/error.hpp>

#include "os/clone.hpp"
#include "os/crash_signals.hpp"
#include "os/identity.hpp"
#include "os/pidfd.hpp"
#include "os/pipe.hpp"
#include "os/signals.hpp"
#include "os/surroundings.hpp"
#include "os/unix_socket.hpp"
#include "process/child_main.hpp"
#include "process/log_relay.hpp"
#include "process/runtime.hpp"
#include "process/start_block.hpp"

namespace brigade::internal {

namespace {

constexpr int kStartAttempts = 3;

// A child of a process with threads finds locked for ever what they had locked.
void warn_of_threads() {
  Runtime& self = runtime();
  if (os::is_single_threaded() || self.warned_of_threads) return;
  if (os::thread_count() <= 1 + self.own_threads || self.warned_of_threads.exchange(true)) return;
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
  order.log_level = wanted_log_level();
  order.cpu_share = spec.cpu_share != 0 ? spec.cpu_share : self.cpu_share;
  order.umask = identity.umask;
  if (spec.context.method() == Context::Method::spawn) order.credentials = identity.credentials;
  if (spec.context.method() == Context::Method::forkserver) {
    order.process_group = os::process_group();
    const ZygoteClient& zygote = runtime().zygote;
    if (!zygote.passes_environment_on()) order.environment = os::environment();
    if (os::Standing standing = os::read_standing(); !zygote.passes_on(standing)) order.standing = std::move(standing);
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
  return {os::spawn_self(spawn_arguments(runtime().program, kChildArgument), keep), std::move(ours),
          std::move(lifeline.parent)};
}

NewChild make_by_fork(const ForkedWork& work) {
  warn_of_threads();
  static const bool prepared = (os::prepare_crash_handlers(), true);  // once for all children
  static_cast<void>(prepared);
  os::Lifeline lifeline = os::make_lifeline();
  auto [ours, theirs] = os::make_socket_pair();
  os::flush_standard_streams();
  const os::SignalBlock no_handler_runs_in_the_child;
  os::NewProcess made = os::fork_process();
  if (made.pid == 0) {
    ours.close();
    enter_forked_child({lifeline.child.release(), theirs.release()}, work);
  }
  return {std::move(made), std::move(ours), std::move(lifeline.parent)};
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
  return make_by_fork({block, spec.closure.get(), identity.caught_signals});
}

// The pipes that stand for a child's standard output and error; empty when these are ours.
struct CapturedOutput {
  std::array<os::Fd, Child::kStreams> read;
  std::array<os::Fd, Child::kStreams> write;

  explicit CapturedOutput(bool wanted) {
    for (std::size_t i = 0; wanted && i != Child::kStreams; ++i) {
      os::PipeEnds ends = os::make_output_pipe();
      read[i] = std::move(ends.read);
      write[i] = std::move(ends.write);
    }
  }
};

// What the child gets besides what it was given: where it is to work, and what this process shows as its standard
// streams, or nothing when it has closed them.
struct Surroundings {
  os::Fd directory = os::try_open_working_directory();  // none where this process has no right to be
  os::Fd null = directory && os::is_open(1) && os::is_open(2) ? os::Fd() : os::open_null();

  std::vector<int> fds(std::span<const int> given, const CapturedOutput& captured) const {
    std::vector<int> all(kStartFds);
    all[kDirectoryFd] = directory ? directory.get() : null.get();
    for (std::size_t i = 0; i != Child::kStreams; ++i) {
      const int standard = static_cast<int>(i) + 1;
      all[kStdoutFd + i] = captured.write[i] ? captured.write[i].get() : os::is_open(standard) ? standard : null.get();
    }
    all.insert(all.end(), given.begin(), given.end());
    return all;
  }
};

// Those that outlive us have nobody else who reaps them when they do not.
void drop_ended_outliving() {
  Runtime& self = runtime();
  std::vector<std::shared_ptr<Child>> outliving;
  {
    const std::lock_guard lock(self.children_mutex);
    outliving = self.outliving;
  }
  std::erase_if(outliving, [](const std::shared_ptr<Child>& child) { return !child->poll().has_value(); });
  const std::lock_guard lock(self.children_mutex);
  for (const std::shared_ptr<Child>& ended : outliving) std::erase(self.outliving, ended);
}

void remember(const std::shared_ptr<Child>& child) {
  // What they said last goes to the user's sink, and not under a lock of the pool's: another start sees to it.
  if (!child->pool_worker()) drop_ended_outliving();
  Runtime& self = runtime();
  const std::lock_guard lock(self.children_mutex);
  std::erase_if(self.children, [](const std::weak_ptr<Child>& known) { return known.expired(); });
  self.children.push_back(child);
  if (child->outlives_parent()) self.outliving.push_back(child);
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
  const bool forked = spec.context.method() == Context::Method::fork;
  for (int attempt = 0; attempt < kStartAttempts; ++attempt) {
    CapturedOutput captured(spec.capture_output);
    const std::vector<int> fds = surroundings.fds(spec.fds, captured);
    auto child = std::make_shared<Child>(make_child(spec, identity, block), spec, std::move(captured.read));
    const bool sent =
        child->send_start_request(block, forked ? BlockPlace::memory_of_the_child : BlockPlace::where_it_fits, fds);
    if (spec.context.method() == Context::Method::forkserver) {
      runtime().zygote.order_another();
      if (!sent) continue;  // somebody killed the spare, at any time before
    }
    if (spec.outlives_parent) child->wait_until_untied();
    remember(child);
    if (spec.capture_output || wanted_log_level() < kLogNothing) relay(child);
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
  drop_ended_outliving();
  return running;
}

void end_children_at_exit() {
  std::atexit([] {
    std::vector<std::shared_ptr<Child>> children = running_children();
    std::erase_if(children, [](const auto& child) { return child->pool_worker() || child->outlives_parent(); });
    if (children.empty()) return;
    for (const auto& child : children) {
      if (child->daemon()) child->ask_to_end();
    }
    const os::Deadline deadline = os::deadline_after(kStopGrace);  // one for all
    for (const auto& child : children) {
      if (child->daemon() && !child->wait(deadline)) child->kill_and_wait();
    }
    for (const auto& child : children) {
      if (!child->daemon()) child->wait(os::kNever);
    }
  });
}

}  // namespace brigade::internal
