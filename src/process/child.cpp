// SPDX-License-Identifier: MIT
#include "process/child.hpp"

#include <system_error>
#include <utility>

#include <brigade/error.hpp>

#include "os/clone.hpp"
#include "os/pidfd.hpp"
#include "os/pipe.hpp"
#include "os/poller.hpp"
#include "os/signals.hpp"
#include "process/log_relay.hpp"
#include "wire/crash_report.hpp"

namespace brigade::internal {

namespace {

// More than a pipe and a socket hold: all that a child has left is read. And a bound, for who holds its ends now, or the
// child itself, may write faster than we read.
constexpr std::size_t kMostAtOnce = 2 * 1024 * 1024;
constexpr int kMostReportsAtOnce = 256;
constexpr int kMostReportsLeft = 100'000;

// Null when it makes no sense, or is somebody else's.
std::shared_ptr<const CrashReport> read_crash_report(const Report& report, int pid) {
  try {
    auto read = std::make_shared<const CrashReport>(decode_crash_report(report.bytes));
    return read->pid() == pid ? read : nullptr;
  } catch (const SerializationError&) {
    return nullptr;
  }
}

}  // namespace

void Tail::append(std::string_view text) {
  text_ += text;
  if (text_.size() > 2 * kKept) text_.erase(0, text_.size() - kKept);
}

Child::Child(NewChild made, const ChildSpec& spec, std::array<os::Fd, kStreams> captured)
    : pid_(made.process.pid),
      fork_generation_(os::fork_generation()),
      name_(spec.name),
      daemon_(spec.daemon),
      pool_worker_(spec.pool_worker),
      outlives_parent_(spec.outlives_parent),
      pidfd_(std::move(made.process.pidfd)),
      lifeline_(std::move(made.lifeline)),
      control_(std::move(made.control)),
      streams_(std::move(captured)) {}

Child::~Child() {
  if (!is_ours() || outlives_parent_ || poll()) return;
  kill_and_wait();
}

bool Child::send_start_request(std::span<const std::byte> block, BlockPlace place, std::span<const int> fds) const {
  return internal::send_start_request(control_, block, place, fds);
}

// Its first report says so, or why it could not.
void Child::wait_until_untied() const { os::wait_readable_unless(control_.get(), pidfd_); }

// In a forked copy of this process a lock may be held by a thread that stayed behind: nothing is locked there.
std::optional<int> Child::reap() {
  if (!is_ours()) return exit_code_;
  const std::lock_guard lock(end_mutex_);
  if (exit_code_) return exit_code_;
  exit_code_ = os::reap(pidfd_);
  out_of_memory_ = exit_code_ == -os::kSigKill && !killed_by_us_ && os::oom_killed_since(oom_before_);
  return exit_code_;
}

std::optional<int> Child::poll() {
  const std::optional<int> code = reap();
  if (!code || !is_ours()) return code;
  collect(true);
  // Code of the user's, which never runs under a lock of the pool's.
  if (!pool_worker_) pass_records_on();
  return code;
}

std::optional<int> Child::wait(os::Deadline deadline) {
  if (const std::optional<int> known = poll()) return known;
  os::wait_for_exit(pidfd_, deadline);
  return poll();
}

// `last`: the child has ended, and whoever holds its streams now is not it.
void Child::collect(bool last) {
  if (!is_ours()) return;
  const std::lock_guard lock(said_mutex_);
  if (all_read_) return;
  for (std::size_t i = 0; i != kStreams; ++i) {
    if (!streams_[i]) continue;
    os::read_available(streams_[i], kMostAtOnce, [&](std::string_view text) { tails_[i].append(text); });
  }
  for (int n = last ? kMostReportsLeft : kMostReportsAtOnce; n > 0; --n) {
    std::optional<Report> report = receive_report(control_, os::WhenEmpty::give_up);
    if (!report) break;
    take(std::move(*report));
  }
  all_read_ = last;
}

void Child::take(Report report) {
  switch (report.kind) {
    case ReportKind::exception:
      exception_ = std::move(report);
      break;
    case ReportKind::log:
      if (std::optional<LogRecord> record = decode_record(report)) records_.push_back(std::move(*record));
      break;
    case ReportKind::crash:
      if (!crash_report_) crash_report_ = read_crash_report(report, pid_);
      break;
    case ReportKind::done:  // it does without us
      break;
  }
}

void Child::pass_records_on() {
  // A sink of the user's may ask about processes; what comes of that is passed on afterwards, by the relay.
  thread_local bool passing = false;
  if (passing) return;
  passing = true;
  const std::lock_guard lock(passing_mutex_);
  std::vector<LogRecord> records;
  {
    const std::lock_guard said(said_mutex_);
    records.swap(records_);
  }
  for (const LogRecord& record : records) pass_record_on(record);
  passing = false;
}

void Child::listen() {
  collect(false);
  pass_records_on();
}

std::exception_ptr Child::exception() {
  if (!is_ours() || !poll()) return nullptr;
  const std::lock_guard lock(said_mutex_);
  return exception_ ? decode_report(*exception_, RemoteInfo(pid_, name_, 0)) : nullptr;
}

std::string Child::captured(Stream stream) {
  if (!is_ours()) return "";
  collect(false);
  const std::lock_guard lock(said_mutex_);
  return std::string(tails_[stream].view());
}

std::shared_ptr<const CrashReport> Child::crash_report() {
  if (!is_ours() || !poll()) return nullptr;
  const std::lock_guard lock(said_mutex_);
  return crash_report_;
}

bool Child::out_of_memory() {
  if (!is_ours()) return false;
  const std::lock_guard lock(end_mutex_);
  return out_of_memory_;
}

bool Child::signal(int signal) {
  if (signal == os::kSigKill && is_ours() && !poll()) {
    const std::lock_guard lock(end_mutex_);
    killed_by_us_ = true;
  }
  // After the reaping the kernel itself answers that the process is gone: a pidfd cannot name a stranger.
  return os::send_signal(pidfd_, signal);
}

// Also one that took on other rights, which we may not signal any more: it still dies of its lifeline, unless it is another
// program by now. That one is not waited for.
void Child::kill_and_wait() { wait(signal_or_kill(os::kSigKill) ? os::kNever : os::deadline_after(kStopGrace)); }

bool Child::signal_or_kill(int signal) noexcept {
  try {
    this->signal(signal);
    return true;
  } catch (const std::exception&) {
    const std::lock_guard lock(end_mutex_);
    killed_by_us_ = true;
    lifeline_.close();
    return false;
  }
}

void Child::ask_to_end() {
  try {
    signal(os::kSigTerm);
  } catch (const std::system_error&) {  // it has other rights by now
  }
}

void Child::stop(std::chrono::milliseconds grace) {
  ask_to_end();
  if (!wait(os::deadline_after(grace))) kill_and_wait();
}

}  // namespace brigade::internal
