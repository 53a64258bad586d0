// SPDX-License-Identifier: MIT
// The main of every test program: brigade::init first, since workers enter there and never return, so that
// no worker ever runs a test a second time.
#include <gtest/gtest.h>
#include <brigade/init.hpp>

int main(int argc, char** argv) {
  brigade::init(argc, argv);
  testing::InitGoogleTest(&argc, argv);
  return RUN_ALL_TESTS();
}
