// SPDX-License-Identifier: MIT
#include "crash_point.hpp"

#if defined(BRIGADE_CRASH_POINTS)

#include <unistd.h>

#include <csignal>
#include <cstdlib>

namespace thumbnailer {
namespace {

// The exit code of the way "exit": one that nothing else uses.
constexpr int kInjectedExitCode = 41;

void go(std::string_view way) {
  if (way == "segv") ::raise(SIGSEGV);
  if (way == "abort") std::abort();
  if (way == "kill") ::kill(::getpid(), SIGKILL);
  if (way == "exit") ::_exit(kInjectedExitCode);
  while (way == "hang") ::pause();
}

}  // namespace

void crash_point(std::string_view source_path) {
  const char* const wish = std::getenv("PARALLEL_THUMBNAILER_CRASH");
  if (wish == nullptr) return;
  const std::string_view text(wish);
  const std::size_t colon = text.rfind(':');
  if (colon == std::string_view::npos) return;
  const std::string_view name = source_path.substr(source_path.rfind('/') + 1);
  if (name.find(text.substr(0, colon)) != std::string_view::npos) go(text.substr(colon + 1));
}

}  // namespace thumbnailer

#endif
