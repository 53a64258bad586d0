// SPDX-License-Identifier: MIT
// What a forked copy changes in an element is changed nowhere else.
// expect: brigade: fork_map calls its function with one constant element
// expect: Item
#include <vector>

#include <brigade/fork_map.hpp>

struct Item {
  int value;
};

int main() {
  std::vector<Item> items(1);
#ifdef BRIGADE_MUST_NOT_COMPILE
  brigade::fork_map([](Item& item) { item.value = 1; }, items);
#else
  brigade::fork_map([](const Item& item) { return item.value; }, items);
#endif
}
