// SPDX-License-Identifier: MIT
#include "process/child_main.hpp"

#include <charconv>
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
#include "process/zygote.hpp"
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
  // Not self.initialized: it tells whether main calls init(), and only then may a fresh start of the file be made.
  self.name = order.name;
  self.name_prefix = order.name + ":";
  self.children_named = 0;
  self.chosen_method = Runtime::kNoMethod;
  self.zygote.forget();
  if (order.environment) os::replace_environment(*order.environment);
  if (order.pool_worker) {
    os::ignore_interrupt();
    os::set_oom_score(kChildOomScore);
  }
  read_crash_points();
}

// From here on the kernel kills this process with its parent; waits until the parent holds a handle of it. What needs no
// parent is done before: the handle is usually there by then, and nobody has to sleep for it.
void join_family(ChildLifeline lifeline) {
  if (!os::tie_to_parent(lifeline.end)) refuse("a child cannot be tied to its parent's life (F_SETSIG)");
  os::pass_gate(lifeline.gate);
  os::close_fd(lifeline.gate);
  os::unblock_all_signals();
}

int run(std::span<const std::byte> start_block, ChildLifeline lifeline, std::span<const int> fds) {
  std::string name = "(unknown)";
  bool joined = false;
  try {
    ImageMap images;
    const StartOrder order = decode_start_block(start_block, images);
    name = order.name;
    const auto entry = reinterpret_cast<ChildEntry>(images.resolve(order.entry));
    for (const ExceptionKindGetter getter : order.exceptions) register_exception_kind(getter);
    join_family(lifeline);
    joined = true;
    become(order);
    ChildContext context{order.name, {}};
    for (const int fd : fds) context.handles.emplace_back(fd);
    Decoder arguments(order.arguments, &images, &context.handles);
    return entry(arguments, context);
  } catch (...) {
    if (!joined) join_family(lifeline);
    os::flush_standard_streams();
    os::write_error("Process " + name + " (pid " + std::to_string(os::process_id()) + ") ended by an exception:\n  " +
                    describe(std::current_exception()) + "\n");
    return kUncaughtException;
  }
}

// From here on the process is a program of its own.
[[noreturn]] void live(std::span<const std::byte> start_block, ChildLifeline lifeline,
                       std::span<const int> fds) noexcept {
  os::cut_inherited_exit_handlers();
  std::exit(run(start_block, lifeline, fds));
}

[[noreturn]] void live_from_file(int block, ChildLifeline lifeline, std::span<const int> fds) noexcept {
  // Mapped until the end: arguments that are views look into it.
  static os::Mapping mapping;
  {
    const os::Fd file(block);
    const std::size_t bytes = os::file_size(file);
    mapping = os::Mapping::of(file, 0, bytes, os::Mapping::Access::read_only, os::Mapping::Inherit::yes);
  }
  live(mapping.bytes(), lifeline, fds);
}

// "3,4,5", and nothing else; empty when it is anything else.
std::vector<int> parse_numbers(const std::string& list) {
  std::vector<int> numbers;
  const char* at = list.data();
  const char* const end = at + list.size();
  for (;;) {
    int number = -1;
    const auto [stop, error] = std::from_chars(at, end, number);
    if (error != std::errc() || number < os::kFirstKeptFd) return {};
    numbers.push_back(number);
    if (stop == end) return numbers;
    if (*stop != ',') return {};
    at = stop + 1;
  }
}

[[noreturn]] void refuse_option(std::string_view option, const std::string& argument) noexcept {
  refuse(std::string(option) + argument +
             ": this option is for brigade's own use, and these are not the descriptors it passes",
         kUsageError);
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

void enter_cloned_child(std::span<const std::byte> start_block, std::span<const int> fds) noexcept {
  bool installed = os::install_fd(fds[kStdoutFd], 1) && os::install_fd(fds[kStderrFd], 2);
  installed = os::enter_directory(fds[kDirectoryFd]) && installed;
  for (const int fd : {fds[kDirectoryFd], fds[kStdoutFd], fds[kStderrFd]}) os::close_fd(fd);
  if (!installed) refuse("a child cannot enter its parent's working directory");
  const ChildLifeline lifeline{fds[kLifelineFd], fds[kGateFd]};
  const std::span<const int> given = fds.subspan(kStartFds);
  if (!start_block.empty()) live(start_block, lifeline, given);
  live_from_file(given.back(), lifeline, given.first(given.size() - 1));
}

void enter_forked_child(std::span<const std::byte> start_block, ChildLifeline lifeline,
                        std::span<const int> fds) noexcept {
  os::reset_signal_handlers();
  os::Fd null = os::open_null();
  os::install_fd(null.get(), 0);
  null.close();
  live(start_block, lifeline, fds);
}

void enter_spawned_child(const std::string& argument) noexcept {
  const std::vector<int> fds = parse_numbers(argument);
  if (fds.size() < 3 || !os::is_sealed_memory(fds[0]) || !os::is_pipe(fds[1])) refuse_option(kChildArgument, argument);
  for (const int fd : fds) {
    if (!os::set_close_on_exec(fd)) refuse_option(kChildArgument, argument);
  }
  live_from_file(fds[0], {fds[1], fds[2]}, std::span(fds).subspan(3));
}

void enter_spawned_zygote(const std::string& argument) noexcept {
  const std::vector<int> fds = parse_numbers(argument);
  if (fds.size() != 2 || !os::is_message_socket(fds[0]) || !os::is_pipe(fds[1])) {
    refuse_option(kZygoteArgument, argument);
  }
  os::set_close_on_exec(fds[0]);
  serve_as_zygote(fds[0], fds[1]);
}

std::string spawn_argument(std::string_view option, std::size_t fds) {
  std::string argument(option);
  for (int i = 0; i < static_cast<int>(fds); ++i) {
    argument += (i == 0 ? "" : ",") + std::to_string(os::kFirstKeptFd + i);
  }
  return argument;
}

}  // namespace brigade::internal
