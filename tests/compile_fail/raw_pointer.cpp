// SPDX-License-Identifier: MIT
// A pointer is an address of this process only.
// expect: brigade: a raw pointer cannot travel
// expect: int
#include <brigade/codec.hpp>

#ifdef BRIGADE_MUST_NOT_COMPILE
using Thing = int*;
#else
using Thing = int;
#endif

void send(const Thing& thing);
void send(const Thing& thing) {
  brigade::Encoder encoder;
  brigade::encode(encoder, thing);
}
