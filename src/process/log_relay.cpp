// SPDX-License-Identifier: MIT
#include "process/log_relay.hpp"

#include <array>
#include <atomic>
#include <map>
#include <mutex>
#include <thread>
#include <utility>
#include <vector>

#include <brigade/codec.hpp>

#include "os/clock.hpp"
#include "os/clone.hpp"
#include "os/pipe.hpp"
#include "os/poller.hpp"
#include "os/signals.hpp"
#include "process/child.hpp"
#include "process/runtime.hpp"

namespace brigade::internal {

// ---- where records go ----

namespace {

std::atomic<int (*)()> level_hook = nullptr;
std::atomic<void (*)(const LogRecord&)> write_hook = nullptr;
std::atomic<int> parents_socket = -1;
std::atomic<int> parents_level = kLogNothing;
std::atomic<unsigned> generation = 0;

constexpr std::size_t kShortText = 8 * 1024;  // goes without a file

void send(const LogRecord& record) noexcept {
  try {
    Encoder bytes;
    encode(bytes, record);
    send_report(parents_socket, ReportKind::log, bytes.to_vector());
  } catch (const std::exception&) {  // no memory for it, or no right to write a file that long
    if (record.text.size() <= kShortText) return;
    LogRecord cut = record;
    cut.text.resize(kShortText);
    send(cut);
  }
}

}  // namespace

void set_log_hooks(LogHooks hooks) noexcept {
  level_hook = hooks.level;
  write_hook = hooks.write;
}

bool logs_to_parent() noexcept { return parents_socket >= 0; }
int log_level_of_parent() noexcept { return parents_level; }
unsigned log_generation() noexcept { return generation; }

void log_to_parent(int control, int level) noexcept {
  set_log_hooks({});
  parents_socket = control;
  parents_level = level;
  ++generation;
}

int wanted_log_level() noexcept {
  if (logs_to_parent()) return parents_level;
  int (*const ask)() = level_hook;
  return ask != nullptr ? ask() : kLogNothing;
}

void send_to_parent(int level, std::int64_t time, std::uint64_t thread, std::string text) {
  if (parents_level >= kLogNothing) return;  // nobody reads there
  send({level, time, thread, os::process_id(), runtime().name, std::move(text)});
}

void pass_record_on(const LogRecord& record) noexcept {
  if (logs_to_parent()) return send(record);
  if (void (*const write)(const LogRecord&) = write_hook) write(record);
}

std::optional<LogRecord> decode_record(const Report& report) noexcept {
  try {
    Decoder in(report.bytes);
    LogRecord record = decode<LogRecord>(in);
    if (record.level < 0 || record.level >= kLogNothing) return std::nullopt;
    return record;
  } catch (const std::exception&) {
    return std::nullopt;
  }
}

// ---- the relay ----

namespace {

// Never destroyed: children may speak while statics are torn down.
class Relay {
 public:
  static Relay& instance() {
    static Relay* const relay = [] {
      auto* made = new Relay;
      os::at_fork([] { instance().mutex_.lock(); }, [] { instance().mutex_.unlock(); },
                  [] {
                    // The thread stayed behind, and the poller is the parent's.
                    instance().state_.reset();
                    instance().mutex_.unlock();
                  });
      return made;
    }();
    return *relay;
  }

  void add(const std::shared_ptr<Child>& child) {
    const std::lock_guard lock(mutex_);
    if (!state_) {
      auto state = std::make_shared<State>();
      const os::SignalBlock handlers_run_on_the_users_threads;
      ++runtime().own_threads;
      try {
        std::thread([this, state] { run(*state); }).detach();
      } catch (...) {
        --runtime().own_threads;
        throw;
      }
      state_ = std::move(state);
    }
    const std::uint64_t id = state_->next_id++;
    state_->children[id] = child;
    const Parts parts = parts_of(*child);
    for (std::uint64_t part = 0; part != kParts; ++part) {
      if (*parts[part]) state_->poller.add(*parts[part], id * kParts + part);
    }
  }

 private:
  enum Part : std::uint64_t { kPidfd, kControl, kStdout, kStderr, kParts };

  using Parts = std::array<const os::Fd*, kParts>;

  struct State {
    os::Poller poller;
    std::map<std::uint64_t, std::shared_ptr<Child>> children;  // until they end
    std::uint64_t next_id = 0;
  };

  static Parts parts_of(const Child& child) {
    return {&child.pidfd(), &child.control(), &child.stream(Child::kStdout), &child.stream(Child::kStderr)};
  }

  [[noreturn]] void run(State& state) {
    std::vector<std::uint64_t> ready;
    for (;;) {
      state.poller.wait(ready, std::chrono::hours(1));
      for (const std::uint64_t tag : ready) serve(state, tag / kParts, static_cast<Part>(tag % kParts));
    }
  }

  void serve(State& state, std::uint64_t id, Part part) {
    std::shared_ptr<Child> child;
    {
      const std::lock_guard lock(mutex_);
      const auto found = state.children.find(id);
      if (found == state.children.end()) return;
      child = found->second;
    }
    const Parts parts = parts_of(*child);
    const bool over = os::is_hung_up(*parts[part]);  // asked first: what came before it is read now
    try {
      child->listen();
    } catch (const std::exception&) {  // no memory: what came is lost
    }
    if (part == kPidfd) {
      for (const os::Fd* fd : parts) {
        if (*fd) state.poller.remove(*fd);
      }
      const std::lock_guard lock(mutex_);
      state.children.erase(id);
    } else if (over) {
      state.poller.remove(*parts[part]);
    }
  }

  std::mutex mutex_;
  std::shared_ptr<State> state_;  // under mutex_
};

}  // namespace

void relay(const std::shared_ptr<Child>& child) { Relay::instance().add(child); }

}  // namespace brigade::internal
