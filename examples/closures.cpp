// SPDX-License-Identifier: MIT
// A closure over a table that cannot travel, called for each word in forked copies of the program.
#include <brigade/brigade.hpp>

#include <cstdio>
#include <map>
#include <memory>
#include <mutex>
#include <stdexcept>
#include <string>
#include <vector>

struct Dictionary {
  std::mutex mutex;
  std::map<std::string, std::unique_ptr<std::string>> entries;
};

int main(int argc, char** argv) {
  brigade::init(argc, argv);
  Dictionary dictionary;
  dictionary.entries["bread"] = std::make_unique<std::string>("pain");
  dictionary.entries["cheese"] = std::make_unique<std::string>("fromage");

  int lookups = 0;
  const auto translate = [&](const std::string& word) {
    const std::lock_guard lock(dictionary.mutex);
    ++lookups;
    return *dictionary.entries.at(word);
  };
  const std::vector<std::string> words{"cheese", "bread", "cheese"};
  const std::vector<std::string> translated = brigade::fork_map(translate, words, {.processes = 2});
  for (std::size_t i = 0; i < words.size(); ++i) std::printf("%s: %s\n", words[i].c_str(), translated[i].c_str());
  std::printf("lookups seen here: %d\n", lookups);

  try {
    brigade::fork_map(translate, std::vector<std::string>{"bread", "wine"});
  } catch (const std::out_of_range&) {
    std::printf("wine: not in the dictionary\n");
  }
}
