// SPDX-License-Identifier: MIT
// A view inside a value.
// expect: brigade: a view cannot travel
// expect: string_view
#include <string>
#include <string_view>

#include <brigade/codec.hpp>

#ifdef BRIGADE_MUST_NOT_COMPILE
struct Thing {
  int number;
  std::string_view name;
};
#else
struct Thing {
  int number;
  std::string name;
};
#endif

void send(const Thing& thing);
void send(const Thing& thing) {
  brigade::Encoder encoder;
  brigade::encode(encoder, thing);
}
