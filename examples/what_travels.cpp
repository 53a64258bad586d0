// SPDX-License-Identifier: MIT
// What may be an argument or a result: values, and what is made of them. What may not is refused by the compiler.
#include <brigade/brigade.hpp>

#include <cmath>
#include <cstdio>
#include <fstream>
#include <functional>
#include <map>
#include <memory>
#include <mutex>
#include <numbers>
#include <optional>
#include <string>
#include <thread>
#include <tuple>
#include <variant>
#include <vector>

struct Dish {
  std::string name;
  std::map<std::string, double> ingredients;
  std::optional<int> stars;

  bool operator==(const Dish&) const = default;
};

template <class T>
T echo(const T& value) {
  return value;
}

template <class T>
void send(brigade::Pool& pool, const char* what, const T& value) {
  std::printf("%s: %s\n", what, pool.apply(echo<T>, value) == value ? "back as it went" : "changed");
}

double call(double (*function)(double), double x) { return function(x); }

// A pointer and an open file mean nothing elsewhere, a lock or a thread cannot be in two places.
static_assert(!brigade::Sendable<int*>);
static_assert(!brigade::Sendable<std::ifstream>);
static_assert(!brigade::Sendable<std::mutex>);
static_assert(!brigade::Sendable<std::thread>);
static_assert(!brigade::Sendable<std::function<void()>>);  // nobody knows what is in it

int main(int argc, char** argv) {
  brigade::init(argc, argv);
  brigade::Pool pool(1);
  send(pool, "a number", 42);
  send(pool, "a constant", std::numbers::pi);
  send(pool, "text", std::string("forty-two"));
  send(pool, "a list", std::vector<int>{1, 2, 3});
  send(pool, "a dictionary", std::map<std::string, std::vector<int>>{{"odd", {1, 3}}, {"even", {2}}});
  send(pool, "a tuple", std::tuple(1, 2.5, std::string("three")));
  send(pool, "one of several", std::variant<int, std::string>("this one"));
  send(pool, "a struct", Dish{"pancakes", {{"flour", 0.25}, {"milk", 0.5}}, 3});
  std::printf("a function: the root of 2 is %.4f\n",
              pool.apply(call, brigade::overload<double(double)>(std::sqrt), 2.0));
  std::printf("what a pointer owns: %d\n", *pool.apply([](int n) { return std::make_unique<int>(n); }, 7));
}
