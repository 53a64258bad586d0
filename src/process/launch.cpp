// SPDX-License-Identifier: MIT
#include "process/launch.hpp"

#include <utility>

#include <brigade/error.hpp>

#include "os/error.hpp"
#include "os/memory.hpp"
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

std::vector<std::byte> start_block_of(const ChildSpec& spec) {
  StartOrder order;
  order.name = spec.name;
  order.pool_worker = spec.pool_worker;
  order.entry = function_ref(reinterpret_cast<const void*>(spec.entry));
  order.arguments = spec.arguments;
  if (spec.context.method() == Context::Method::forkserver && !runtime().zygote.passes_environment_on()) {
    order.environment = os::environment();
  }
  Encoder encoder;
  encode_start_block(encoder, order, spec.images);
  std::vector<std::byte> block(encoder.size());
  encoder.copy_to(block.data());
  return block;
}

os::Fd file_of(std::span<const std::byte> block) {
  os::Fd file = os::make_memfd("brigade-start", block.size());
  os::write_at_start(file, block);
  return file;
}

// What this process shows as its standard stream, or nothing when it has closed it.
int stream_or(int standard, const os::Fd& null) { return os::is_open(standard) ? standard : null.get(); }

std::optional<os::NewProcess> launch_by_forkserver(const ChildSpec& spec, const os::Lifeline& lifeline) {
  std::vector<std::byte> block = start_block_of(spec);
  const os::Fd directory = os::open_working_directory();
  os::Fd null;
  if (!os::is_open(1) || !os::is_open(2)) null = os::open_null();
  std::vector<int> fds(kStartFds);
  fds[kLifelineFd] = lifeline.child.get();
  fds[kGateFd] = lifeline.gate.get();
  fds[kDirectoryFd] = directory.get();
  fds[kStdoutFd] = stream_or(1, null);
  fds[kStderrFd] = stream_or(2, null);
  fds.insert(fds.end(), spec.fds.begin(), spec.fds.end());
  os::Fd file;
  if (block.size() > kMaxBlockInRequest) {
    file = file_of(block);
    fds.push_back(file.get());
    block.clear();
  }
  if (fds.size() > os::kMaxPassedFds) os::throw_errno("passing descriptors to a child", E2BIG);
  return runtime().zygote.request(block, fds);
}

os::NewProcess launch_by_spawn(const ChildSpec& spec, const os::Lifeline& lifeline) {
  const std::vector<std::byte> block = start_block_of(spec);
  const os::Fd file = file_of(block);
  std::vector<int> fds{file.get(), lifeline.child.get(), lifeline.gate.get()};
  fds.insert(fds.end(), spec.fds.begin(), spec.fds.end());
  const std::vector<std::string> arguments{runtime().program, spawn_argument(kChildArgument, fds.size())};
  return os::spawn_self(arguments, fds);
}

os::NewProcess launch_by_fork(const ChildSpec& spec, const os::Lifeline& lifeline) {
  const std::vector<std::byte> block = start_block_of(spec);
  os::flush_standard_streams();
  const os::SignalBlock no_handler_runs_in_the_child;
  os::NewProcess made = os::fork_process();
  if (made.pid == 0) enter_forked_child(block, {lifeline.child.get(), lifeline.gate.get()}, spec.fds);
  return made;
}

// nullopt: the zygote died meanwhile.
std::optional<os::NewProcess> launch_by(Context::Method method, const ChildSpec& spec, const os::Lifeline& lifeline) {
  switch (method) {
    case Context::Method::forkserver:
      return launch_by_forkserver(spec, lifeline);
    case Context::Method::spawn:
      return launch_by_spawn(spec, lifeline);
    case Context::Method::fork:
      break;
  }
  return launch_by_fork(spec, lifeline);
}

}  // namespace

std::shared_ptr<Child> launch(const ChildSpec& spec) {
  if (spec.context.method() != Context::Method::fork && !runtime().initialized) {
    throw NotInitialized("starting a process by '" + std::string(spec.context.name()) +
                         "' needs brigade::init(argc, argv) as the first line of main");
  }
  for (int attempt = 0; attempt < 3; ++attempt) {
    // One for each attempt: a zygote that was killed may have made the child already, and only one may go on.
    os::Lifeline lifeline = os::make_lifeline();
    std::optional<os::NewProcess> process = launch_by(spec.context.method(), spec, lifeline);
    if (!process) continue;
    auto child = std::make_shared<Child>(std::move(*process), std::move(lifeline.parent), spec.name);
    os::open_gate(lifeline.gate);
    return child;
  }
  os::throw_errno("starting the zygote", EPIPE);
}

Child::Child(os::NewProcess process, os::ParentEnd lifeline, std::string name)
    : pid_(process.pid),
      fork_generation_(os::fork_generation()),
      name_(std::move(name)),
      pidfd_(std::move(process.pidfd)),
      lifeline_(std::move(lifeline)) {}

Child::~Child() {
  if (os::fork_generation() != fork_generation_) return;
  if (poll()) return;
  os::send_signal(pidfd_, kSigKill);
  wait(os::kNever);
}

std::optional<int> Child::poll() {
  const std::lock_guard lock(mutex_);
  if (!exit_code_ && os::fork_generation() == fork_generation_) exit_code_ = os::reap(pidfd_);
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
