// SPDX-License-Identifier: MIT
#include "process/zygote.hpp"

#include <algorithm>
#include <array>
#include <cerrno>
#include <exception>
#include <string>
#include <vector>

#include "os/error.hpp"
#include "os/lifeline.hpp"
#include "os/pidfd.hpp"
#include "os/poller.hpp"
#include "os/signals.hpp"
#include "os/surroundings.hpp"
#include "os/unix_socket.hpp"
#include "process/child_main.hpp"
#include "process/runtime.hpp"

namespace brigade::internal {

namespace {

constexpr int kSigKill = 9;

// What a start request begins with; the start block follows, on a cache line.
struct alignas(64) RequestHeader {
  std::uint32_t magic = 0x65747a79;  // "yzte": a request, and nothing that strayed into the socket
  std::uint32_t fds = 0;             // how many descriptors come along
};

struct Request {
  RequestHeader header;
  std::byte block[kMaxBlockInRequest];
};

struct Reply {
  std::int32_t pid = -1;
  std::int32_t error = 0;  // errno when pid is -1
};

template <class T>
std::span<const std::byte> bytes_of(const T& value) {
  return std::as_bytes(std::span(&value, 1));
}

}  // namespace

// ---- the zygote: once it serves, nothing allocates, throws or locks until the child runs on its own ----

namespace {

// What the zygote was asked for last. Not on its stack: the child reads its block here to its end.
Request last_request;

struct Passed {
  std::span<const std::byte> block;
  std::array<int, os::kMaxPassedFds> fds{};
  std::size_t count = 0;
};

// Serves until the caller is gone. Returns a request in the child that is to run it, with the zygote's own descriptors
// closed: a copy of the socket would make the zygote seem alive as long as its children live.
std::optional<Passed> serve(int socket, int lifeline) {
  os::block_all_signals();
  os::reset_signal_handlers();
  os::close_inherited_lifelines();
  const os::Fd requests(socket);
  const os::Fd tie(lifeline);
  if (!os::tie_to_parent(lifeline)) return std::nullopt;
  {
    const os::Fd null = os::open_null();
    for (const int standard : {0, 1, 2}) os::install_fd(null.get(), standard);
  }
  rehearse_child();
  for (;;) {
    Passed passed;
    const os::Received received =
        os::receive_message(requests.get(), std::as_writable_bytes(std::span(&last_request, 1)), passed.fds);
    if (received.bytes == 0) return std::nullopt;
    passed.count = received.fds;
    const RequestHeader& header = last_request.header;
    Reply reply{-1, EPROTO};
    os::NewProcess child;
    if (received.bytes >= sizeof header && header.magic == RequestHeader().magic && header.fds >= kStartFds) {
      passed.block = std::span(last_request.block).first(received.bytes - sizeof header);
      // Fewer arrive when this process has no room for them.
      if (passed.count == header.fds) child = os::clone_process(os::Parent::parent_of_caller);
      reply = {child.pid, passed.count == header.fds ? errno : EMFILE};
    }
    if (child.pid == 0) return passed;
    const int pidfd = child.pidfd.get();
    os::send_message(requests.get(), bytes_of(reply), std::span(&pidfd, child.pid < 0 ? 0U : 1U));
    for (const int fd : std::span(passed.fds).first(passed.count)) os::close_fd(fd);
  }
}

}  // namespace

void serve_as_zygote(int socket, int lifeline) noexcept {
  std::optional<Passed> passed;
  try {
    passed = serve(socket, lifeline);
  } catch (const std::exception&) {
    os::exit_now(1);  // the caller is gone already, or there is nothing to live on
  }
  if (!passed) os::exit_now(0);
  enter_cloned_child(passed->block, std::span(passed->fds).first(passed->count));
}

// ---- the caller ----

void ZygoteClient::start_by_clone() {
  auto [ours, theirs] = os::make_socket_pair();
  os::Lifeline lifeline = os::make_lifeline();
  os::flush_all_streams();  // or every child would write what is buffered now once more
  os::NewProcess zygote = os::clone_process(os::Parent::caller);
  if (zygote.pid < 0) os::throw_errno("clone(zygote)");
  if (zygote.pid == 0) {
    ours.close();
    lifeline.gate.close();
    serve_as_zygote(theirs.release(), lifeline.child.release());
  }
  adopt(std::move(zygote), std::move(ours), std::move(lifeline.parent));
}

void ZygoteClient::start_by_exec() {
  auto [ours, theirs] = os::make_socket_pair();
  os::Lifeline lifeline = os::make_lifeline();
  const int keep[] = {theirs.get(), lifeline.child.get()};
  const std::array arguments{runtime().program, spawn_argument(kZygoteArgument, std::size(keep))};
  adopt(os::spawn_self(arguments, keep), std::move(ours), std::move(lifeline.parent));
}

void ZygoteClient::adopt(os::NewProcess zygote, os::Fd socket, os::ParentEnd lifeline) {
  socket_ = std::move(socket);
  pidfd_ = os::above_standard(std::move(zygote.pidfd));
  lifeline_ = std::move(lifeline);
  pid_ = zygote.pid;
  environment_ = os::environment();
}

void ZygoteClient::stop() noexcept {
  socket_.close();
  lifeline_.close();
  if (!pidfd_) return;
  os::send_signal(pidfd_, kSigKill);
  os::wait_for_exit(pidfd_, os::deadline_after(std::chrono::seconds(5)));
  os::reap(pidfd_);
  pidfd_.close();
  pid_ = 0;
}

void ZygoteClient::forget() noexcept {
  socket_.close();
  pidfd_.close();  // the lifeline sees to itself over a fork
  pid_ = 0;
}

std::optional<os::NewProcess> ZygoteClient::try_request(std::span<const std::byte> block, std::span<const int> fds) {
  RequestHeader header;
  header.fds = static_cast<std::uint32_t>(fds.size());
  std::vector<std::byte> message(sizeof header + block.size());
  std::ranges::copy(bytes_of(header), message.begin());
  std::ranges::copy(block, message.begin() + sizeof header);
  if (!os::send_message(socket_.get(), message, fds)) {
    if (errno == EPIPE || errno == ECONNRESET) return std::nullopt;
    os::throw_errno("sendmsg(start request)");
  }
  // Not the socket alone: a process forked at the wrong moment may hold the zygote's end of it.
  if (!os::wait_readable_unless(socket_.get(), pidfd_)) return std::nullopt;
  Reply reply;
  int pidfd = -1;
  const os::Received received =
      os::receive_message(socket_.get(), std::as_writable_bytes(std::span(&reply, 1)), std::span(&pidfd, 1));
  os::NewProcess child;
  if (received.fds == 1) child.pidfd = os::above_standard(os::Fd(pidfd));
  if (received.bytes != sizeof reply) return std::nullopt;
  if (reply.pid < 0) os::throw_errno("clone(child)", reply.error);
  if (received.fds != 1) {
    os::end_child(reply.pid);
    os::throw_errno("recvmsg(pidfd)", EMFILE);
  }
  child.pid = reply.pid;
  return child;
}

std::optional<os::NewProcess> ZygoteClient::request(std::span<const std::byte> block, std::span<const int> fds) {
  const std::lock_guard lock(mutex_);
  if (!socket_) start_by_exec();
  std::optional<os::NewProcess> child = try_request(block, fds);
  if (!child) stop();  // it was killed, or is on its way out
  return child;
}

bool ZygoteClient::passes_environment_on() {
  const std::lock_guard lock(mutex_);
  return os::environment_is(environment_);
}

}  // namespace brigade::internal
