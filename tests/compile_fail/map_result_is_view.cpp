// SPDX-License-Identifier: MIT
// The result of a map is checked like any other.
// expect: brigade: a view cannot travel
// expect: string_view
#include <string>
#include <string_view>
#include <vector>

#include <brigade/pool.hpp>

int main() {
#ifdef BRIGADE_MUST_NOT_COMPILE
  brigade::Pool pool(1);
  pool.map([](const std::string& text) { return std::string_view(text); }, std::vector<std::string>{"a"});
#else
  brigade::Pool pool(1);
  pool.map([](const std::string& text) { return text; }, std::vector<std::string>{"a"});
#endif
}
