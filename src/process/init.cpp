// SPDX-License-Identifier: MIT
#include <brigade/init.hpp>

#include <string>

#include "os/clone.hpp"
#include "os/surroundings.hpp"
#include "process/child_main.hpp"
#include "process/runtime.hpp"
#include "shm/crash_point.hpp"

namespace brigade {

void init(int argc, char** argv) {
  using namespace internal;
  Runtime& self = runtime();
  if (self.initialized.exchange(true)) return;
  self.program = argc > 0 ? argv[0] : "brigade";
  const std::string argument = argc > 1 ? argv[1] : "";
  if (argument.starts_with(kChildArgument)) enter_spawned_child(argument.substr(kChildArgument.size()));
  if (argument.starts_with(kZygoteArgument)) {
    const int socket = std::stoi(argument.substr(kZygoteArgument.size()));
    os::set_close_on_exec(socket);
    serve_as_zygote(socket, os::parent_process_id());
  }
  read_crash_points();
  if (os::thread_count() == 1) self.zygote.start_by_clone();
}

bool is_initialized() noexcept { return internal::runtime().initialized; }

}  // namespace brigade
