// SPDX-License-Identifier: MIT
#include "process/child_main.hpp"

#include <cstdlib>
#include <exception>
#include <utility>
#include <vector>

#include <brigade/error.hpp>
#include <brigade/internal/exception_codec.hpp>

#include "os/clone.hpp"
#include "os/lifeline.hpp"
#include "os/memory.hpp"
#include "os/signals.hpp"
#include "os/surroundings.hpp"
#include "process/runtime.hpp"
#include "process/start_block.hpp"
#include "shm/crash_point.hpp"

namespace brigade::internal {

namespace {

constexpr int kUncaughtException = 1;
constexpr int kUsageError = 2;
constexpr int kChildOomScore = 300;

[[noreturn]] void refuse(const std::string& why, int code = kUncaughtException) noexcept {
  os::write_error("brigade: " + why + "\n");
  os::exit_now(code);
}

// "std::runtime_error: no such file".
std::string describe(const std::exception_ptr& error) {
  Encoder bytes;
  encode_exception(bytes, error);
  const std::vector<std::byte> copy = bytes.to_vector();
  Decoder in(copy);
  try {
    std::rethrow_exception(decode_exception(in, {}));
  } catch (const RemoteError& described) {
    return described.what();
  } catch (const std::exception& known) {
    const RemoteInfo* origin = remote_info(known);
    return (origin != nullptr ? origin->type_name() + ": " : std::string()) + known.what();
  }
}

void become(const StartOrder& order) {
  Runtime& self = runtime();
  self.initialized = true;
  self.name = order.name;
  self.name_prefix = order.name + ":";
  self.children_named = 0;
  self.zygote.forget();
  if (order.environment && *order.environment != os::environment()) os::replace_environment(*order.environment);
  if (order.pool_worker) {
    os::ignore_interrupt();
    os::set_oom_score(kChildOomScore);
  }
  read_crash_points();
}

int run(std::span<const std::byte> start_block, std::span<const int> fds) {
  std::string name = "(unknown)";
  try {
    ImageMap images;
    const StartOrder order = decode_start_block(start_block, images);
    name = order.name;
    become(order);
    const auto entry = reinterpret_cast<ChildEntry>(images.resolve(order.entry));
    Decoder arguments(order.arguments, &images);
    ChildContext context{order.name, fds};
    return entry(arguments, context);
  } catch (...) {
    os::flush_standard_streams();
    os::write_error("Process " + name + " (pid " + std::to_string(os::process_id()) + ") ended by an exception:\n  " +
                    describe(std::current_exception()) + "\n");
    return kUncaughtException;
  }
}

// From here on the process is a program of its own.
[[noreturn]] void live(std::span<const std::byte> start_block, int lifeline, std::span<const int> fds) noexcept {
  if (!os::tie_to_parent(lifeline)) refuse("a child cannot be tied to its parent's life (F_SETSIG)");
  os::cut_inherited_exit_handlers();
  os::unblock_all_signals();
  std::exit(run(start_block, fds));
}

[[noreturn]] void live_from_file(int block, int lifeline, std::span<const int> fds) noexcept {
  const os::Fd file(block);
  const std::size_t bytes = os::file_size(file);
  // Mapped until the end: arguments that are views look into it.
  static os::Mapping mapping;
  mapping = os::Mapping::of(file, 0, bytes, os::Mapping::Access::read_only, os::Mapping::Inherit::yes);
  live(mapping.bytes(), lifeline, fds);
}

std::vector<int> parse_numbers(const std::string& list) {
  std::vector<int> numbers;
  for (std::size_t at = 0; at < list.size();) {
    std::size_t used = 0;
    numbers.push_back(std::stoi(list.substr(at), &used));
    at += used + 1;
  }
  return numbers;
}

}  // namespace

void rehearse_child() noexcept {
  try {
    StartOrder order;
    order.name = "rehearsal";
    order.entry = function_ref(reinterpret_cast<const void*>(&rehearse_child));
    Encoder encoder;
    encode_start_block(encoder, order, order.entry.image + 1);
    const std::vector<std::byte> block = encoder.to_vector();
    ImageMap images;
    const StartOrder decoded = decode_start_block(block, images);
    images.resolve(decoded.entry);
    os::flush_all_streams();
  } catch (const std::exception&) {  // a child will say what is wrong
  }
}

void enter_cloned_child(std::span<const int> fds) noexcept {
  // The zygote's own descriptors are close-on-exec and of no use here; closing the socket matters, or the zygote would
  // seem alive to its caller while we live.
  runtime().zygote.forget();
  bool installed = os::install_fd(fds[kStdoutFd], 1) && os::install_fd(fds[kStderrFd], 2);
  installed = os::enter_directory(fds[kDirectoryFd]) && installed;
  for (const int fd : {fds[kDirectoryFd], fds[kStdoutFd], fds[kStderrFd]}) os::close_fd(fd);
  if (!installed) refuse("a child cannot enter its parent's working directory");
  live_from_file(fds[kBlockFd], fds[kLifelineFd], fds.subspan(kStartFds));
}

void enter_forked_child(std::span<const std::byte> start_block, int lifeline, std::span<const int> fds) noexcept {
  os::reset_signal_handlers();
  const os::Fd null = os::open_null();
  os::install_fd(null.get(), 0);
  live(start_block, lifeline, fds);
}

void enter_spawned_child(const std::string& argument) noexcept {
  try {
    const std::vector<int> fds = parse_numbers(argument);
    for (const int fd : fds) {
      if (!os::set_close_on_exec(fd)) refuse("descriptor " + std::to_string(fd) + " is not open", kUsageError);
    }
    if (fds.size() < 2) refuse("too few descriptors", kUsageError);
    live_from_file(fds[0], fds[1], std::span(fds).subspan(2));
  } catch (const std::exception& error) {
    refuse(kChildArgument + argument + ": this option is for brigade's own use (" + error.what() + ")", kUsageError);
  }
}

}  // namespace brigade::internal
