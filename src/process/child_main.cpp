// SPDX-License-Identifier: MIT
#include "process/child_main.hpp"

#include <cerrno>
#include <charconv>
#include <cstdlib>
#include <exception>
#include <optional>
#include <system_error>
#include <utility>
#include <vector>

#include <brigade/error.hpp>
#include <brigade/internal/exception_codec.hpp>
#include <brigade/internal/throw_probe.hpp>

#include "os/clone.hpp"
#include "os/cpu.hpp"
#include "os/crash_signals.hpp"
#include "os/error.hpp"
#include "os/identity.hpp"
#include "os/lifeline.hpp"
#include "os/limits.hpp"
#include "os/memory.hpp"
#include "os/signals.hpp"
#include "os/surroundings.hpp"
#include "os/thread_budget.hpp"
#include "process/launch.hpp"
#include "process/log_relay.hpp"
#include "process/report.hpp"
#include "process/runtime.hpp"
#include "process/start_block.hpp"
#include "process/start_request.hpp"
#include "process/zygote.hpp"
#include "shm/crash_point.hpp"
#include "wire/throw_trace.hpp"

namespace brigade::internal {

namespace {

constexpr int kUncaughtException = 1;
constexpr int kUsageError = 2;
constexpr int kChildOomScore = 300;

[[noreturn]] void refuse(const std::string& why, int code = kUncaughtException) noexcept {
  os::write_error("brigade: " + why + "\n");
  os::exit_now(code);
}

// From here on the kernel kills this process with its parent, and a crash is reported.
void tie(ChildTies ties) noexcept {
  if (!os::tie_to_parent(ties.lifeline)) refuse("a child cannot be tied to its parent's life (F_SETSIG)");
  os::install_crash_handlers(ties.control);
}

void apply(const ChildSettings& settings) {
  if (!settings.directory.empty()) os::change_directory(settings.directory);
  for (const auto& [name, value] : settings.environment) os::set_environment_variable(name, value);
  if (settings.umask) os::set_umask(*settings.umask);
  if (settings.nice != 0) os::add_nice(settings.nice);
  if (!settings.affinity.empty()) {
    os::set_affinity(std::vector<unsigned>(settings.affinity.begin(), settings.affinity.end()));
  }
  os::Limits limits;
  limits.memory_bytes = settings.limits.memory_bytes;
  if (settings.limits.cpu_time) {
    limits.cpu_seconds = static_cast<std::uint64_t>(settings.limits.cpu_time->count());
  }
  limits.open_files = settings.limits.open_files;
  limits.core_bytes = settings.limits.core_bytes;
  limits.file_bytes = settings.limits.file_bytes;
  os::apply_limits(limits);
  if (settings.threads > 0) os::set_thread_budget(settings.threads);  // which may start them, with what they inherit
}

// What is remembered of this process, instead of what was of the one it is a copy of.
void rename(const StartOrder& order, ChildTies ties) {
  Runtime& self = runtime();
  // Not self.initialized: it tells whether main calls init(), and only then may a fresh start of the file be made.
  self.name = order.name;
  self.daemon = order.daemon;
  self.cpu_share = order.cpu_share;
  self.parent_name = order.parent_name;
  self.parent_pid = order.parent_pid;
  self.name_prefix = order.name + ":";
  self.children_named = 0;
  self.warned_of_threads = false;
  self.children.clear();
  self.outliving.clear();  // of the process this was forked from
  self.chosen_method = Runtime::kNoMethod;
  self.zygote.forget();
  log_to_parent(ties.control, order.log_level);
}

void become(const StartOrder& order, ChildTies ties) {
  rename(order, ties);
  if (order.process_group != 0) os::join_process_group(order.process_group);
  if (order.outlives_parent) {
    os::untie_from_parent(ties.lifeline);
    os::start_session();
    send_report(ties.control, ReportKind::done, {});
  }
  if (order.environment) os::replace_environment(*order.environment);
  if (!order.credentials.empty()) os::take_on_credentials(order.credentials);
  os::set_umask(order.umask);
  if (order.standing) os::take_on_standing(*order.standing);
  if (order.pool_worker) {
    os::ignore_interrupt();
    os::set_oom_score(kChildOomScore);
  }
  if (order.settings) apply(*order.settings);
  read_crash_points();
}

// The standard streams and the directory that came with the request, and where the rest begins.
std::span<const int> take_surroundings(const StartRequest& request) {
  const std::span fds = std::span(request.fds).first(request.count);
  const bool installed = os::install_fd(fds[kStdoutFd], 1) && os::install_fd(fds[kStderrFd], 2) &&
                         (os::enter_directory(fds[kDirectoryFd]) || errno == ENOTDIR);
  for (const int fd : {fds[kDirectoryFd], fds[kStdoutFd], fds[kStderrFd]}) os::close_fd(fd);
  if (!installed) throw Error("a child cannot enter its parent's working directory");
  return fds.subspan(kStartFds);
}

std::span<const std::byte> map_block(int block) {
  static os::Mapping mapping;  // until the end: arguments that are views look into it
  const os::Fd file(block);
  mapping = os::Mapping::of(file, 0, os::file_size(file), os::Mapping::Access::read_only, os::Mapping::Inherit::yes);
  return mapping.bytes();
}

void send_exception(int control, const std::exception_ptr& error, const CallTrace& trace) {
  Encoder bytes;
  encode_exception(bytes, error, trace.frames.empty() ? nullptr : &trace);
  send_report(control, ReportKind::exception, bytes.to_vector());
}

void report_exception(const std::string& name, const void* entry, ChildTies ties) noexcept {
  const std::exception_ptr error = std::current_exception();
  os::ignore_file_size_signal();  // standard error may be a longer file than this process may write
  try {
    const CallTrace trace = take_throw_trace(entry);
    try {
      send_exception(ties.control, error, trace);
    } catch (const std::system_error&) {  // a long one needs a file, and files may be limited, too
      constexpr std::size_t kFitsIntoAMessage = 4096;
      const std::string text = describe(error).substr(0, kFitsIntoAMessage) + " ...";
      send_exception(ties.control, std::make_exception_ptr(RemoteError(text)), {});
    }
    os::flush_standard_streams();
    const std::string what = "Process " + name + " (pid " + std::to_string(os::process_id()) +
                             ") ended by an exception:\n  " + describe(error) + "\n";
    os::write_error(what);
    if (!trace.frames.empty()) os::write_error(describe(trace));
  } catch (...) {  // no memory for as much as that
    os::write_error("a process of brigade ended by an exception, and memory is too short to say which\n");
  }
}

const std::function<void()>* closure = nullptr;  // of this process's ForkedWork

int run(ChildTies ties, const ForkedWork& forked) {
  std::string name = "(unknown)";
  const void* entry_at = nullptr;
  watch_throws();
  os::fill_standard_streams();
  try {
    const std::optional<StartRequest> request = receive_start_request(ties.control);
    if (!request) os::throw_errno("recvmsg(start request)");
    std::span<const int> given = take_surroundings(*request);
    std::span<const std::byte> block = forked.block.empty() ? request->block : forked.block;
    if (request->in_file) {
      block = map_block(given.back());
      given = given.first(given.size() - 1);
    }
    ImageMap images;
    const StartOrder order = decode_start_block(block, images);
    name = order.name;
    entry_at = images.resolve(order.entry);
    for (const ExceptionKindGetter getter : order.exceptions) register_exception_kind(getter);
    become(order, ties);
    os::unblock_all_signals();
    closure = forked.closure;
    ChildContext context{order.name, {}};
    for (const int fd : given) context.handles.emplace_back(fd);
    Decoder arguments(order.arguments, &images, &context.handles);
    return reinterpret_cast<ChildEntry>(const_cast<void*>(entry_at))(arguments, context);
  } catch (const ThrowProbe&) {  // looks, and is never what was thrown
  } catch (...) {
    report_exception(name, entry_at, ties);
  }
  return kUncaughtException;
}

// From here on the process is a program of its own.
[[noreturn]] void live(ChildTies ties, const ForkedWork& forked) noexcept {
  os::cut_inherited_exit_handlers();
  end_children_at_exit();
  std::exit(run(ties, forked));
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

// The lifeline and the socket that a process started by brigade is told of in its arguments.
ChildTies ties_of(std::string_view option, const std::string& argument) noexcept {
  const std::vector<int> fds = parse_numbers(argument);
  if (fds.size() != 2 || !os::is_pipe(fds[0]) || !os::is_message_socket(fds[1])) {
    refuse(std::string(option) + argument +
               ": this option is for brigade's own use, and these are not the descriptors it passes",
           kUsageError);
  }
  for (const int fd : fds) os::set_close_on_exec(fd);
  if (os::has_rights_of_its_file()) {
    // Anybody may have started it, and whoever holds the socket chooses the code that runs.
    try {
      os::give_up_rights_of_its_file();
    } catch (const std::system_error& error) {
      refuse(error.what(), kUsageError);
    }
  }
  return {fds[0], fds[1]};
}

}  // namespace

int run_closure(Decoder&, ChildContext&) {
  (*closure)();
  return 0;
}

void rehearse_child() noexcept {
  try {
    watch_throws();
    os::prepare_crash_handlers();
    static const std::vector<std::byte> block = [] {
      StartOrder order;
      order.name = "rehearsal";
      order.entry = function_ref(reinterpret_cast<const void*>(&rehearse_child));
      Encoder encoder;
      encode_start_block(encoder, order, order.entry.image + 1);
      return encoder.to_vector();
    }();
    ImageMap images;
    const StartOrder decoded = decode_start_block(block, images);
    images.resolve(decoded.entry);
    rename(decoded, {-1, -1});
    const ChildContext context{decoded.name, std::vector<Descriptor>(1)};
    prepare_for_start_request();
    os::flush_all_streams();
  } catch (const std::exception&) {  // a child will say what is wrong
  }
}

void enter_spare_child(ChildTies ties) noexcept {
  tie(ties);
  rehearse_child();  // while nobody waits: it copies the pages that the start writes to
  live(ties, {});
}

void enter_forked_child(ChildTies ties, const ForkedWork& work) noexcept {
  os::reset_signal_handlers(work.caught_signals);
  tie(ties);
  os::close_fd(0);  // nothing is opened there
  live(ties, work);
}

void enter_spawned_child(const std::string& argument) noexcept {
  const ChildTies ties = ties_of(kChildArgument, argument);
  tie(ties);
  live(ties, {});
}

void enter_spawned_zygote(const std::string& argument) noexcept {
  const ChildTies ties = ties_of(kZygoteArgument, argument);
  serve_as_zygote(ties.control, ties.lifeline);
}

std::vector<std::string> spawn_arguments(const std::string& program, std::string_view option) {
  static_assert(kTiesOfSpawned == 2);
  return {program, std::string(option) + std::to_string(os::kFirstKeptFd) + "," + std::to_string(os::kFirstKeptFd + 1)};
}

}  // namespace brigade::internal
