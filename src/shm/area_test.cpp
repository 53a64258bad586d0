// SPDX-License-Identifier: MIT
#include "shm/area.hpp"

#include <gtest/gtest.h>
#include <sys/stat.h>

#include <algorithm>
#include <cstring>
#include <deque>
#include <random>
#include <vector>

#include "os/memory.hpp"
#include "shm/segment_layout.hpp"

namespace brigade::internal {
namespace {

constexpr std::size_t kBytes = std::size_t{1} << 20U;
constexpr std::size_t kSoft = std::size_t{64} << 10U;

struct Ground {
  explicit Ground(std::size_t bytes = kBytes)
      : file(os::make_memfd("area-test", bytes)),
        mapping(os::Mapping::of(file, 0, bytes, os::Mapping::Access::read_write, os::Mapping::Inherit::no)) {}

  std::size_t resident_bytes() const {
    struct stat status {};
    EXPECT_EQ(0, ::fstat(file.get(), &status));
    return static_cast<std::size_t>(status.st_blocks) * 512;
  }

  os::Fd file;
  os::Mapping mapping;
};

struct Model {
  struct Block {
    std::uint64_t sequence;
    std::uint64_t begin;
    std::size_t bytes;
  };

  // True when the bytes of `a` and `b`, rounded up to lines, share any.
  static bool overlap(const Block& a, const Block& b) {
    return a.begin < b.begin + b.bytes && b.begin < a.begin + a.bytes;
  }

  std::byte mark(const Block& block) const { return static_cast<std::byte>(block.sequence * 131 + 7); }

  void fill(const Area& area, const Block& block) const {
    std::memset(area.at(block.begin), static_cast<int>(mark(block)), block.bytes);
  }

  bool intact(const Area& area, const Block& block) const {
    const std::byte* begin = area.at(block.begin);
    return std::all_of(begin, begin + block.bytes, [&](std::byte b) { return b == mark(block); });
  }

  std::deque<Block> blocks;
};

std::size_t random_size(std::mt19937_64& random) {
  switch (random() % 16) {
    case 0:
      return 1 + random() % kBytes;  // anything that fits at all
    case 1:
      return kSoft / 2 + random() % kSoft;  // around the soft limit
    case 2:
      return 1 + random() % (kSoft / 2);  // the largest that count as ordinary
    default:
      return 1 + random() % 4096;
  }
}

TEST(Area, RandomBlocksNeverOverlapAndStayAlignedAndInBounds) {
  for (std::uint64_t seed = 1; seed <= 10; ++seed) {
    SCOPED_TRACE(seed);
    std::mt19937_64 random(seed);
    const Ground ground;
    Area area(ground.mapping.data(), kBytes, kSoft);
    Model model;
    std::uint64_t sequence = 0;
    std::size_t refused = 0;
    for (int step = 0; step < 4000; ++step) {
      if (random() % 3 != 0) {
        const std::size_t bytes = random_size(random);
        const std::optional<std::uint64_t> begin = area.allocate(sequence + 1, bytes);
        if (!begin) {
          ++refused;
          ASSERT_FALSE(model.blocks.empty()) << "an empty area has room for " << bytes << " bytes";
          continue;
        }
        const Model::Block block{++sequence, *begin, bytes};
        ASSERT_EQ(0U, block.begin % kLine);
        ASSERT_LE(block.begin + block.bytes, kBytes);
        for (const Model::Block& other : model.blocks) {
          ASSERT_FALSE(Model::overlap(block, other))
              << block.begin << "+" << bytes << " and " << other.begin << "+" << other.bytes;
        }
        model.fill(area, block);
        model.blocks.push_back(block);
      } else if (!model.blocks.empty()) {
        const std::size_t freed = 1 + random() % std::min<std::size_t>(model.blocks.size(), 8);
        for (std::size_t i = 0; i < freed; ++i) ASSERT_TRUE(model.intact(area, model.blocks[i]));
        area.release_through(model.blocks[freed - 1].sequence);
        model.blocks.erase(model.blocks.begin(), model.blocks.begin() + static_cast<std::ptrdiff_t>(freed));
      }
      ASSERT_EQ(model.blocks.empty(), area.empty());
      if (area.empty() && random() % 4 == 0) area.trim();
    }
    EXPECT_GT(sequence, 1000U);
    EXPECT_GT(refused, 0U) << "the area was never full: the test is too tame";
  }
}

TEST(Area, OrdinaryBlocksAloneStayWithinTheSoftPart) {
  const Ground ground;
  Area area(ground.mapping.data(), kBytes, kSoft);
  std::mt19937_64 random(5);
  std::uint64_t newest = 0;
  std::uint64_t oldest = 1;
  for (int step = 0; step < 20'000; ++step) {
    const std::size_t bytes = 1 + random() % (kSoft / 2);
    if (const auto begin = area.allocate(newest + 1, bytes)) {
      ++newest;
      ASSERT_LE(*begin + bytes, kSoft);
    } else {
      area.release_through(oldest++);
    }
  }
  EXPECT_LE(ground.resident_bytes(), kSoft);
}

TEST(Area, LargeBlockGoesThroughOnceTheRingHasDrained) {
  const Ground ground;
  Area area(ground.mapping.data(), kBytes, kSoft);
  std::uint64_t sequence = 0;
  while (area.allocate(sequence + 1, 1000)) ++sequence;
  ASSERT_GT(sequence, 30U);
  // A block of the whole area fits when nothing else is there, and not a block earlier.
  EXPECT_FALSE(area.allocate(sequence + 1, kBytes));
  area.release_through(sequence - 1);
  EXPECT_FALSE(area.allocate(sequence + 1, kBytes));
  area.release_through(sequence);
  EXPECT_EQ(std::optional<std::uint64_t>(0), area.allocate(sequence + 1, kBytes));
  EXPECT_FALSE(area.allocate(sequence + 2, 1));
  area.release_through(sequence + 1);
  EXPECT_TRUE(area.empty());
  EXPECT_TRUE(area.allocate(sequence + 2, 1));
}

TEST(Area, LargeBlockGoesBeyondTheSoftPartWhileSmallOnesAreThere) {
  const Ground ground;
  Area area(ground.mapping.data(), kBytes, kSoft);
  ASSERT_TRUE(area.allocate(1, 1000));
  const auto large = area.allocate(2, kBytes / 2);
  ASSERT_TRUE(large);
  EXPECT_GE(*large, 1000U);
  // What comes next takes the room in front once it is free, and never the large block's.
  EXPECT_FALSE(area.allocate(3, 1000));
  area.release_through(1);
  const auto small = area.allocate(3, 1000);
  ASSERT_TRUE(small);
  EXPECT_LE(*small + 1000, *large);
}

TEST(Area, RefusalChangesNothing) {
  const Ground ground;
  Area area(ground.mapping.data(), kBytes, kSoft);
  const auto first = area.allocate(1, 30'000);
  const auto second = area.allocate(2, 30'000);
  ASSERT_TRUE(first && second);
  for (int i = 0; i < 100; ++i) EXPECT_FALSE(area.allocate(3, 30'000));
  area.release_through(2);
  EXPECT_TRUE(area.empty());
  EXPECT_EQ(std::optional<std::uint64_t>(0), area.allocate(3, 30'000));
}

TEST(Area, ARecordThatAsksAgainGivesBackWhatItHad) {
  Ground ground;
  Area area(ground.mapping.data(), kBytes, kSoft);
  ASSERT_TRUE(area.allocate(1, 100));
  const auto first = area.allocate(2, kSoft / 2);
  ASSERT_TRUE(first);
  for (int again = 0; again < 1000; ++again) EXPECT_EQ(area.allocate(2, kSoft / 2), first);
  EXPECT_EQ(area.allocate(2, 10), first);
  area.release_through(2);
  EXPECT_TRUE(area.empty());
}

TEST(Area, RestartsAtZeroWhenEmptySoThatWarmPagesAreUsedAgain) {
  const Ground ground;
  Area area(ground.mapping.data(), kBytes, kSoft);
  for (std::uint64_t i = 1; i <= 1000; ++i) {
    ASSERT_EQ(std::optional<std::uint64_t>(0), area.allocate(i, 3000));
    area.release_through(i);
  }
  EXPECT_LE(ground.resident_bytes(), kSoft);
}

TEST(Area, ReleasingUnknownRecordsFreesThoseBefore) {
  const Ground ground;
  Area area(ground.mapping.data(), kBytes, kSoft);
  // Records 2 and 4 hold bytes, the others lay in their slots.
  ASSERT_TRUE(area.allocate(2, 100));
  ASSERT_TRUE(area.allocate(4, 100));
  area.release_through(1);
  EXPECT_FALSE(area.empty());
  area.release_through(3);
  EXPECT_FALSE(area.empty());
  area.release_through(3);
  EXPECT_FALSE(area.empty());
  area.release_through(100);
  EXPECT_TRUE(area.empty());
}

TEST(Area, TrimGivesBackWhatLargeBlocksTook) {
  const Ground ground;
  Area area(ground.mapping.data(), kBytes, kSoft);
  ASSERT_EQ(std::optional<std::uint64_t>(0), area.allocate(1, kBytes));
  std::memset(area.at(0), 0x5a, kBytes);
  ASSERT_GE(ground.resident_bytes(), kBytes);
  area.trim();  // not empty: nothing happens
  EXPECT_GE(ground.resident_bytes(), kBytes);
  EXPECT_EQ(std::byte{0x5a}, *area.at(kBytes - 1));
  area.release_through(1);
  area.trim();
  EXPECT_LE(ground.resident_bytes(), kSoft);
  // What was given back is made present again for the next one.
  ASSERT_EQ(std::optional<std::uint64_t>(0), area.allocate(2, kBytes));
  EXPECT_GE(ground.resident_bytes(), kBytes);
  EXPECT_EQ(std::byte{0}, *area.at(kBytes - 1));
}

TEST(Area, CommitsOnlyWhatIsUsed) {
  constexpr std::size_t kReserved = std::size_t{4} << 30U;
  const Ground ground(kReserved);
  Area area(ground.mapping.data(), kReserved, kSoft);
  ASSERT_TRUE(area.allocate(1, 100));
  EXPECT_LE(ground.resident_bytes(), kSoft);
}

TEST(Area, KnowsWhatCanNeverFit) {
  const Ground ground;
  const Area area(ground.mapping.data(), kBytes, kSoft);
  EXPECT_TRUE(area.can_ever_hold(0));
  EXPECT_TRUE(area.can_ever_hold(kBytes));
  EXPECT_FALSE(area.can_ever_hold(kBytes + 1));
  EXPECT_FALSE(area.can_ever_hold(static_cast<std::size_t>(-1)));
}

}  // namespace
}  // namespace brigade::internal
