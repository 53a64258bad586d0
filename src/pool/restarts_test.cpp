// SPDX-License-Identifier: MIT
#include "pool/restarts.hpp"

#include <gtest/gtest.h>

namespace brigade::internal {
namespace {

using namespace std::chrono_literals;

class RestartsTest : public testing::Test {
 protected:
  Restarts restarts_;
  Restarts::Time now_{1h};
};

TEST_F(RestartsTest, ArePossibleAtFirst) {
  EXPECT_TRUE(restarts_.allowed(now_));
  EXPECT_FALSE(restarts_.are_hopeless());
}

TEST_F(RestartsTest, PauseLongerAndLongerUpToASecond) {
  auto expected = 10ms;
  for (std::uint64_t id = 2; id < 20; ++id) {
    restarts_.died_without_work(id, now_);
    EXPECT_FALSE(restarts_.allowed(now_ + expected - 1ms)) << id;
    EXPECT_TRUE(restarts_.allowed(now_ + expected)) << id;
    expected = std::min(2 * expected, std::chrono::milliseconds(1s));
  }
}

TEST_F(RestartsTest, BecomeHopelessWithTheThirdDeathInARow) {
  restarts_.died_without_work(2, now_);
  restarts_.died_without_work(3, now_);
  EXPECT_FALSE(restarts_.are_hopeless());
  restarts_.died_without_work(4, now_);
  EXPECT_TRUE(restarts_.are_hopeless());
}

TEST_F(RestartsTest, GoOnAtOnceWhenOneThatWasStartedSinceHasWorked) {
  restarts_.died_without_work(2, now_);
  restarts_.died_without_work(3, now_);
  restarts_.worked(3);
  EXPECT_TRUE(restarts_.allowed(now_));
  restarts_.died_without_work(5, now_);
  EXPECT_EQ(1U, restarts_.deaths_without_work());
}

TEST_F(RestartsTest, DoNotMindWorkOfThoseThatWereThereBefore) {
  restarts_.died_without_work(3, now_);
  restarts_.worked(1);
  EXPECT_FALSE(restarts_.allowed(now_));
  restarts_.died_without_work(4, now_);
  restarts_.worked(1);
  restarts_.died_without_work(5, now_);
  EXPECT_TRUE(restarts_.are_hopeless());
}

TEST_F(RestartsTest, AreHopelessWhenTheSystemRefusesSevenTimesInARow) {
  for (int i = 0; i < 6; ++i) restarts_.refused(now_);
  EXPECT_FALSE(restarts_.are_hopeless());
  EXPECT_FALSE(restarts_.allowed(now_));
  restarts_.started();
  restarts_.refused(now_);
  EXPECT_FALSE(restarts_.are_hopeless());
  EXPECT_TRUE(restarts_.allowed(now_ + 10ms));
  for (int i = 0; i < 6; ++i) restarts_.refused(now_);
  EXPECT_TRUE(restarts_.are_hopeless());
}

}  // namespace
}  // namespace brigade::internal
