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
constexpr std::uint64_t kRequestTag = 0;
constexpr std::uint64_t kCallerTag = 1;

struct Request {
  std::uint32_t magic = 0x65747a79;  // "yzte": a request, and nothing that strayed into the socket
  std::uint32_t fds = 0;             // how many descriptors come along
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

struct StartRequest {
  std::array<int, os::kMaxPassedFds> fds{};
  std::size_t count = 0;
};

// Serves until the caller is gone. Returns a request in the child that is to run it, with the zygote's own descriptors
// closed: a copy of the socket would make the zygote seem alive as long as its children live.
std::optional<StartRequest> serve(int socket, int caller_pid) {
  os::block_all_signals();
  os::reset_signal_handlers();
  os::close_inherited_lifelines();
  {
    const os::Fd null = os::open_null();
    for (const int standard : {0, 1, 2}) os::install_fd(null.get(), standard);
  }
  // The socket tells of the caller's end unless a process it forked holds a copy; the pidfd always does.
  const os::Fd caller = os::open_pidfd(caller_pid);
  os::Poller poller;
  poller.add(caller, kCallerTag);
  const os::Fd requests(socket);
  poller.add(requests, kRequestTag);
  std::vector<std::uint64_t> ready;
  ready.reserve(64);
  rehearse_child();
  while (os::parent_process_id() == caller_pid) {
    poller.wait(ready, std::chrono::seconds(1));
    if (ready.empty()) continue;
    if (std::ranges::find(ready, kCallerTag) != ready.end()) break;
    Request request;
    StartRequest passed;
    const os::Received received =
        os::receive_message(requests.get(), std::as_writable_bytes(std::span(&request, 1)), passed.fds);
    if (received.bytes == 0) break;
    passed.count = received.fds;
    Reply reply{-1, EPROTO};
    os::NewProcess child;
    if (received.bytes == sizeof request && request.magic == Request().magic && request.fds >= kStartFds) {
      // Fewer arrive when this process has no room for them.
      if (passed.count == request.fds) child = os::clone_process(os::Parent::parent_of_caller);
      reply = {child.pid, passed.count == request.fds ? errno : EMFILE};
    }
    if (child.pid == 0) return passed;
    const int pidfd = child.pidfd.get();
    os::send_message(requests.get(), bytes_of(reply), std::span(&pidfd, child.pid < 0 ? 0U : 1U));
    for (const int fd : std::span(passed.fds).first(passed.count)) os::close_fd(fd);
  }
  return std::nullopt;
}

}  // namespace

void serve_as_zygote(int socket, int caller_pid) noexcept {
  std::optional<StartRequest> request;
  try {
    request = serve(socket, caller_pid);
  } catch (const std::exception&) {
    os::exit_now(1);  // the caller is gone already, or there is nothing to live on
  }
  if (!request) os::exit_now(0);
  enter_cloned_child(std::span(request->fds).first(request->count));
}

// ---- the caller ----

void ZygoteClient::start_by_clone() {
  auto [ours, theirs] = os::make_socket_pair();
  const int caller = os::process_id();
  os::flush_all_streams();  // or every child would write what is buffered now once more
  os::NewProcess zygote = os::clone_process(os::Parent::caller);
  if (zygote.pid < 0) os::throw_errno("clone(zygote)");
  if (zygote.pid == 0) {
    ours.close();
    serve_as_zygote(theirs.release(), caller);
  }
  socket_ = std::move(ours);
  pidfd_ = os::above_standard(std::move(zygote.pidfd));
  pid_ = zygote.pid;
}

void ZygoteClient::start_by_exec() {
  auto [ours, theirs] = os::make_socket_pair();
  const std::array arguments{runtime().program, spawn_argument(kZygoteArgument, 1)};
  const int keep[] = {theirs.get()};
  os::NewProcess zygote = os::spawn_self(arguments, keep);
  socket_ = std::move(ours);
  pidfd_ = std::move(zygote.pidfd);
  pid_ = zygote.pid;
}

void ZygoteClient::stop() noexcept {
  socket_.close();
  if (!pidfd_) return;
  os::send_signal(pidfd_, kSigKill);
  os::wait_for_exit(pidfd_, os::deadline_after(std::chrono::seconds(5)));
  os::reap(pidfd_);
  pidfd_.close();
  pid_ = 0;
}

void ZygoteClient::forget() noexcept {
  socket_.close();
  pidfd_.close();
  pid_ = 0;
}

std::optional<os::NewProcess> ZygoteClient::try_request(std::span<const int> fds) {
  Request request;
  request.fds = static_cast<std::uint32_t>(fds.size());
  if (!os::send_message(socket_.get(), bytes_of(request), fds)) {
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

std::optional<os::NewProcess> ZygoteClient::request(std::span<const int> fds) {
  const std::lock_guard lock(mutex_);
  if (!socket_) start_by_exec();
  std::optional<os::NewProcess> child = try_request(fds);
  if (!child) stop();  // it was killed, or is on its way out
  return child;
}

}  // namespace brigade::internal
