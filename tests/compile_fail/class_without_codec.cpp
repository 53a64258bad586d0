// SPDX-License-Identifier: MIT
// A class of one's own that is no aggregate.
// expect: brigade: this type is neither an aggregate nor customised
// expect: Closed
// expect: specialising brigade::Codec<T>
#include <brigade/codec.hpp>

class Closed {
 public:
  explicit Closed(int number) : number_(number) {}
  int number() const { return number_; }

 private:
  int number_;
};

#ifdef BRIGADE_MUST_NOT_COMPILE
using Thing = Closed;
#else
template <>
struct brigade::Codec<Closed> {
  static void encode(Encoder& encoder, const Closed& closed) { brigade::encode(encoder, closed.number()); }
  static Closed decode(Decoder& decoder) { return Closed(brigade::decode<int>(decoder)); }
};
using Thing = Closed;
#endif

void send(const Thing& thing);
void send(const Thing& thing) {
  brigade::Encoder encoder;
  brigade::encode(encoder, thing);
}
