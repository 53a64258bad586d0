// SPDX-License-Identifier: MIT
#pragma once
// The name of a type as the compiler writes it, at compile time.

#include <string_view>

namespace brigade::internal {

template <class T>
constexpr std::string_view type_name() {
  // "... type_name() [with T = int; std::string_view = ...]" (gcc), "... type_name() [T = int]" (clang)
  constexpr std::string_view kSignature = __PRETTY_FUNCTION__;
  constexpr std::string_view kBefore = "T = ";
  constexpr std::size_t kBegin = kSignature.find(kBefore) + kBefore.size();
  constexpr std::size_t kAlias = kSignature.rfind("; std::string_view");
  constexpr std::size_t kEnd = kAlias == std::string_view::npos ? kSignature.rfind(']') : kAlias;
  return kSignature.substr(kBegin, kEnd - kBegin);
}

}  // namespace brigade::internal
