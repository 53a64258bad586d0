// SPDX-License-Identifier: MIT
// A reference refers to nothing elsewhere.
// expect: brigade: a reference cannot travel
// expect: const std::
#include <string>

#include <brigade/codec.hpp>

#ifdef BRIGADE_MUST_NOT_COMPILE
struct Thing {
  int number;
  const std::string& name;
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
