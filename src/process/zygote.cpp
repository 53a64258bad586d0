// SPDX-License-Identifier: MIT
#include "process/zygote.hpp"

#include <algorithm>
#include <array>
#include <cerrno>
#include <cstdint>
#include <cstring>
#include <exception>
#include <iterator>
#include <system_error>
#include <utility>

#include <brigade/codec.hpp>
#include <brigade/error.hpp>
#include <brigade/internal/exception_codec.hpp>

#include "os/clock.hpp"
#include "os/error.hpp"
#include "os/identity.hpp"
#include "os/memory.hpp"
#include "os/pidfd.hpp"
#include "os/poller.hpp"
#include "os/signals.hpp"
#include "os/surroundings.hpp"
#include "os/unix_socket.hpp"
#include "process/child_main.hpp"
#include "process/report.hpp"
#include "process/runtime.hpp"
#include "wire/definitions.hpp"

namespace brigade::internal {

namespace {

constexpr int kStartAttempts = 3;
constexpr std::size_t kMaxOrder = 64 * 1024;

struct OrderHeader {
  std::uint32_t magic = 0x65747a79;  // "yzte": an order, and nothing that strayed into the socket
  ZygoteOrder kind = ZygoteOrder::spare;
};

// What the zygote says about a spare; pidfd, control socket and parent's end of the lifeline come along.
struct OfferMessage {
  std::int32_t pid = -1;
  std::int32_t error = 0;  // errno when pid is -1
};

// The same, received.
struct Offer {
  int pid = -1;
  int error = 0;
  os::Fd pidfd;
  os::Fd control;
  os::Fd parent_end;  // empty when there was no room for all three
};

// nullopt when the zygote is gone, or says nothing. `last` becomes the pid of the spare that is offered.
std::optional<Offer> receive_offer(const os::Fd& socket, os::WhenEmpty when_empty, int& last) {
  if (!socket) return std::nullopt;
  OfferMessage message;
  std::array<int, 3> fds{-1, -1, -1};
  const os::Received received =
      os::receive_message(socket.get(), std::as_writable_bytes(std::span(&message, 1)), fds, when_empty);
  Offer offer{message.pid, message.error, os::Fd(fds[0]), os::Fd(fds[1]), os::Fd(fds[2])};
  if (received.bytes != sizeof message) return std::nullopt;
  if (offer.pid > 0) last = offer.pid;
  return offer;
}

// Ends and reaps a spare that is not wanted.
void end_spare(Offer offer) {
  offer.parent_end.close();
  if (offer.pid > 0) os::end_child(offer.pid);
}

template <class T>
std::span<const std::byte> bytes_of(const T& value) {
  return std::as_bytes(std::span(&value, 1));
}

}  // namespace

// ---- the zygote: but for preloading, nothing allocates, throws or locks until the child runs on its own ----

namespace {

// What a spare has when it leaves serve().
struct Spare {
  os::Fd lifeline;
  os::Fd control;
};

// Clones a spare and offers it; true in the spare.
bool offer_spare(const os::Fd& socket, int* ledger, Spare& spare) {
  OfferMessage offer;
  auto [ours, theirs] = os::try_make_socket_pair();
  os::LooseEnds ends = ours ? os::try_make_loose_ends() : os::LooseEnds();
  os::NewProcess child;
  if (ends.parent) child = os::clone_process(os::Parent::parent_of_caller, ledger);
  if (child.pid == 0) {
    spare = {std::move(ends.child), std::move(theirs)};
    return true;
  }
  offer.error = errno;
  offer.pid = child.pid;
  const std::array fds{child.pidfd.get(), ours.get(), ends.parent.get()};
  os::send_message(socket.get(), bytes_of(offer), child.pid < 0 ? std::span<const int>() : fds);
  return false;
}

// The word that the kernel writes each spare's pid to; null when there is no room to map it.
int* map_ledger(const os::Fd& file) noexcept {
  static auto* const mapping = new os::Mapping;  // no spare inherits it, none is to unmap it
  *mapping = os::Mapping::try_of(file, 0, sizeof(int), os::Mapping::Access::read_write, os::Mapping::Inherit::no);
  return reinterpret_cast<int*>(mapping->data());
}

void run_preload(std::span<const std::byte> order) {
  static ImageMap images;
  Decoder in(order, &images);
  for (const ExceptionKindGetter getter : decode_definitions(in, images)) register_exception_kind(getter);
  FunctionRef function;
  function.image = in.get<std::uint32_t>();
  function.offset = in.get<std::uint64_t>();
  reinterpret_cast<void (*)()>(images.resolve(function))();
  // One that was joined may still be on its way out of the kernel.
  for (int look = 0; os::thread_count() != 1 && look < 100; ++look) os::pause_for(std::chrono::milliseconds(1));
  if (os::thread_count() != 1)
    throw Error("a preload function left threads running: what has threads cannot be cloned");
  os::flush_all_streams();
}

void execute_and_report(const os::Fd& socket, ZygoteOrder kind, std::span<const std::byte> payload) {
  try {
    if (kind == ZygoteOrder::preload) run_preload(payload);
    if (kind == ZygoteOrder::begin) {
      os::take_on_credentials({reinterpret_cast<const char*>(payload.data()), payload.size()});
    }
    send_report(socket.get(), ReportKind::done, {});
  } catch (...) {
    Encoder error;
    encode_exception(error, std::current_exception());
    send_report(socket.get(), ReportKind::exception, error.to_vector());
  }
}

// Serves until the caller is gone. Returns in each spare, with the zygote's own descriptors closed: a copy of the socket
// would make the zygote seem alive as long as its children live.
std::optional<Spare> serve(os::Fd socket, const os::Fd& tie) {
  os::start_process_group();  // what the terminal sends to the program's group is not for spares
  os::block_all_signals();
  os::reset_signal_handlers();
  os::close_inherited_lifelines();
  if (!os::tie_to_parent(tie.get())) return std::nullopt;
  {
    const os::Fd null = os::open_null();
    for (const int standard : {0, 1, 2}) os::install_fd(null.get(), standard);
  }
  rehearse_child();
  alignas(64) static std::array<std::byte, kMaxOrder> order;
  int* ledger = nullptr;
  for (;;) {
    int fd = -1;
    const os::Received received = os::receive_message(socket.get(), order, std::span(&fd, 1));
    const os::Fd file(fd);
    if (received.bytes == 0) return std::nullopt;
    OrderHeader header{};
    if (received.bytes < sizeof header) continue;
    std::memcpy(&header, order.data(), sizeof header);
    if (header.magic != OrderHeader().magic) continue;
    if (header.kind == ZygoteOrder::ledger) {
      if (file) ledger = map_ledger(file);
      continue;
    }
    if (header.kind != ZygoteOrder::spare) {
      execute_and_report(socket, header.kind, std::span(order).first(received.bytes).subspan(sizeof header));
      continue;
    }
    Spare spare;
    if (offer_spare(socket, ledger, spare)) return spare;
  }
}

}  // namespace

void serve_as_zygote(int socket, int lifeline) noexcept {
  std::optional<Spare> spare;
  try {
    const os::Fd tie(lifeline);
    spare = serve(os::Fd(socket), tie);
  } catch (const std::exception&) {
    os::exit_now(1);  // the caller is gone already, or there is nothing to live on
  }
  if (!spare) os::exit_now(0);
  enter_spare_child({spare->lifeline.release(), spare->control.release()});
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
    serve_as_zygote(theirs.release(), lifeline.child.release());
  }
  adopt(std::move(zygote), std::move(ours), std::move(lifeline.parent), os::read_identity().credentials);
  if (preload_.function != nullptr) {
    preload_now();
  } else {
    order_spare();
  }
}

// False when it ended before it was ready.
bool ZygoteClient::start_by_exec(const std::string& credentials) {
  auto [ours, theirs] = os::make_socket_pair();
  os::Lifeline lifeline = os::make_lifeline();
  const std::array keep{lifeline.child.get(), theirs.get()};
  adopt(os::spawn_self(spawn_arguments(runtime().program, kZygoteArgument), keep), std::move(ours),
        std::move(lifeline.parent), credentials);
  const std::optional<std::exception_ptr> begun = execute(ZygoteOrder::begin, std::as_bytes(std::span(credentials)));
  if (begun && *begun) {
    stop();
    std::rethrow_exception(*begun);
  }
  return begun && (preload_.function == nullptr || run_preload());
}

void ZygoteClient::adopt(os::NewProcess zygote, os::Fd socket, os::ParentEnd lifeline, const std::string& credentials) {
  socket_ = std::move(socket);
  pidfd_ = os::above_standard(std::move(zygote.pidfd));
  lifeline_ = std::move(lifeline);
  pid_ = zygote.pid;
  credentials_ = credentials;
  session_ = os::session();
  root_ = os::root_directory();
  environment_ = os::environment();
  standing_ = os::read_standing();
  on_their_way_ = 0;
  send_ledger();
}

// Before the first spare is ordered. Without one a zygote that is killed at the wrong moment leaves a zombie, no more.
void ZygoteClient::send_ledger() {
  ledger_ = {};
  last_offered_ = 0;
  try {
    const os::Fd file = os::make_memfd("brigade-zygote", sizeof(int));
    ledger_ = os::Mapping::of(file, 0, sizeof(int), os::Mapping::Access::read_only, os::Mapping::Inherit::yes);
    const int fd = file.get();
    send(ZygoteOrder::ledger, {}, std::span(&fd, 1));
  } catch (const std::system_error&) {
  }
}

// Of a zygote that is gone: the spare that it had cloned and could not offer any more. Nobody else has its lifeline, so
// it is on its way out.
void ZygoteClient::reap_unoffered_spare() noexcept {
  if (!ledger_) return;
  const int last = *reinterpret_cast<const volatile int*>(ledger_.data());
  if (last > 0 && last != last_offered_) os::reap_child(last);
  ledger_ = {};
}

void ZygoteClient::stop() noexcept {
  if (!pidfd_) return;
  lifeline_.close();  // which kills it: after a change of credentials we might not be allowed to
  os::wait_for_exit(pidfd_, os::deadline_after(std::chrono::seconds(5)));
  last_end_ = os::reap(pidfd_).value_or(0);
  while (std::optional<Offer> offer = receive_offer(socket_, os::WhenEmpty::give_up, last_offered_))
    end_spare(std::move(*offer));
  reap_unoffered_spare();
  on_their_way_ = 0;
  socket_.close();
  pidfd_.close();
  pid_ = 0;
}

void ZygoteClient::forget() noexcept {
  socket_.close();
  pidfd_.close();  // the lifeline sees to itself over a fork
  ledger_ = {};
  on_their_way_ = 0;
  pid_ = 0;
}

bool ZygoteClient::send(ZygoteOrder kind, std::span<const std::byte> payload, std::span<const int> fds) {
  OrderHeader header;
  header.kind = kind;
  std::vector<std::byte> message(sizeof header + payload.size());
  std::ranges::copy(bytes_of(header), message.begin());
  std::ranges::copy(payload, message.begin() + sizeof header);
  if (os::send_message(socket_.get(), message, fds)) return true;
  if (errno != EPIPE && errno != ECONNRESET) os::throw_errno("sendmsg(order to the zygote)");
  return false;
}

// What went wrong over there, null when nothing did; nullopt when the zygote ended.
std::optional<std::exception_ptr> ZygoteClient::execute(ZygoteOrder kind, std::span<const std::byte> payload) {
  if (!send(kind, payload) || !os::wait_readable_unless(socket_.get(), pidfd_)) return std::nullopt;
  const std::optional<Report> report = receive_report(socket_, os::WhenEmpty::wait);
  if (!report) return std::nullopt;
  return report->kind == ReportKind::exception ? decode_report(*report, RemoteInfo(pid_, "zygote", 0)) : nullptr;
}

// False when the zygote is gone.
bool ZygoteClient::order_spare() {
  if (!send(ZygoteOrder::spare, {})) return false;
  ++on_their_way_;
  return true;
}

std::optional<NewChild> ZygoteClient::receive_spare() {
  const bool ordered_now = on_their_way_ == 0;
  if (ordered_now && !order_spare()) return std::nullopt;
  // Not the socket alone: a process forked at the wrong moment may hold the zygote's end of it.
  if (!os::wait_readable_unless(socket_.get(), pidfd_)) return std::nullopt;
  std::optional<Offer> offer = receive_offer(socket_, os::WhenEmpty::wait, last_offered_);
  if (!offer) return std::nullopt;
  --on_their_way_;
  if (offer->pid < 0) {
    if (!ordered_now) return receive_spare();  // what was not possible then may be now
    os::throw_errno("clone(child)", offer->error);
  }
  if (!offer->parent_end) {
    end_spare(std::move(*offer));
    os::throw_errno("recvmsg(handles of a child)", EMFILE);
  }
  NewChild child;
  child.lifeline = os::adopt_parent_end(std::move(offer->parent_end));
  child.process.pid = offer->pid;
  child.process.pidfd = os::above_standard(std::move(offer->pidfd));
  child.control = os::above_standard(std::move(offer->control));
  return child;
}

NewChild ZygoteClient::take_spare(const std::string& credentials) {
  const std::lock_guard lock(mutex_);
  if (socket_ && (credentials != credentials_ || os::session() != session_ || os::root_directory() != root_)) stop();
  for (int attempt = 0; attempt < kStartAttempts; ++attempt) {
    if (socket_ || start_by_exec(credentials)) {
      if (std::optional<NewChild> spare = receive_spare()) return std::move(*spare);
    }
    stop();  // it was killed, or is on its way out
  }
  throw Error("no child process can be made: the zygote, which they are cloned from, " + describe_exit_code(last_end_) +
              (preload_.function != nullptr ? " (it runs the preload function)" : ""));
}

void ZygoteClient::order_another() noexcept {
  const std::lock_guard lock(mutex_);
  try {
    if (socket_ && on_their_way_ == 0 && !order_spare()) stop();
  } catch (const std::exception&) {  // the next start orders one
  }
}

bool ZygoteClient::run_preload() {
  Encoder order;
  const FunctionRef function = function_ref(reinterpret_cast<const void*>(preload_.function));
  encode_definitions(order, {}, function.image + 1);
  order.put(function.image);
  order.put(function.offset);
  const std::optional<std::exception_ptr> error = execute(ZygoteOrder::preload, order.to_vector());
  if (!error) return false;
  if (!*error || preload_.policy == OnPreloadError::ignore) return true;
  if (preload_.policy == OnPreloadError::fail) {
    stop();  // the next one is to fail as well
    std::rethrow_exception(*error);
  }
  os::write_error("brigade: the preload function of the zygote failed: " + describe(*error) + "\n");
  return true;
}

void ZygoteClient::preload(void (*function)(), OnPreloadError policy) {
  const std::lock_guard lock(mutex_);
  preload_ = {function, policy};
  if (!socket_ || function == nullptr) return;
  for (; on_their_way_ > 0; --on_their_way_) {  // were cloned before
    if (!os::wait_readable_unless(socket_.get(), pidfd_)) break;
    if (std::optional<Offer> offer = receive_offer(socket_, os::WhenEmpty::wait, last_offered_))
      end_spare(std::move(*offer));
  }
  preload_now();
}

// In a zygote that has no spares.
void ZygoteClient::preload_now() {
  if (run_preload()) {
    order_spare();
    return;
  }
  stop();
  if (preload_.policy != OnPreloadError::fail) return;
  throw Error("the zygote " + describe_exit_code(last_end_) + " when it ran the preload function");
}

bool ZygoteClient::passes_environment_on() const {
  const std::lock_guard lock(mutex_);
  return os::environment_is(environment_);
}

bool ZygoteClient::passes_on(const os::Standing& standing) const {
  const std::lock_guard lock(mutex_);
  return standing == standing_;
}

}  // namespace brigade::internal
