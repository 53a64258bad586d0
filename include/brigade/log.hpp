// SPDX-License-Identifier: MIT
#pragma once
// One log for a program and its processes: multiprocessing's get_logger and log_to_stderr, on spdlog.
//
//     brigade::log_to_stderr(spdlog::level::info);
//     brigade::Process process([] { brigade::get_logger()->info("here"); });
//     process.start();
//     process.join();      // [2026-01-31 12:00:00.000] [info] [Process-1 4711] here
//
// Records of processes that brigade started arrive in the logger of the program, in front of each text the process's name
// and pid, in the order in which that process wrote them. Those it wrote before it was killed arrive, too; all are there
// once join() has returned. Processes that run when the logger is switched on or changes its level go on with what they
// found at their start.
//
// This header needs spdlog, and the program that includes it links it (spdlog::spdlog or spdlog::spdlog_header_only); the
// library itself does not.

#include <atomic>
#include <chrono>
#include <cstdint>
#include <cstdio>
#include <exception>
#include <memory>
#include <mutex>
#include <string>
#include <string_view>
#include <utility>

#include <spdlog/common.h>
#include <spdlog/details/log_msg.h>
#include <spdlog/logger.h>
#include <spdlog/sinks/base_sink.h>
#include <spdlog/sinks/stdout_sinks.h>

#include <brigade/internal/log_hooks.hpp>

namespace brigade {

namespace internal {

static_assert(kLogNothing == static_cast<int>(spdlog::level::off));

class SinkToParent final : public spdlog::sinks::base_sink<std::mutex> {
 private:
  void sink_it_(const spdlog::details::log_msg& message) override {
    const auto time = std::chrono::duration_cast<std::chrono::nanoseconds>(message.time.time_since_epoch());
    send_to_parent(static_cast<int>(message.level), time.count(), message.thread_id,
                   std::string(message.payload.data(), message.payload.size()));
  }
  void flush_() override {}
};

class ProcessLogger {
 public:
  // Never destroyed: records may come while statics are torn down.
  static ProcessLogger& instance() {
    static auto* const logger = new ProcessLogger;
    return *logger;
  }

  // Without a lock, which a fork could find taken for ever.
  std::shared_ptr<spdlog::logger> get() {
    Held* known = held_.load();
    while (known == nullptr || known->generation != log_generation()) {
      auto made = std::make_unique<Held>(Held{make(), log_generation()});
      if (held_.compare_exchange_strong(known, made.get())) known = made.release();  // the one before may be in use
    }
    if (!logs_to_parent()) set_log_hooks({&level, &write});
    return known->logger;
  }

 private:
  static int level() { return static_cast<int>(instance().get()->level()); }

  static void write(const LogRecord& record) {
    const auto logger = instance().get();
    const auto time = std::chrono::time_point_cast<spdlog::log_clock::duration>(spdlog::log_clock::time_point(
        std::chrono::duration_cast<spdlog::log_clock::duration>(std::chrono::nanoseconds(record.time))));
    const std::string text = "[" + record.process + " " + std::to_string(record.pid) + "] " + record.text;
    const auto level = static_cast<spdlog::level::level_enum>(record.level);
    if (!logger->should_log(level)) return;
    spdlog::details::log_msg message(time, spdlog::source_loc{}, logger->name(), level, text);
    message.thread_id = static_cast<std::size_t>(record.thread);
    for (const auto& sink : logger->sinks()) {
      try {
        if (!sink->should_log(level)) continue;
        sink->log(message);
        if (level >= logger->flush_level()) sink->flush();
      } catch (const std::exception& error) {  // as spdlog does with a record of this process
        std::fprintf(stderr, "brigade: a log record of %s is lost: %s\n", record.process.c_str(), error.what());
      }
    }
  }

  struct Held {
    std::shared_ptr<spdlog::logger> logger;
    unsigned generation;  // in a child the parent's is not right
  };

  static std::shared_ptr<spdlog::logger> make() {
    auto logger = std::make_shared<spdlog::logger>("brigade");
    if (logs_to_parent()) {
      logger->sinks().push_back(std::make_shared<SinkToParent>());
      logger->set_level(static_cast<spdlog::level::level_enum>(log_level_of_parent()));
    } else {
      logger->set_level(spdlog::level::off);
    }
    return logger;
  }

  std::atomic<Held*> held_ = nullptr;
};

}  // namespace internal

// The logger of this process. In the program it is off and has no sinks until log_to_stderr() or its owner gives it a level
// and sinks of spdlog; in a process that brigade started it sends to the program's, from the level on that this had. When
// that was off at its start, nothing is sent whatever level it is given there.
//   Threads         any; give it sinks before others use it, as spdlog says. Sinks must be of the _mt kind
//   Blocks          in a child, while its parent does not keep up with reading
//   If a peer dies  child: what it wrote is delivered. Parent: the child ends with it
inline std::shared_ptr<spdlog::logger> get_logger() { return internal::ProcessLogger::instance().get(); }

// Has the program's records and those of its processes written to its standard error, from `level` on. Once; a second call
// changes the level. In a process that brigade started it only changes the level of its own records.
inline std::shared_ptr<spdlog::logger> log_to_stderr(spdlog::level::level_enum level = spdlog::level::info) {
  const auto logger = get_logger();
  if (logger->sinks().empty()) logger->sinks().push_back(std::make_shared<spdlog::sinks::stderr_sink_mt>());
  logger->set_level(level);
  return logger;
}

}  // namespace brigade
