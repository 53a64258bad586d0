// SPDX-License-Identifier: MIT
#include "os/identity.hpp"

#include <grp.h>
#include <linux/capability.h>
#include <sys/auxv.h>
#include <sys/fsuid.h>
#include <sys/prctl.h>
#include <sys/syscall.h>
#include <unistd.h>

#include <algorithm>
#include <array>
#include <charconv>
#include <cstdint>
#include <optional>
#include <vector>

#include "os/error.hpp"
#include "os/kernel_file.hpp"

namespace brigade::os {

namespace {

// An older kernel lacks some of the last.
constexpr std::array<std::string_view, 11> kRights{"Uid",        "Gid",     "Groups",         "CapInh",
                                                   "CapPrm",     "CapEff",  "CapBnd",         "CapAmb",
                                                   "NoNewPrivs", "Seccomp", "Seccomp_filters"};

std::string_view name_of(std::string_view line) { return line.substr(0, line.find(':')); }

// Behind "name:\t".
std::string_view value_of_line(std::string_view line) { return line.substr(std::min(line.find(':') + 2, line.size())); }

std::string_view value_of(std::string_view text, std::string_view name) {
  for (std::string_view line; take_line(text, line);) {
    if (name_of(line) == name) return value_of_line(line);
  }
  return {};
}

template <class Number>
std::vector<Number> numbers_of(std::string_view value, int base) {
  std::vector<Number> numbers;
  for (;;) {
    value.remove_prefix(std::min(value.find_first_not_of("\t "), value.size()));
    Number number{};
    const auto [stop, error] = std::from_chars(value.data(), value.data() + value.size(), number, base);
    if (error != std::errc()) return numbers;
    numbers.push_back(number);
    value.remove_prefix(static_cast<std::size_t>(stop - value.data()));
  }
}

// "CapEff is 00000000a80425fb and not 0000000000000000".
std::string difference(std::string_view have, std::string_view wanted) {
  for (const std::string_view name : kRights) {
    const std::string_view is = value_of(have, name);
    const std::string_view should = value_of(wanted, name);
    if (is == should) continue;
    std::string text = std::string(name) + " is " + std::string(is) + " and not " + std::string(should);
    std::ranges::replace(text, '\t', ' ');
    return text;
  }
  return "the names of the rights are not the kernel's";
}

// ---- each of these leaves it to the comparison at the end to find what the kernel has refused ----

void take_on_groups(std::string_view have, std::string_view wanted) {
  const std::string_view groups = value_of(wanted, "Groups");
  if (value_of(have, "Groups") == groups) return;
  const std::vector<gid_t> ids = numbers_of<gid_t>(groups, 10);
  [[maybe_unused]] const int result = ::setgroups(ids.size(), ids.data());
}

// Real, effective, saved and that for files, which follows the effective one unless it is set after it.
void take_on_group(std::string_view wanted) {
  const std::vector<gid_t> ids = numbers_of<gid_t>(value_of(wanted, "Gid"), 10);
  if (ids.size() != 4) return;
  [[maybe_unused]] const int result = ::setresgid(ids[0], ids[1], ids[2]);
  if (ids[3] != ids[1]) ::setfsgid(ids[3]);
}

void take_on_user(std::string_view wanted) {
  const std::vector<uid_t> ids = numbers_of<uid_t>(value_of(wanted, "Uid"), 10);
  if (ids.size() != 4) return;
  [[maybe_unused]] const int result = ::setresuid(ids[0], ids[1], ids[2]);
  if (ids[3] != ids[1]) ::setfsuid(ids[3]);
}

void take_on_capabilities(std::string_view wanted) {
  __user_cap_header_struct header{_LINUX_CAPABILITY_VERSION_3, 0};
  __user_cap_data_struct sets[_LINUX_CAPABILITY_U32S_3]{};
  const auto fill = [&](std::string_view name, __u32 __user_cap_data_struct::*set) {
    const std::vector<std::uint64_t> bits = numbers_of<std::uint64_t>(value_of(wanted, name), 16);
    if (bits.empty()) return;
    sets[0].*set = static_cast<__u32>(bits[0]);
    sets[1].*set = static_cast<__u32>(bits[0] >> 32U);
  };
  fill("CapPrm", &__user_cap_data_struct::permitted);
  fill("CapEff", &__user_cap_data_struct::effective);
  fill("CapInh", &__user_cap_data_struct::inheritable);
  ::syscall(SYS_capset, &header, sets);
}

}  // namespace

Identity parse_identity(std::string_view status) {
  Identity identity;
  identity.credentials.reserve(512);
  bool umask = false;
  bool caught = false;
  for (std::string_view line; take_line(status, line);) {
    const std::string_view name = name_of(line);
    if (name == "Umask") {
      const std::string_view value = value_of_line(line);
      umask = std::from_chars(value.data(), value.data() + value.size(), identity.umask, 8).ec == std::errc();
    } else if (name == "SigCgt") {
      const std::string_view value = value_of_line(line);
      caught =
          std::from_chars(value.data(), value.data() + value.size(), identity.caught_signals, 16).ec == std::errc();
    } else if (std::ranges::find(kRights, name) != kRights.end()) {
      identity.credentials.append(line).append("\n");
    }
  }
  if (!umask || !caught || identity.credentials.empty()) {
    throw_errno("the kernel does not tell umask, signals and rights", ENOTSUP);
  }
  return identity;
}

Identity read_identity() { return parse_identity(read_kernel_file("/proc/thread-self/status")); }

bool has_rights_of_its_file() noexcept { return ::getauxval(AT_SECURE) != 0; }

void give_up_rights_of_its_file() {
  uid_t user = 0;
  gid_t group = 0;
  uid_t ignored_user = 0;
  gid_t ignored_group = 0;
  check(::getresuid(&user, &ignored_user, &ignored_user), "getresuid");
  check(::getresgid(&group, &ignored_group, &ignored_group), "getresgid");
  check(::setresgid(group, group, group), "setresgid");
  check(::setresuid(user, user, user), "setresuid");
  if (user == 0) return;
  __user_cap_header_struct header{_LINUX_CAPABILITY_VERSION_3, 0};
  const __user_cap_data_struct none[_LINUX_CAPABILITY_U32S_3]{};
  check(::syscall(SYS_capset, &header, none), "capset");
}

void take_on_credentials(std::string_view wanted) {
  const std::string have = read_identity().credentials;
  if (have == wanted) return;
  // The user last: root may set the others. Its capabilities would go with it, those wanted among them.
  take_on_groups(have, wanted);
  take_on_group(wanted);
  ::prctl(PR_SET_KEEPCAPS, 1, 0, 0, 0);
  take_on_user(wanted);
  take_on_capabilities(wanted);
  ::prctl(PR_SET_KEEPCAPS, 0, 0, 0, 0);
  const std::string now = read_identity().credentials;
  if (now != wanted) throw_errno(("cannot take on the parent's rights: " + difference(now, wanted)).c_str(), EPERM);
}

}  // namespace brigade::os
