// SPDX-License-Identifier: MIT
#include <brigade/init.hpp>

#include <string>
#include <vector>

#include "os/clone.hpp"
#include "os/surroundings.hpp"
#include "process/child_main.hpp"
#include "process/launch.hpp"
#include "process/runtime.hpp"
#include "shm/crash_point.hpp"

namespace brigade {

namespace {

// The option that brigade started this process with, "" for the program itself. The kernel is asked first: what the
// program hands to init() need not be what it was started with, and a child that took itself for the program would
// start children without end.
std::string own_option(int argc, char** argv) {
  const std::vector<std::string> started_with = os::program_arguments();
  for (const std::string& argument :
       {started_with.size() > 1 ? started_with[1] : "", std::string(argc > 1 ? argv[1] : "")}) {
    if (argument.starts_with(internal::kChildArgument) || argument.starts_with(internal::kZygoteArgument))
      return argument;
  }
  return "";
}

}  // namespace

void init(int argc, char** argv) {
  using namespace internal;
  Runtime& self = runtime();
  if (self.initialized.exchange(true)) return;
  self.program = argc > 0 ? argv[0] : "brigade";
  const std::string argument = own_option(argc, argv);
  // Its file was started by another name: /proc/self/exe.
  if (!argument.empty()) os::name_thread(self.program.substr(self.program.find_last_of('/') + 1));
  if (argument.starts_with(kChildArgument)) enter_spawned_child(argument.substr(kChildArgument.size()));
  if (argument.starts_with(kZygoteArgument)) enter_spawned_zygote(argument.substr(kZygoteArgument.size()));
  read_crash_points();
  end_children_at_exit();
  if (os::thread_count() == 1) self.zygote.start_by_clone();
}

bool is_initialized() noexcept { return internal::runtime().initialized; }

}  // namespace brigade
