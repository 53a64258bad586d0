// SPDX-License-Identifier: MIT
// Values of more than 4 GiB, there and back: nothing counts bytes with 32 bits.
#include <gtest/gtest.h>

#include <brigade/process_pool_executor.hpp>
#include <cstddef>
#include <cstdint>
#include <fstream>
#include <span>
#include <string>
#include <vector>

namespace brigade {
namespace {

constexpr std::size_t kBytes = (std::size_t{4} << 30) + 4097;

std::size_t available_gib() {
  std::ifstream file("/proc/meminfo");
  std::string name;
  std::size_t kib = 0;
  for (std::string unit; file >> name >> kib; std::getline(file, unit)) {
    if (name == "MemAvailable:") return kib >> 20;
  }
  return 0;
}

// Marks at the ends and around 4 GiB; looking at every byte would take longer than sending them.
const std::size_t kMarked[] = {0, (std::size_t{4} << 30) - 1, std::size_t{4} << 30, kBytes - 1};

std::vector<std::uint8_t> marked_bytes() {
  std::vector<std::uint8_t> bytes(kBytes);
  std::uint8_t mark = 1;
  for (const std::size_t at : kMarked) bytes[at] = mark++;
  return bytes;
}

bool is_marked(std::span<const std::uint8_t> bytes) {
  if (bytes.size() != kBytes) return false;
  std::uint8_t mark = 1;
  for (const std::size_t at : kMarked) {
    if (bytes[at] != mark++) return false;
  }
  return true;
}

TEST(LargePayload, OfMoreThan4GiBIsAnArgument) {
  if (available_gib() < 10) GTEST_SKIP() << "needs 10 GiB of memory";
  ProcessPoolExecutor executor(1);
  const std::vector<std::uint8_t> bytes = marked_bytes();
  EXPECT_TRUE(executor.submit(is_marked, bytes).result());
  EXPECT_EQ(executor.submit([] { return 1; }).result(), 1);
}

TEST(LargePayload, OfMoreThan4GiBIsAResult) {
  if (available_gib() < 18) GTEST_SKIP() << "needs 18 GiB of memory";
  ProcessPoolExecutor executor(1);
  EXPECT_TRUE(is_marked(executor.submit(marked_bytes).result()));
  EXPECT_EQ(executor.submit([] { return 1; }).result(), 1);
}

}  // namespace
}  // namespace brigade
