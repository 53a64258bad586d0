// SPDX-License-Identifier: MIT
#include "process/zygote.hpp"

#include <algorithm>
#include <array>
#include <cstring>
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

// ---- the zygote: nothing below allocates, throws or locks until the child runs on its own ----

void serve_as_zygote(int socket, int caller_pid) noexcept {
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
    std::array<int, os::kMaxPassedFds> fds{};
    const os::Received received = os::receive_message(requests.get(), std::as_writable_bytes(std::span(&request, 1)), fds);
    if (received.bytes == 0) break;
    const std::span<const int> passed(fds.data(), received.fds);
    if (received.bytes != sizeof request || request.magic != Request().magic || passed.size() < kStartFds) {
      for (const int fd : passed) os::close_fd(fd);
      continue;
    }
    const os::NewProcess child = os::clone_process(os::Parent::parent_of_caller);
    if (child.pid == 0) enter_cloned_child(passed);
    const Reply reply{child.pid, child.pid < 0 ? errno : 0};
    const int pidfd = child.pidfd.get();
    os::send_message(requests.get(), bytes_of(reply), std::span(&pidfd, child.pid < 0 ? 0U : 1U));
    for (const int fd : passed) os::close_fd(fd);
  }
  os::exit_now(0);
}

// ---- the caller ----

void ZygoteClient::start_by_clone() {
  auto [ours, theirs] = os::make_socket_pair();
  const int caller = os::process_id();
  os::flush_standard_streams();  // or every child would print what is buffered now once more
  os::NewProcess zygote = os::clone_process(os::Parent::caller);
  if (zygote.pid < 0) os::throw_errno("clone(zygote)");
  if (zygote.pid == 0) {
    ours.close();
    serve_as_zygote(theirs.release(), caller);
  }
  socket_ = std::move(ours);
  pidfd_ = std::move(zygote.pidfd);
  pid_ = zygote.pid;
}

void ZygoteClient::start_by_exec() {
  auto [ours, theirs] = os::make_socket_pair();
  const std::array arguments{runtime().program, kZygoteArgument + std::to_string(theirs.get())};
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
  if (!os::send_message(socket_.get(), bytes_of(Request()), fds)) return std::nullopt;
  Reply reply;
  int pidfd = -1;
  const os::Received received =
      os::receive_message(socket_.get(), std::as_writable_bytes(std::span(&reply, 1)), std::span(&pidfd, 1));
  os::NewProcess child;
  if (received.fds == 1) child.pidfd = os::above_standard(os::Fd(pidfd));
  if (received.bytes != sizeof reply) return std::nullopt;
  if (reply.pid < 0) os::throw_errno("clone(child)", reply.error);
  if (received.fds != 1) os::throw_errno("recvmsg(pidfd)", EMFILE);
  child.pid = reply.pid;
  return child;
}

os::NewProcess ZygoteClient::request(std::span<const int> fds) {
  const std::lock_guard lock(mutex_);
  for (int attempt = 0; attempt < 2; ++attempt) {
    if (!socket_) start_by_exec();
    if (std::optional<os::NewProcess> child = try_request(fds)) return std::move(*child);
    stop();  // it was killed, or is on its way out
  }
  os::throw_errno("starting the zygote", EPIPE);
}

}  // namespace brigade::internal
