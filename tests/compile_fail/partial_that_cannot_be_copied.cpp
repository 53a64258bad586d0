// SPDX-License-Identifier: MIT
// A map keeps its function: what owns something must be handed over.
// expect: Hand it over with std::move
#include <memory>
#include <utility>
#include <vector>

#include <brigade/partial.hpp>
#include <brigade/pool.hpp>

int add(const std::unique_ptr<int>& a, int b);
int add(const std::unique_ptr<int>& a, int b) { return *a + b; }

int main() {
  brigade::Pool pool;
  auto add_one = brigade::partial(&add, std::make_unique<int>(1));
#ifdef BRIGADE_MUST_NOT_COMPILE
  pool.map(add_one, std::vector{1, 2});
#else
  pool.map(std::move(add_one), std::vector{1, 2});
#endif
}
