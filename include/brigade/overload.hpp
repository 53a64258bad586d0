// SPDX-License-Identifier: MIT
#pragma once
// Chooses one of several functions of a name, which a template cannot do by itself:
//
//     pool.map(brigade::overload<double(double)>(std::sqrt), numbers);

namespace brigade {

template <class Signature>
constexpr Signature* overload(Signature* function) noexcept {
  return function;
}

}  // namespace brigade
