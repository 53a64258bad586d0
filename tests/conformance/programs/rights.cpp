// SPDX-License-Identifier: MIT
// A program that changes what it may do after init(), and starts processes: rights SCENE METHOD FILE. They write to FILE.
#include <grp.h>
#include <linux/capability.h>
#include <sys/prctl.h>
#include <sys/resource.h>
#include <sys/syscall.h>
#include <sys/types.h>
#include <unistd.h>

#include <array>
#include <map>
#include <string>
#include <utility>
#include <vector>

#include <brigade/brigade.hpp>

#include "conformance/observation.hpp"

// The leak checker cannot do without the rights that it gives up.
extern "C" int __lsan_is_turned_off();
extern "C" int __lsan_is_turned_off() { return 1; }

namespace {

using brigade::Process;
using observation::append_line;

constexpr uid_t kNobody = 65534;

template <class F, class... Args>
int run(const std::string& method, F function, Args&&... args) {
  Process process({.context = brigade::get_context(method)}, function, std::forward<Args>(args)...);
  process.start();
  process.join();
  return process.exitcode().value();
}

std::string ids(const char* name, int (*get)(uid_t*, uid_t*, uid_t*)) {
  uid_t real = 0;
  uid_t effective = 0;
  uid_t saved = 0;
  get(&real, &effective, &saved);
  return std::string(name) + " " + std::to_string(real) + " " + std::to_string(effective) + " " + std::to_string(saved);
}

void write_rights(const std::string& path) {
  std::string line = ids("uid", ::getresuid) + " " + ids("gid", ::getresgid);
  std::array<gid_t, 64> groups{};
  const int count = ::getgroups(static_cast<int>(groups.size()), groups.data());
  line += " groups " + std::to_string(count);
  for (int i = 0; i < count; ++i) line += " " + std::to_string(groups[static_cast<std::size_t>(i)]);
  const bool again = ::setuid(0) == 0 || ::seteuid(0) == 0 || ::setgid(0) == 0;
  line += std::string(" root again ") + (again ? "yes" : "no");
  append_line(path, line);
}

int drop(const std::string& method, const std::string& path) {
  if (run(method, [] {}) != 0) return 90;  // a spare with the old rights lies ready now
  const gid_t nobody = kNobody;
  if (::setgroups(1, &nobody) != 0 || ::setresgid(kNobody, kNobody, kNobody) != 0 ||
      ::setresuid(kNobody, kNobody, kNobody) != 0) {
    return 91;
  }
  return run(method, write_rights, path) + run(method, write_rights, path);
}

int effective(const std::string& method, const std::string& path) {
  if (run(method, [] {}) != 0) return 90;
  if (::seteuid(kNobody) != 0) return 91;
  const auto write = [](const std::string& file) { append_line(file, ids("uid", ::getresuid)); };
  return run(method, write, path) + run(method, write, path);
}

int no_new_privs(const std::string& method, const std::string& path) {
  if (run(method, [] {}) != 0) return 90;
  if (::prctl(PR_SET_NO_NEW_PRIVS, 1, 0, 0, 0) != 0) return 91;
  return run(
      method,
      [](const std::string& file) {
        append_line(file, "no new privileges " + std::to_string(::prctl(PR_GET_NO_NEW_PRIVS, 0, 0, 0, 0)));
      },
      path);
}

int capability(const std::string& method, const std::string& path) {
  if (run(method, [] {}) != 0) return 90;
  if (::prctl(PR_CAPBSET_DROP, CAP_CHOWN, 0, 0, 0) != 0) return 91;
  // Out of what it may have now as well: a process that kept it could not be made anew.
  __user_cap_header_struct header{_LINUX_CAPABILITY_VERSION_3, 0};
  __user_cap_data_struct sets[_LINUX_CAPABILITY_U32S_3]{};
  if (::syscall(SYS_capget, &header, sets) != 0) return 92;
  sets[0].permitted &= ~(1U << CAP_CHOWN);
  sets[0].effective &= ~(1U << CAP_CHOWN);
  if (::syscall(SYS_capset, &header, sets) != 0) return 93;
  return run(
      method,
      [](const std::string& file) {
        append_line(file, "chown in the bounding set " + std::to_string(::prctl(PR_CAPBSET_READ, CAP_CHOWN, 0, 0, 0)));
      },
      path);
}

int priority(const std::string& method, const std::string& path) {
  if (run(method, [] {}) != 0) return 90;
  if (::setpriority(PRIO_PROCESS, 0, 17) != 0) return 91;
  const auto write = [](const std::string& file) {
    append_line(file, "nice " + std::to_string(::getpriority(PRIO_PROCESS, 0)));
  };
  write(path);
  return run(method, write, path);
}

const std::map<std::string, int (*)(const std::string&, const std::string&)> kScenes{
    {"drop", drop},         {"effective", effective}, {"no_new_privs", no_new_privs}, {"capability", capability},
    {"priority", priority},
};

}  // namespace

int main(int argc, char** argv) {
  brigade::init(argc, argv);
  if (argc != 4) return 99;
  return kScenes.at(argv[1])(argv[2], argv[3]);
}
