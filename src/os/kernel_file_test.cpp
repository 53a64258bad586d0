// SPDX-License-Identifier: MIT
#include "os/kernel_file.hpp"

#include <gtest/gtest.h>
#include <sys/mman.h>

#include <cstddef>
#include <fstream>
#include <span>
#include <sstream>
#include <string>
#include <string_view>
#include <vector>

#include "os/code_of_fork.hpp"
#include "os/fd.hpp"
#include "os/memory.hpp"
#include "os/surroundings.hpp"

namespace brigade::os {
namespace {

TEST(KernelFile, IsReadToItsEnd) {
  std::ifstream file("/proc/self/mountinfo");
  std::ostringstream expected;
  expected << file.rdbuf();
  EXPECT_EQ(read_kernel_file("/proc/self/mountinfo"), expected.str());

  // However long.
  const Fd memory(::memfd_create("test", MFD_CLOEXEC));
  std::string text;
  for (int line = 0; text.size() < 100'000; ++line) text += std::to_string(line) + "\n";
  write_at_start(memory, std::as_bytes(std::span(text)));
  EXPECT_EQ(read_kernel_file(("/proc/self/fd/" + std::to_string(memory.get())).c_str()), text);
}

TEST(KernelFile, ThatCannotBeReadIsNamed) {
  EXPECT_NE(refusal_of([] { read_kernel_file("/proc/no/such"); }).find("open(/proc/no/such)"), std::string::npos);
  EXPECT_NE(refusal_of([] { read_kernel_file("/proc"); }).find("read(/proc)"), std::string::npos);
}

TEST(TakeLine, TakesThemOneByOne) {
  std::string_view text = "a\n\nlast";
  std::vector<std::string> lines;
  for (std::string_view line; take_line(text, line);) lines.emplace_back(line);
  EXPECT_EQ(lines, (std::vector<std::string>{"a", "", "last"}));
}

}  // namespace
}  // namespace brigade::os
