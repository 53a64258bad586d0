// SPDX-License-Identifier: MIT
// Functions travel by name: by the file they are in and their place in it, never by address. So a function that was
// chosen at run time arrives in a process that was started anew, too, where everything lies at other addresses.
#include <brigade/brigade.hpp>

#include <algorithm>
#include <cctype>
#include <cstdio>
#include <map>
#include <string>
#include <vector>

using Function = std::string (*)(const std::string&);

std::string upper(const std::string& text) {
  std::string result;
  for (const char c : text) result += static_cast<char>(std::toupper(c));
  return result;
}

std::string backwards(const std::string& text) { return {text.rbegin(), text.rend()}; }

std::string apply_all(const std::vector<Function>& functions, std::string text) {
  for (const Function function : functions) text = function(text);
  return text;
}

int main(int argc, char** argv) {
  brigade::init(argc, argv);
  const std::map<std::string, Function> menu{
      {"upper", upper}, {"backwards", backwards}, {"twice", [](const std::string& text) { return text + text; }}};

  brigade::Pool pool({.processes = 1, .context = brigade::get_context("spawn")});
  for (const auto& [name, function] : menu) {
    std::printf("%s: %s\n", name.c_str(), pool.apply(function, "crew").c_str());
  }
  const std::vector<Function> chosen{menu.at("twice"), menu.at("upper")};  // functions are values in others, too
  std::printf("twice, then upper: %s\n", pool.apply(apply_all, chosen, "crew").c_str());
}
