// SPDX-License-Identifier: MIT
// A class of one's own that has none of cereal's functions either.
// expect: brigade: this type is neither an aggregate nor customised
// expect: Closed
// expect: specialising brigade::Codec<T>
#include <brigade/cereal.hpp>

class Closed {
 public:
  Closed() = default;
  explicit Closed(int number) : number_(number) {}
  int number() const { return number_; }

#ifndef BRIGADE_MUST_NOT_COMPILE
  template <class Archive>
  void serialize(Archive& archive) {
    archive(number_);
  }
#endif

 private:
  int number_ = 0;
};

#ifdef BRIGADE_MUST_NOT_COMPILE
using Thing = Closed;
#else
using Thing = std::unique_ptr<Closed>;
#endif

void send(const Thing& thing);
void send(const Thing& thing) {
  brigade::Encoder encoder;
  brigade::encode(encoder, thing);
}
