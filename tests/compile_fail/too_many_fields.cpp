// SPDX-License-Identifier: MIT
// More fields than are taken apart.
// expect: brigade: an aggregate of more than 64 fields is not taken apart
// expect: Many
#include <string>

#include <brigade/codec.hpp>

#ifdef BRIGADE_MUST_NOT_COMPILE
struct Many {
  std::string f0;
  int f1, f2, f3, f4, f5, f6, f7, f8, f9, f10, f11, f12, f13, f14, f15, f16, f17, f18, f19, f20, f21, f22, f23, f24,
      f25, f26, f27, f28, f29, f30, f31, f32, f33, f34, f35, f36, f37, f38, f39, f40, f41, f42, f43, f44, f45, f46, f47,
      f48, f49, f50, f51, f52, f53, f54, f55, f56, f57, f58, f59, f60, f61, f62, f63, f64;
};
using Thing = Many;
#else
struct Half {
  std::string f0;
  int f1, f2, f3, f4, f5, f6, f7, f8, f9, f10, f11, f12, f13, f14, f15, f16, f17, f18, f19, f20, f21, f22, f23, f24,
      f25, f26, f27, f28, f29, f30, f31, f32, f33, f34, f35, f36, f37, f38, f39, f40, f41, f42, f43, f44, f45, f46, f47,
      f48, f49, f50, f51, f52, f53, f54, f55, f56, f57, f58, f59, f60, f61, f62, f63;
};
struct Two {
  Half half;
  int f64;
};
using Thing = Two;
#endif

void send(const Thing& thing);
void send(const Thing& thing) {
  brigade::Encoder encoder;
  brigade::encode(encoder, thing);
}
