// SPDX-License-Identifier: MIT
// A plugin of a few bytes; each build of it gives another answer.
#include <stdexcept>

extern "C" int BRIGADE_TEST_PLUGIN_FUNCTION(int number);
extern "C" int BRIGADE_TEST_PLUGIN_FUNCTION(int number) {
  if (number < 0) throw std::out_of_range("no answer to that");
  return BRIGADE_TEST_PLUGIN_ANSWER + number;
}
