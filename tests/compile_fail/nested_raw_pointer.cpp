// SPDX-License-Identifier: MIT
// The pointer is named, however deep it is, and what it is in.
// expect: brigade: a raw pointer cannot travel
// expect: Leaf*
#include <map>
#include <memory>
#include <optional>
#include <string>
#include <vector>

#include <brigade/codec.hpp>

struct Leaf {
  int value;
};

#ifdef BRIGADE_MUST_NOT_COMPILE
struct Order {
  std::map<std::string, std::vector<std::optional<Leaf*>>> leaves;
};
using Thing = std::vector<Order>;
#else
struct Order {
  std::map<std::string, std::vector<std::optional<std::unique_ptr<Leaf>>>> leaves;
};
using Thing = std::vector<Order>;
#endif

void send(const Thing& thing);
void send(const Thing& thing) {
  brigade::Encoder encoder;
  brigade::encode(encoder, thing);
}
