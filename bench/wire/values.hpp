// SPDX-License-Identifier: MIT
#pragma once
// What bench_wire sends: the same values in every run.

#include <cstddef>
#include <cstdint>
#include <map>
#include <random>
#include <string>
#include <utility>
#include <vector>

namespace bench {

struct Node {
  std::string name;
  std::int32_t id = 0;
  double weight = 0;
  std::map<std::string, std::int32_t> counts;
  std::vector<Node> children;

  friend bool operator==(const Node&, const Node&) = default;
};

inline std::string make_text(std::mt19937& random, std::size_t least, std::size_t most) {
  std::string text(std::uniform_int_distribution<std::size_t>(least, most)(random), ' ');
  for (char& c : text) c = static_cast<char>(std::uniform_int_distribution<int>('a', 'z')(random));
  return text;
}

template <class Number>
std::vector<Number> make_numbers(std::size_t count) {
  std::mt19937_64 random(1);
  std::vector<Number> numbers(count);
  for (Number& number : numbers) number = static_cast<Number>(random());
  return numbers;
}

inline std::vector<std::string> make_strings(std::size_t count) {
  std::mt19937 random(1);
  std::vector<std::string> strings;
  for (std::size_t i = 0; i < count; ++i) strings.push_back(make_text(random, 8, 40));
  return strings;
}

// `levels` below the root, each node with `children`.
inline Node make_tree(std::mt19937& random, int levels, int children) {
  Node node{.name = make_text(random, 8, 40),
            .id = static_cast<std::int32_t>(random()),
            .weight = static_cast<double>(random()),
            .counts = {},
            .children = {}};
  for (int i = 0; i < 3; ++i) node.counts.emplace(make_text(random, 4, 12), static_cast<std::int32_t>(random()));
  for (int i = 0; levels > 0 && i < children; ++i) node.children.push_back(make_tree(random, levels - 1, children));
  return node;
}

inline std::size_t count_nodes(const Node& node) {
  std::size_t nodes = 1;
  for (const Node& child : node.children) nodes += count_nodes(child);
  return nodes;
}

}  // namespace bench
