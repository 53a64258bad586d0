// SPDX-License-Identifier: MIT
// An aggregate with a base class.
// expect: brigade: an aggregate with a base class is not taken apart
// expect: Derived
#include <brigade/codec.hpp>

struct Base {
  int number;
};

#ifdef BRIGADE_MUST_NOT_COMPILE
struct Derived : Base {
  int more;
};
using Thing = Derived;
#else
struct Composed {
  Base base;
  int more;
};
using Thing = Composed;
#endif

void send(const Thing& thing);
void send(const Thing& thing) {
  brigade::Encoder encoder;
  brigade::encode(encoder, thing);
}
