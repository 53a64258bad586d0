// SPDX-License-Identifier: MIT
#pragma once
// The fields of an aggregate by their number, written out, because C++20 cannot bind a list of names. Read the
// case of 2; the others are the same text.
//
//   visit(v, f)  f(TypeList<declared types...>{}, fields...): a declared type may be a reference or an array

#include <cstddef>

// clang-format off
namespace brigade::internal {

template <class... T>
struct TypeList {};

template <std::size_t Count>
struct FieldBindings;

template <>
struct FieldBindings<0> {
  template <class T, class F> static constexpr decltype(auto) visit(T&, F&& f) {
    return f(TypeList<>{});
  }
};
template <>
struct FieldBindings<1> {
  template <class T, class F> static constexpr decltype(auto) visit(T& v, F&& f) {
    auto& [f0] = v;
    return f(TypeList<decltype(f0)>{}, f0);
  }
};
template <>
struct FieldBindings<2> {
  template <class T, class F> static constexpr decltype(auto) visit(T& v, F&& f) {
    auto& [f0, f1] = v;
    return f(TypeList<decltype(f0), decltype(f1)>{}, f0, f1);
  }
};
template <>
struct FieldBindings<3> {
  template <class T, class F> static constexpr decltype(auto) visit(T& v, F&& f) {
    auto& [f0, f1, f2] = v;
    return f(TypeList<decltype(f0), decltype(f1), decltype(f2)>{}, f0, f1, f2);
  }
};
template <>
struct FieldBindings<4> {
  template <class T, class F> static constexpr decltype(auto) visit(T& v, F&& f) {
    auto& [f0, f1, f2, f3] = v;
    return f(TypeList<decltype(f0), decltype(f1), decltype(f2), decltype(f3)>{},
        f0, f1, f2, f3);
  }
};
template <>
struct FieldBindings<5> {
  template <class T, class F> static constexpr decltype(auto) visit(T& v, F&& f) {
    auto& [f0, f1, f2, f3, f4] = v;
    return f(TypeList<decltype(f0), decltype(f1), decltype(f2), decltype(f3), decltype(f4)>{},
        f0, f1, f2, f3, f4);
  }
};
template <>
struct FieldBindings<6> {
  template <class T, class F> static constexpr decltype(auto) visit(T& v, F&& f) {
    auto& [f0, f1, f2, f3, f4, f5] = v;
    return f(TypeList<decltype(f0), decltype(f1), decltype(f2), decltype(f3), decltype(f4),
        decltype(f5)>{},
        f0, f1, f2, f3, f4, f5);
  }
};
template <>
struct FieldBindings<7> {
  template <class T, class F> static constexpr decltype(auto) visit(T& v, F&& f) {
    auto& [f0, f1, f2, f3, f4, f5, f6] = v;
    return f(TypeList<decltype(f0), decltype(f1), decltype(f2), decltype(f3), decltype(f4), decltype(f5),
        decltype(f6)>{},
        f0, f1, f2, f3, f4, f5, f6);
  }
};
template <>
struct FieldBindings<8> {
  template <class T, class F> static constexpr decltype(auto) visit(T& v, F&& f) {
    auto& [f0, f1, f2, f3, f4, f5, f6, f7] = v;
    return f(TypeList<decltype(f0), decltype(f1), decltype(f2), decltype(f3), decltype(f4), decltype(f5),
        decltype(f6), decltype(f7)>{},
        f0, f1, f2, f3, f4, f5, f6, f7);
  }
};
template <>
struct FieldBindings<9> {
  template <class T, class F> static constexpr decltype(auto) visit(T& v, F&& f) {
    auto& [f0, f1, f2, f3, f4, f5, f6, f7, f8] = v;
    return f(TypeList<decltype(f0), decltype(f1), decltype(f2), decltype(f3), decltype(f4), decltype(f5),
        decltype(f6), decltype(f7), decltype(f8)>{},
        f0, f1, f2, f3, f4, f5, f6, f7, f8);
  }
};
template <>
struct FieldBindings<10> {
  template <class T, class F> static constexpr decltype(auto) visit(T& v, F&& f) {
    auto& [f0, f1, f2, f3, f4, f5, f6, f7, f8, f9] = v;
    return f(TypeList<decltype(f0), decltype(f1), decltype(f2), decltype(f3), decltype(f4), decltype(f5),
        decltype(f6), decltype(f7), decltype(f8), decltype(f9)>{},
        f0, f1, f2, f3, f4, f5, f6, f7, f8, f9);
  }
};
template <>
struct FieldBindings<11> {
  template <class T, class F> static constexpr decltype(auto) visit(T& v, F&& f) {
    auto& [f0, f1, f2, f3, f4, f5, f6, f7, f8, f9, f10] = v;
    return f(TypeList<decltype(f0), decltype(f1), decltype(f2), decltype(f3), decltype(f4), decltype(f5),
        decltype(f6), decltype(f7), decltype(f8), decltype(f9), decltype(f10)>{},
        f0, f1, f2, f3, f4, f5, f6, f7, f8, f9, f10);
  }
};
template <>
struct FieldBindings<12> {
  template <class T, class F> static constexpr decltype(auto) visit(T& v, F&& f) {
    auto& [f0, f1, f2, f3, f4, f5, f6, f7, f8, f9, f10, f11] = v;
    return f(TypeList<decltype(f0), decltype(f1), decltype(f2), decltype(f3), decltype(f4), decltype(f5),
        decltype(f6), decltype(f7), decltype(f8), decltype(f9), decltype(f10), decltype(f11)>{},
        f0, f1, f2, f3, f4, f5, f6, f7, f8, f9, f10, f11);
  }
};
template <>
struct FieldBindings<13> {
  template <class T, class F> static constexpr decltype(auto) visit(T& v, F&& f) {
    auto& [f0, f1, f2, f3, f4, f5, f6, f7, f8, f9, f10, f11, f12] = v;
    return f(TypeList<decltype(f0), decltype(f1), decltype(f2), decltype(f3), decltype(f4), decltype(f5),
        decltype(f6), decltype(f7), decltype(f8), decltype(f9), decltype(f10), decltype(f11),
        decltype(f12)>{},
        f0, f1, f2, f3, f4, f5, f6, f7, f8, f9, f10, f11, f12);
  }
};
template <>
struct FieldBindings<14> {
  template <class T, class F> static constexpr decltype(auto) visit(T& v, F&& f) {
    auto& [f0, f1, f2, f3, f4, f5, f6, f7, f8, f9, f10, f11, f12, f13] = v;
    return f(TypeList<decltype(f0), decltype(f1), decltype(f2), decltype(f3), decltype(f4), decltype(f5),
        decltype(f6), decltype(f7), decltype(f8), decltype(f9), decltype(f10), decltype(f11), decltype(f12),
        decltype(f13)>{},
        f0, f1, f2, f3, f4, f5, f6, f7, f8, f9, f10, f11, f12, f13);
  }
};
template <>
struct FieldBindings<15> {
  template <class T, class F> static constexpr decltype(auto) visit(T& v, F&& f) {
    auto& [f0, f1, f2, f3, f4, f5, f6, f7, f8, f9, f10, f11, f12, f13, f14] = v;
    return f(TypeList<decltype(f0), decltype(f1), decltype(f2), decltype(f3), decltype(f4), decltype(f5),
        decltype(f6), decltype(f7), decltype(f8), decltype(f9), decltype(f10), decltype(f11), decltype(f12),
        decltype(f13), decltype(f14)>{},
        f0, f1, f2, f3, f4, f5, f6, f7, f8, f9, f10, f11, f12, f13, f14);
  }
};
template <>
struct FieldBindings<16> {
  template <class T, class F> static constexpr decltype(auto) visit(T& v, F&& f) {
    auto& [f0, f1, f2, f3, f4, f5, f6, f7, f8, f9, f10, f11, f12, f13, f14, f15] = v;
    return f(TypeList<decltype(f0), decltype(f1), decltype(f2), decltype(f3), decltype(f4), decltype(f5),
        decltype(f6), decltype(f7), decltype(f8), decltype(f9), decltype(f10), decltype(f11), decltype(f12),
        decltype(f13), decltype(f14), decltype(f15)>{},
        f0, f1, f2, f3, f4, f5, f6, f7, f8, f9, f10, f11, f12, f13, f14, f15);
  }
};
template <>
struct FieldBindings<17> {
  template <class T, class F> static constexpr decltype(auto) visit(T& v, F&& f) {
    auto& [f0, f1, f2, f3, f4, f5, f6, f7, f8, f9, f10, f11, f12, f13, f14, f15, f16] = v;
    return f(TypeList<decltype(f0), decltype(f1), decltype(f2), decltype(f3), decltype(f4), decltype(f5),
        decltype(f6), decltype(f7), decltype(f8), decltype(f9), decltype(f10), decltype(f11), decltype(f12),
        decltype(f13), decltype(f14), decltype(f15), decltype(f16)>{},
        f0, f1, f2, f3, f4, f5, f6, f7, f8, f9, f10, f11, f12, f13, f14, f15, f16);
  }
};
template <>
struct FieldBindings<18> {
  template <class T, class F> static constexpr decltype(auto) visit(T& v, F&& f) {
    auto& [f0, f1, f2, f3, f4, f5, f6, f7, f8, f9, f10, f11, f12, f13, f14, f15, f16, f17] = v;
    return f(TypeList<decltype(f0), decltype(f1), decltype(f2), decltype(f3), decltype(f4), decltype(f5),
        decltype(f6), decltype(f7), decltype(f8), decltype(f9), decltype(f10), decltype(f11), decltype(f12),
        decltype(f13), decltype(f14), decltype(f15), decltype(f16), decltype(f17)>{},
        f0, f1, f2, f3, f4, f5, f6, f7, f8, f9, f10, f11, f12, f13, f14, f15, f16, f17);
  }
};
template <>
struct FieldBindings<19> {
  template <class T, class F> static constexpr decltype(auto) visit(T& v, F&& f) {
    auto& [f0, f1, f2, f3, f4, f5, f6, f7, f8, f9, f10, f11, f12, f13, f14, f15, f16, f17, f18] = v;
    return f(TypeList<decltype(f0), decltype(f1), decltype(f2), decltype(f3), decltype(f4), decltype(f5),
        decltype(f6), decltype(f7), decltype(f8), decltype(f9), decltype(f10), decltype(f11), decltype(f12),
        decltype(f13), decltype(f14), decltype(f15), decltype(f16), decltype(f17), decltype(f18)>{},
        f0, f1, f2, f3, f4, f5, f6, f7, f8, f9, f10, f11, f12, f13, f14, f15, f16, f17, f18);
  }
};
template <>
struct FieldBindings<20> {
  template <class T, class F> static constexpr decltype(auto) visit(T& v, F&& f) {
    auto& [f0, f1, f2, f3, f4, f5, f6, f7, f8, f9, f10, f11, f12, f13, f14, f15, f16, f17, f18, f19] = v;
    return f(TypeList<decltype(f0), decltype(f1), decltype(f2), decltype(f3), decltype(f4), decltype(f5),
        decltype(f6), decltype(f7), decltype(f8), decltype(f9), decltype(f10), decltype(f11), decltype(f12),
        decltype(f13), decltype(f14), decltype(f15), decltype(f16), decltype(f17), decltype(f18),
        decltype(f19)>{},
        f0, f1, f2, f3, f4, f5, f6, f7, f8, f9, f10, f11, f12, f13, f14, f15, f16, f17, f18, f19);
  }
};
template <>
struct FieldBindings<21> {
  template <class T, class F> static constexpr decltype(auto) visit(T& v, F&& f) {
    auto& [f0, f1, f2, f3, f4, f5, f6, f7, f8, f9, f10, f11, f12, f13, f14, f15, f16, f17, f18, f19,
        f20] = v;
    return f(TypeList<decltype(f0), decltype(f1), decltype(f2), decltype(f3), decltype(f4), decltype(f5),
        decltype(f6), decltype(f7), decltype(f8), decltype(f9), decltype(f10), decltype(f11), decltype(f12),
        decltype(f13), decltype(f14), decltype(f15), decltype(f16), decltype(f17), decltype(f18),
        decltype(f19), decltype(f20)>{},
        f0, f1, f2, f3, f4, f5, f6, f7, f8, f9, f10, f11, f12, f13, f14, f15, f16, f17, f18, f19, f20);
  }
};
template <>
struct FieldBindings<22> {
  template <class T, class F> static constexpr decltype(auto) visit(T& v, F&& f) {
    auto& [f0, f1, f2, f3, f4, f5, f6, f7, f8, f9, f10, f11, f12, f13, f14, f15, f16, f17, f18, f19, f20,
        f21] = v;
    return f(TypeList<decltype(f0), decltype(f1), decltype(f2), decltype(f3), decltype(f4), decltype(f5),
        decltype(f6), decltype(f7), decltype(f8), decltype(f9), decltype(f10), decltype(f11), decltype(f12),
        decltype(f13), decltype(f14), decltype(f15), decltype(f16), decltype(f17), decltype(f18),
        decltype(f19), decltype(f20), decltype(f21)>{},
        f0, f1, f2, f3, f4, f5, f6, f7, f8, f9, f10, f11, f12, f13, f14, f15, f16, f17, f18, f19, f20, f21);
  }
};
template <>
struct FieldBindings<23> {
  template <class T, class F> static constexpr decltype(auto) visit(T& v, F&& f) {
    auto& [f0, f1, f2, f3, f4, f5, f6, f7, f8, f9, f10, f11, f12, f13, f14, f15, f16, f17, f18, f19, f20,
        f21, f22] = v;
    return f(TypeList<decltype(f0), decltype(f1), decltype(f2), decltype(f3), decltype(f4), decltype(f5),
        decltype(f6), decltype(f7), decltype(f8), decltype(f9), decltype(f10), decltype(f11), decltype(f12),
        decltype(f13), decltype(f14), decltype(f15), decltype(f16), decltype(f17), decltype(f18),
        decltype(f19), decltype(f20), decltype(f21), decltype(f22)>{},
        f0, f1, f2, f3, f4, f5, f6, f7, f8, f9, f10, f11, f12, f13, f14, f15, f16, f17, f18, f19, f20, f21,
        f22);
  }
};
template <>
struct FieldBindings<24> {
  template <class T, class F> static constexpr decltype(auto) visit(T& v, F&& f) {
    auto& [f0, f1, f2, f3, f4, f5, f6, f7, f8, f9, f10, f11, f12, f13, f14, f15, f16, f17, f18, f19, f20,
        f21, f22, f23] = v;
    return f(TypeList<decltype(f0), decltype(f1), decltype(f2), decltype(f3), decltype(f4), decltype(f5),
        decltype(f6), decltype(f7), decltype(f8), decltype(f9), decltype(f10), decltype(f11), decltype(f12),
        decltype(f13), decltype(f14), decltype(f15), decltype(f16), decltype(f17), decltype(f18),
        decltype(f19), decltype(f20), decltype(f21), decltype(f22), decltype(f23)>{},
        f0, f1, f2, f3, f4, f5, f6, f7, f8, f9, f10, f11, f12, f13, f14, f15, f16, f17, f18, f19, f20, f21,
        f22, f23);
  }
};
template <>
struct FieldBindings<25> {
  template <class T, class F> static constexpr decltype(auto) visit(T& v, F&& f) {
    auto& [f0, f1, f2, f3, f4, f5, f6, f7, f8, f9, f10, f11, f12, f13, f14, f15, f16, f17, f18, f19, f20,
        f21, f22, f23, f24] = v;
    return f(TypeList<decltype(f0), decltype(f1), decltype(f2), decltype(f3), decltype(f4), decltype(f5),
        decltype(f6), decltype(f7), decltype(f8), decltype(f9), decltype(f10), decltype(f11), decltype(f12),
        decltype(f13), decltype(f14), decltype(f15), decltype(f16), decltype(f17), decltype(f18),
        decltype(f19), decltype(f20), decltype(f21), decltype(f22), decltype(f23), decltype(f24)>{},
        f0, f1, f2, f3, f4, f5, f6, f7, f8, f9, f10, f11, f12, f13, f14, f15, f16, f17, f18, f19, f20, f21,
        f22, f23, f24);
  }
};
template <>
struct FieldBindings<26> {
  template <class T, class F> static constexpr decltype(auto) visit(T& v, F&& f) {
    auto& [f0, f1, f2, f3, f4, f5, f6, f7, f8, f9, f10, f11, f12, f13, f14, f15, f16, f17, f18, f19, f20,
        f21, f22, f23, f24, f25] = v;
    return f(TypeList<decltype(f0), decltype(f1), decltype(f2), decltype(f3), decltype(f4), decltype(f5),
        decltype(f6), decltype(f7), decltype(f8), decltype(f9), decltype(f10), decltype(f11), decltype(f12),
        decltype(f13), decltype(f14), decltype(f15), decltype(f16), decltype(f17), decltype(f18),
        decltype(f19), decltype(f20), decltype(f21), decltype(f22), decltype(f23), decltype(f24),
        decltype(f25)>{},
        f0, f1, f2, f3, f4, f5, f6, f7, f8, f9, f10, f11, f12, f13, f14, f15, f16, f17, f18, f19, f20, f21,
        f22, f23, f24, f25);
  }
};
template <>
struct FieldBindings<27> {
  template <class T, class F> static constexpr decltype(auto) visit(T& v, F&& f) {
    auto& [f0, f1, f2, f3, f4, f5, f6, f7, f8, f9, f10, f11, f12, f13, f14, f15, f16, f17, f18, f19, f20,
        f21, f22, f23, f24, f25, f26] = v;
    return f(TypeList<decltype(f0), decltype(f1), decltype(f2), decltype(f3), decltype(f4), decltype(f5),
        decltype(f6), decltype(f7), decltype(f8), decltype(f9), decltype(f10), decltype(f11), decltype(f12),
        decltype(f13), decltype(f14), decltype(f15), decltype(f16), decltype(f17), decltype(f18),
        decltype(f19), decltype(f20), decltype(f21), decltype(f22), decltype(f23), decltype(f24),
        decltype(f25), decltype(f26)>{},
        f0, f1, f2, f3, f4, f5, f6, f7, f8, f9, f10, f11, f12, f13, f14, f15, f16, f17, f18, f19, f20, f21,
        f22, f23, f24, f25, f26);
  }
};
template <>
struct FieldBindings<28> {
  template <class T, class F> static constexpr decltype(auto) visit(T& v, F&& f) {
    auto& [f0, f1, f2, f3, f4, f5, f6, f7, f8, f9, f10, f11, f12, f13, f14, f15, f16, f17, f18, f19, f20,
        f21, f22, f23, f24, f25, f26, f27] = v;
    return f(TypeList<decltype(f0), decltype(f1), decltype(f2), decltype(f3), decltype(f4), decltype(f5),
        decltype(f6), decltype(f7), decltype(f8), decltype(f9), decltype(f10), decltype(f11), decltype(f12),
        decltype(f13), decltype(f14), decltype(f15), decltype(f16), decltype(f17), decltype(f18),
        decltype(f19), decltype(f20), decltype(f21), decltype(f22), decltype(f23), decltype(f24),
        decltype(f25), decltype(f26), decltype(f27)>{},
        f0, f1, f2, f3, f4, f5, f6, f7, f8, f9, f10, f11, f12, f13, f14, f15, f16, f17, f18, f19, f20, f21,
        f22, f23, f24, f25, f26, f27);
  }
};
template <>
struct FieldBindings<29> {
  template <class T, class F> static constexpr decltype(auto) visit(T& v, F&& f) {
    auto& [f0, f1, f2, f3, f4, f5, f6, f7, f8, f9, f10, f11, f12, f13, f14, f15, f16, f17, f18, f19, f20,
        f21, f22, f23, f24, f25, f26, f27, f28] = v;
    return f(TypeList<decltype(f0), decltype(f1), decltype(f2), decltype(f3), decltype(f4), decltype(f5),
        decltype(f6), decltype(f7), decltype(f8), decltype(f9), decltype(f10), decltype(f11), decltype(f12),
        decltype(f13), decltype(f14), decltype(f15), decltype(f16), decltype(f17), decltype(f18),
        decltype(f19), decltype(f20), decltype(f21), decltype(f22), decltype(f23), decltype(f24),
        decltype(f25), decltype(f26), decltype(f27), decltype(f28)>{},
        f0, f1, f2, f3, f4, f5, f6, f7, f8, f9, f10, f11, f12, f13, f14, f15, f16, f17, f18, f19, f20, f21,
        f22, f23, f24, f25, f26, f27, f28);
  }
};
template <>
struct FieldBindings<30> {
  template <class T, class F> static constexpr decltype(auto) visit(T& v, F&& f) {
    auto& [f0, f1, f2, f3, f4, f5, f6, f7, f8, f9, f10, f11, f12, f13, f14, f15, f16, f17, f18, f19, f20,
        f21, f22, f23, f24, f25, f26, f27, f28, f29] = v;
    return f(TypeList<decltype(f0), decltype(f1), decltype(f2), decltype(f3), decltype(f4), decltype(f5),
        decltype(f6), decltype(f7), decltype(f8), decltype(f9), decltype(f10), decltype(f11), decltype(f12),
        decltype(f13), decltype(f14), decltype(f15), decltype(f16), decltype(f17), decltype(f18),
        decltype(f19), decltype(f20), decltype(f21), decltype(f22), decltype(f23), decltype(f24),
        decltype(f25), decltype(f26), decltype(f27), decltype(f28), decltype(f29)>{},
        f0, f1, f2, f3, f4, f5, f6, f7, f8, f9, f10, f11, f12, f13, f14, f15, f16, f17, f18, f19, f20, f21,
        f22, f23, f24, f25, f26, f27, f28, f29);
  }
};
template <>
struct FieldBindings<31> {
  template <class T, class F> static constexpr decltype(auto) visit(T& v, F&& f) {
    auto& [f0, f1, f2, f3, f4, f5, f6, f7, f8, f9, f10, f11, f12, f13, f14, f15, f16, f17, f18, f19, f20,
        f21, f22, f23, f24, f25, f26, f27, f28, f29, f30] = v;
    return f(TypeList<decltype(f0), decltype(f1), decltype(f2), decltype(f3), decltype(f4), decltype(f5),
        decltype(f6), decltype(f7), decltype(f8), decltype(f9), decltype(f10), decltype(f11), decltype(f12),
        decltype(f13), decltype(f14), decltype(f15), decltype(f16), decltype(f17), decltype(f18),
        decltype(f19), decltype(f20), decltype(f21), decltype(f22), decltype(f23), decltype(f24),
        decltype(f25), decltype(f26), decltype(f27), decltype(f28), decltype(f29), decltype(f30)>{},
        f0, f1, f2, f3, f4, f5, f6, f7, f8, f9, f10, f11, f12, f13, f14, f15, f16, f17, f18, f19, f20, f21,
        f22, f23, f24, f25, f26, f27, f28, f29, f30);
  }
};
template <>
struct FieldBindings<32> {
  template <class T, class F> static constexpr decltype(auto) visit(T& v, F&& f) {
    auto& [f0, f1, f2, f3, f4, f5, f6, f7, f8, f9, f10, f11, f12, f13, f14, f15, f16, f17, f18, f19, f20,
        f21, f22, f23, f24, f25, f26, f27, f28, f29, f30, f31] = v;
    return f(TypeList<decltype(f0), decltype(f1), decltype(f2), decltype(f3), decltype(f4), decltype(f5),
        decltype(f6), decltype(f7), decltype(f8), decltype(f9), decltype(f10), decltype(f11), decltype(f12),
        decltype(f13), decltype(f14), decltype(f15), decltype(f16), decltype(f17), decltype(f18),
        decltype(f19), decltype(f20), decltype(f21), decltype(f22), decltype(f23), decltype(f24),
        decltype(f25), decltype(f26), decltype(f27), decltype(f28), decltype(f29), decltype(f30),
        decltype(f31)>{},
        f0, f1, f2, f3, f4, f5, f6, f7, f8, f9, f10, f11, f12, f13, f14, f15, f16, f17, f18, f19, f20, f21,
        f22, f23, f24, f25, f26, f27, f28, f29, f30, f31);
  }
};
template <>
struct FieldBindings<33> {
  template <class T, class F> static constexpr decltype(auto) visit(T& v, F&& f) {
    auto& [f0, f1, f2, f3, f4, f5, f6, f7, f8, f9, f10, f11, f12, f13, f14, f15, f16, f17, f18, f19, f20,
        f21, f22, f23, f24, f25, f26, f27, f28, f29, f30, f31, f32] = v;
    return f(TypeList<decltype(f0), decltype(f1), decltype(f2), decltype(f3), decltype(f4), decltype(f5),
        decltype(f6), decltype(f7), decltype(f8), decltype(f9), decltype(f10), decltype(f11), decltype(f12),
        decltype(f13), decltype(f14), decltype(f15), decltype(f16), decltype(f17), decltype(f18),
        decltype(f19), decltype(f20), decltype(f21), decltype(f22), decltype(f23), decltype(f24),
        decltype(f25), decltype(f26), decltype(f27), decltype(f28), decltype(f29), decltype(f30),
        decltype(f31), decltype(f32)>{},
        f0, f1, f2, f3, f4, f5, f6, f7, f8, f9, f10, f11, f12, f13, f14, f15, f16, f17, f18, f19, f20, f21,
        f22, f23, f24, f25, f26, f27, f28, f29, f30, f31, f32);
  }
};
template <>
struct FieldBindings<34> {
  template <class T, class F> static constexpr decltype(auto) visit(T& v, F&& f) {
    auto& [f0, f1, f2, f3, f4, f5, f6, f7, f8, f9, f10, f11, f12, f13, f14, f15, f16, f17, f18, f19, f20,
        f21, f22, f23, f24, f25, f26, f27, f28, f29, f30, f31, f32, f33] = v;
    return f(TypeList<decltype(f0), decltype(f1), decltype(f2), decltype(f3), decltype(f4), decltype(f5),
        decltype(f6), decltype(f7), decltype(f8), decltype(f9), decltype(f10), decltype(f11), decltype(f12),
        decltype(f13), decltype(f14), decltype(f15), decltype(f16), decltype(f17), decltype(f18),
        decltype(f19), decltype(f20), decltype(f21), decltype(f22), decltype(f23), decltype(f24),
        decltype(f25), decltype(f26), decltype(f27), decltype(f28), decltype(f29), decltype(f30),
        decltype(f31), decltype(f32), decltype(f33)>{},
        f0, f1, f2, f3, f4, f5, f6, f7, f8, f9, f10, f11, f12, f13, f14, f15, f16, f17, f18, f19, f20, f21,
        f22, f23, f24, f25, f26, f27, f28, f29, f30, f31, f32, f33);
  }
};
template <>
struct FieldBindings<35> {
  template <class T, class F> static constexpr decltype(auto) visit(T& v, F&& f) {
    auto& [f0, f1, f2, f3, f4, f5, f6, f7, f8, f9, f10, f11, f12, f13, f14, f15, f16, f17, f18, f19, f20,
        f21, f22, f23, f24, f25, f26, f27, f28, f29, f30, f31, f32, f33, f34] = v;
    return f(TypeList<decltype(f0), decltype(f1), decltype(f2), decltype(f3), decltype(f4), decltype(f5),
        decltype(f6), decltype(f7), decltype(f8), decltype(f9), decltype(f10), decltype(f11), decltype(f12),
        decltype(f13), decltype(f14), decltype(f15), decltype(f16), decltype(f17), decltype(f18),
        decltype(f19), decltype(f20), decltype(f21), decltype(f22), decltype(f23), decltype(f24),
        decltype(f25), decltype(f26), decltype(f27), decltype(f28), decltype(f29), decltype(f30),
        decltype(f31), decltype(f32), decltype(f33), decltype(f34)>{},
        f0, f1, f2, f3, f4, f5, f6, f7, f8, f9, f10, f11, f12, f13, f14, f15, f16, f17, f18, f19, f20, f21,
        f22, f23, f24, f25, f26, f27, f28, f29, f30, f31, f32, f33, f34);
  }
};
template <>
struct FieldBindings<36> {
  template <class T, class F> static constexpr decltype(auto) visit(T& v, F&& f) {
    auto& [f0, f1, f2, f3, f4, f5, f6, f7, f8, f9, f10, f11, f12, f13, f14, f15, f16, f17, f18, f19, f20,
        f21, f22, f23, f24, f25, f26, f27, f28, f29, f30, f31, f32, f33, f34, f35] = v;
    return f(TypeList<decltype(f0), decltype(f1), decltype(f2), decltype(f3), decltype(f4), decltype(f5),
        decltype(f6), decltype(f7), decltype(f8), decltype(f9), decltype(f10), decltype(f11), decltype(f12),
        decltype(f13), decltype(f14), decltype(f15), decltype(f16), decltype(f17), decltype(f18),
        decltype(f19), decltype(f20), decltype(f21), decltype(f22), decltype(f23), decltype(f24),
        decltype(f25), decltype(f26), decltype(f27), decltype(f28), decltype(f29), decltype(f30),
        decltype(f31), decltype(f32), decltype(f33), decltype(f34), decltype(f35)>{},
        f0, f1, f2, f3, f4, f5, f6, f7, f8, f9, f10, f11, f12, f13, f14, f15, f16, f17, f18, f19, f20, f21,
        f22, f23, f24, f25, f26, f27, f28, f29, f30, f31, f32, f33, f34, f35);
  }
};
template <>
struct FieldBindings<37> {
  template <class T, class F> static constexpr decltype(auto) visit(T& v, F&& f) {
    auto& [f0, f1, f2, f3, f4, f5, f6, f7, f8, f9, f10, f11, f12, f13, f14, f15, f16, f17, f18, f19, f20,
        f21, f22, f23, f24, f25, f26, f27, f28, f29, f30, f31, f32, f33, f34, f35, f36] = v;
    return f(TypeList<decltype(f0), decltype(f1), decltype(f2), decltype(f3), decltype(f4), decltype(f5),
        decltype(f6), decltype(f7), decltype(f8), decltype(f9), decltype(f10), decltype(f11), decltype(f12),
        decltype(f13), decltype(f14), decltype(f15), decltype(f16), decltype(f17), decltype(f18),
        decltype(f19), decltype(f20), decltype(f21), decltype(f22), decltype(f23), decltype(f24),
        decltype(f25), decltype(f26), decltype(f27), decltype(f28), decltype(f29), decltype(f30),
        decltype(f31), decltype(f32), decltype(f33), decltype(f34), decltype(f35), decltype(f36)>{},
        f0, f1, f2, f3, f4, f5, f6, f7, f8, f9, f10, f11, f12, f13, f14, f15, f16, f17, f18, f19, f20, f21,
        f22, f23, f24, f25, f26, f27, f28, f29, f30, f31, f32, f33, f34, f35, f36);
  }
};
template <>
struct FieldBindings<38> {
  template <class T, class F> static constexpr decltype(auto) visit(T& v, F&& f) {
    auto& [f0, f1, f2, f3, f4, f5, f6, f7, f8, f9, f10, f11, f12, f13, f14, f15, f16, f17, f18, f19, f20,
        f21, f22, f23, f24, f25, f26, f27, f28, f29, f30, f31, f32, f33, f34, f35, f36, f37] = v;
    return f(TypeList<decltype(f0), decltype(f1), decltype(f2), decltype(f3), decltype(f4), decltype(f5),
        decltype(f6), decltype(f7), decltype(f8), decltype(f9), decltype(f10), decltype(f11), decltype(f12),
        decltype(f13), decltype(f14), decltype(f15), decltype(f16), decltype(f17), decltype(f18),
        decltype(f19), decltype(f20), decltype(f21), decltype(f22), decltype(f23), decltype(f24),
        decltype(f25), decltype(f26), decltype(f27), decltype(f28), decltype(f29), decltype(f30),
        decltype(f31), decltype(f32), decltype(f33), decltype(f34), decltype(f35), decltype(f36),
        decltype(f37)>{},
        f0, f1, f2, f3, f4, f5, f6, f7, f8, f9, f10, f11, f12, f13, f14, f15, f16, f17, f18, f19, f20, f21,
        f22, f23, f24, f25, f26, f27, f28, f29, f30, f31, f32, f33, f34, f35, f36, f37);
  }
};
template <>
struct FieldBindings<39> {
  template <class T, class F> static constexpr decltype(auto) visit(T& v, F&& f) {
    auto& [f0, f1, f2, f3, f4, f5, f6, f7, f8, f9, f10, f11, f12, f13, f14, f15, f16, f17, f18, f19, f20,
        f21, f22, f23, f24, f25, f26, f27, f28, f29, f30, f31, f32, f33, f34, f35, f36, f37, f38] = v;
    return f(TypeList<decltype(f0), decltype(f1), decltype(f2), decltype(f3), decltype(f4), decltype(f5),
        decltype(f6), decltype(f7), decltype(f8), decltype(f9), decltype(f10), decltype(f11), decltype(f12),
        decltype(f13), decltype(f14), decltype(f15), decltype(f16), decltype(f17), decltype(f18),
        decltype(f19), decltype(f20), decltype(f21), decltype(f22), decltype(f23), decltype(f24),
        decltype(f25), decltype(f26), decltype(f27), decltype(f28), decltype(f29), decltype(f30),
        decltype(f31), decltype(f32), decltype(f33), decltype(f34), decltype(f35), decltype(f36),
        decltype(f37), decltype(f38)>{},
        f0, f1, f2, f3, f4, f5, f6, f7, f8, f9, f10, f11, f12, f13, f14, f15, f16, f17, f18, f19, f20, f21,
        f22, f23, f24, f25, f26, f27, f28, f29, f30, f31, f32, f33, f34, f35, f36, f37, f38);
  }
};
template <>
struct FieldBindings<40> {
  template <class T, class F> static constexpr decltype(auto) visit(T& v, F&& f) {
    auto& [f0, f1, f2, f3, f4, f5, f6, f7, f8, f9, f10, f11, f12, f13, f14, f15, f16, f17, f18, f19, f20,
        f21, f22, f23, f24, f25, f26, f27, f28, f29, f30, f31, f32, f33, f34, f35, f36, f37, f38, f39] = v;
    return f(TypeList<decltype(f0), decltype(f1), decltype(f2), decltype(f3), decltype(f4), decltype(f5),
        decltype(f6), decltype(f7), decltype(f8), decltype(f9), decltype(f10), decltype(f11), decltype(f12),
        decltype(f13), decltype(f14), decltype(f15), decltype(f16), decltype(f17), decltype(f18),
        decltype(f19), decltype(f20), decltype(f21), decltype(f22), decltype(f23), decltype(f24),
        decltype(f25), decltype(f26), decltype(f27), decltype(f28), decltype(f29), decltype(f30),
        decltype(f31), decltype(f32), decltype(f33), decltype(f34), decltype(f35), decltype(f36),
        decltype(f37), decltype(f38), decltype(f39)>{},
        f0, f1, f2, f3, f4, f5, f6, f7, f8, f9, f10, f11, f12, f13, f14, f15, f16, f17, f18, f19, f20, f21,
        f22, f23, f24, f25, f26, f27, f28, f29, f30, f31, f32, f33, f34, f35, f36, f37, f38, f39);
  }
};
template <>
struct FieldBindings<41> {
  template <class T, class F> static constexpr decltype(auto) visit(T& v, F&& f) {
    auto& [f0, f1, f2, f3, f4, f5, f6, f7, f8, f9, f10, f11, f12, f13, f14, f15, f16, f17, f18, f19, f20,
        f21, f22, f23, f24, f25, f26, f27, f28, f29, f30, f31, f32, f33, f34, f35, f36, f37, f38, f39,
        f40] = v;
    return f(TypeList<decltype(f0), decltype(f1), decltype(f2), decltype(f3), decltype(f4), decltype(f5),
        decltype(f6), decltype(f7), decltype(f8), decltype(f9), decltype(f10), decltype(f11), decltype(f12),
        decltype(f13), decltype(f14), decltype(f15), decltype(f16), decltype(f17), decltype(f18),
        decltype(f19), decltype(f20), decltype(f21), decltype(f22), decltype(f23), decltype(f24),
        decltype(f25), decltype(f26), decltype(f27), decltype(f28), decltype(f29), decltype(f30),
        decltype(f31), decltype(f32), decltype(f33), decltype(f34), decltype(f35), decltype(f36),
        decltype(f37), decltype(f38), decltype(f39), decltype(f40)>{},
        f0, f1, f2, f3, f4, f5, f6, f7, f8, f9, f10, f11, f12, f13, f14, f15, f16, f17, f18, f19, f20, f21,
        f22, f23, f24, f25, f26, f27, f28, f29, f30, f31, f32, f33, f34, f35, f36, f37, f38, f39, f40);
  }
};
template <>
struct FieldBindings<42> {
  template <class T, class F> static constexpr decltype(auto) visit(T& v, F&& f) {
    auto& [f0, f1, f2, f3, f4, f5, f6, f7, f8, f9, f10, f11, f12, f13, f14, f15, f16, f17, f18, f19, f20,
        f21, f22, f23, f24, f25, f26, f27, f28, f29, f30, f31, f32, f33, f34, f35, f36, f37, f38, f39, f40,
        f41] = v;
    return f(TypeList<decltype(f0), decltype(f1), decltype(f2), decltype(f3), decltype(f4), decltype(f5),
        decltype(f6), decltype(f7), decltype(f8), decltype(f9), decltype(f10), decltype(f11), decltype(f12),
        decltype(f13), decltype(f14), decltype(f15), decltype(f16), decltype(f17), decltype(f18),
        decltype(f19), decltype(f20), decltype(f21), decltype(f22), decltype(f23), decltype(f24),
        decltype(f25), decltype(f26), decltype(f27), decltype(f28), decltype(f29), decltype(f30),
        decltype(f31), decltype(f32), decltype(f33), decltype(f34), decltype(f35), decltype(f36),
        decltype(f37), decltype(f38), decltype(f39), decltype(f40), decltype(f41)>{},
        f0, f1, f2, f3, f4, f5, f6, f7, f8, f9, f10, f11, f12, f13, f14, f15, f16, f17, f18, f19, f20, f21,
        f22, f23, f24, f25, f26, f27, f28, f29, f30, f31, f32, f33, f34, f35, f36, f37, f38, f39, f40, f41);
  }
};
template <>
struct FieldBindings<43> {
  template <class T, class F> static constexpr decltype(auto) visit(T& v, F&& f) {
    auto& [f0, f1, f2, f3, f4, f5, f6, f7, f8, f9, f10, f11, f12, f13, f14, f15, f16, f17, f18, f19, f20,
        f21, f22, f23, f24, f25, f26, f27, f28, f29, f30, f31, f32, f33, f34, f35, f36, f37, f38, f39, f40,
        f41, f42] = v;
    return f(TypeList<decltype(f0), decltype(f1), decltype(f2), decltype(f3), decltype(f4), decltype(f5),
        decltype(f6), decltype(f7), decltype(f8), decltype(f9), decltype(f10), decltype(f11), decltype(f12),
        decltype(f13), decltype(f14), decltype(f15), decltype(f16), decltype(f17), decltype(f18),
        decltype(f19), decltype(f20), decltype(f21), decltype(f22), decltype(f23), decltype(f24),
        decltype(f25), decltype(f26), decltype(f27), decltype(f28), decltype(f29), decltype(f30),
        decltype(f31), decltype(f32), decltype(f33), decltype(f34), decltype(f35), decltype(f36),
        decltype(f37), decltype(f38), decltype(f39), decltype(f40), decltype(f41), decltype(f42)>{},
        f0, f1, f2, f3, f4, f5, f6, f7, f8, f9, f10, f11, f12, f13, f14, f15, f16, f17, f18, f19, f20, f21,
        f22, f23, f24, f25, f26, f27, f28, f29, f30, f31, f32, f33, f34, f35, f36, f37, f38, f39, f40, f41,
        f42);
  }
};
template <>
struct FieldBindings<44> {
  template <class T, class F> static constexpr decltype(auto) visit(T& v, F&& f) {
    auto& [f0, f1, f2, f3, f4, f5, f6, f7, f8, f9, f10, f11, f12, f13, f14, f15, f16, f17, f18, f19, f20,
        f21, f22, f23, f24, f25, f26, f27, f28, f29, f30, f31, f32, f33, f34, f35, f36, f37, f38, f39, f40,
        f41, f42, f43] = v;
    return f(TypeList<decltype(f0), decltype(f1), decltype(f2), decltype(f3), decltype(f4), decltype(f5),
        decltype(f6), decltype(f7), decltype(f8), decltype(f9), decltype(f10), decltype(f11), decltype(f12),
        decltype(f13), decltype(f14), decltype(f15), decltype(f16), decltype(f17), decltype(f18),
        decltype(f19), decltype(f20), decltype(f21), decltype(f22), decltype(f23), decltype(f24),
        decltype(f25), decltype(f26), decltype(f27), decltype(f28), decltype(f29), decltype(f30),
        decltype(f31), decltype(f32), decltype(f33), decltype(f34), decltype(f35), decltype(f36),
        decltype(f37), decltype(f38), decltype(f39), decltype(f40), decltype(f41), decltype(f42),
        decltype(f43)>{},
        f0, f1, f2, f3, f4, f5, f6, f7, f8, f9, f10, f11, f12, f13, f14, f15, f16, f17, f18, f19, f20, f21,
        f22, f23, f24, f25, f26, f27, f28, f29, f30, f31, f32, f33, f34, f35, f36, f37, f38, f39, f40, f41,
        f42, f43);
  }
};
template <>
struct FieldBindings<45> {
  template <class T, class F> static constexpr decltype(auto) visit(T& v, F&& f) {
    auto& [f0, f1, f2, f3, f4, f5, f6, f7, f8, f9, f10, f11, f12, f13, f14, f15, f16, f17, f18, f19, f20,
        f21, f22, f23, f24, f25, f26, f27, f28, f29, f30, f31, f32, f33, f34, f35, f36, f37, f38, f39, f40,
        f41, f42, f43, f44] = v;
    return f(TypeList<decltype(f0), decltype(f1), decltype(f2), decltype(f3), decltype(f4), decltype(f5),
        decltype(f6), decltype(f7), decltype(f8), decltype(f9), decltype(f10), decltype(f11), decltype(f12),
        decltype(f13), decltype(f14), decltype(f15), decltype(f16), decltype(f17), decltype(f18),
        decltype(f19), decltype(f20), decltype(f21), decltype(f22), decltype(f23), decltype(f24),
        decltype(f25), decltype(f26), decltype(f27), decltype(f28), decltype(f29), decltype(f30),
        decltype(f31), decltype(f32), decltype(f33), decltype(f34), decltype(f35), decltype(f36),
        decltype(f37), decltype(f38), decltype(f39), decltype(f40), decltype(f41), decltype(f42),
        decltype(f43), decltype(f44)>{},
        f0, f1, f2, f3, f4, f5, f6, f7, f8, f9, f10, f11, f12, f13, f14, f15, f16, f17, f18, f19, f20, f21,
        f22, f23, f24, f25, f26, f27, f28, f29, f30, f31, f32, f33, f34, f35, f36, f37, f38, f39, f40, f41,
        f42, f43, f44);
  }
};
template <>
struct FieldBindings<46> {
  template <class T, class F> static constexpr decltype(auto) visit(T& v, F&& f) {
    auto& [f0, f1, f2, f3, f4, f5, f6, f7, f8, f9, f10, f11, f12, f13, f14, f15, f16, f17, f18, f19, f20,
        f21, f22, f23, f24, f25, f26, f27, f28, f29, f30, f31, f32, f33, f34, f35, f36, f37, f38, f39, f40,
        f41, f42, f43, f44, f45] = v;
    return f(TypeList<decltype(f0), decltype(f1), decltype(f2), decltype(f3), decltype(f4), decltype(f5),
        decltype(f6), decltype(f7), decltype(f8), decltype(f9), decltype(f10), decltype(f11), decltype(f12),
        decltype(f13), decltype(f14), decltype(f15), decltype(f16), decltype(f17), decltype(f18),
        decltype(f19), decltype(f20), decltype(f21), decltype(f22), decltype(f23), decltype(f24),
        decltype(f25), decltype(f26), decltype(f27), decltype(f28), decltype(f29), decltype(f30),
        decltype(f31), decltype(f32), decltype(f33), decltype(f34), decltype(f35), decltype(f36),
        decltype(f37), decltype(f38), decltype(f39), decltype(f40), decltype(f41), decltype(f42),
        decltype(f43), decltype(f44), decltype(f45)>{},
        f0, f1, f2, f3, f4, f5, f6, f7, f8, f9, f10, f11, f12, f13, f14, f15, f16, f17, f18, f19, f20, f21,
        f22, f23, f24, f25, f26, f27, f28, f29, f30, f31, f32, f33, f34, f35, f36, f37, f38, f39, f40, f41,
        f42, f43, f44, f45);
  }
};
template <>
struct FieldBindings<47> {
  template <class T, class F> static constexpr decltype(auto) visit(T& v, F&& f) {
    auto& [f0, f1, f2, f3, f4, f5, f6, f7, f8, f9, f10, f11, f12, f13, f14, f15, f16, f17, f18, f19, f20,
        f21, f22, f23, f24, f25, f26, f27, f28, f29, f30, f31, f32, f33, f34, f35, f36, f37, f38, f39, f40,
        f41, f42, f43, f44, f45, f46] = v;
    return f(TypeList<decltype(f0), decltype(f1), decltype(f2), decltype(f3), decltype(f4), decltype(f5),
        decltype(f6), decltype(f7), decltype(f8), decltype(f9), decltype(f10), decltype(f11), decltype(f12),
        decltype(f13), decltype(f14), decltype(f15), decltype(f16), decltype(f17), decltype(f18),
        decltype(f19), decltype(f20), decltype(f21), decltype(f22), decltype(f23), decltype(f24),
        decltype(f25), decltype(f26), decltype(f27), decltype(f28), decltype(f29), decltype(f30),
        decltype(f31), decltype(f32), decltype(f33), decltype(f34), decltype(f35), decltype(f36),
        decltype(f37), decltype(f38), decltype(f39), decltype(f40), decltype(f41), decltype(f42),
        decltype(f43), decltype(f44), decltype(f45), decltype(f46)>{},
        f0, f1, f2, f3, f4, f5, f6, f7, f8, f9, f10, f11, f12, f13, f14, f15, f16, f17, f18, f19, f20, f21,
        f22, f23, f24, f25, f26, f27, f28, f29, f30, f31, f32, f33, f34, f35, f36, f37, f38, f39, f40, f41,
        f42, f43, f44, f45, f46);
  }
};
template <>
struct FieldBindings<48> {
  template <class T, class F> static constexpr decltype(auto) visit(T& v, F&& f) {
    auto& [f0, f1, f2, f3, f4, f5, f6, f7, f8, f9, f10, f11, f12, f13, f14, f15, f16, f17, f18, f19, f20,
        f21, f22, f23, f24, f25, f26, f27, f28, f29, f30, f31, f32, f33, f34, f35, f36, f37, f38, f39, f40,
        f41, f42, f43, f44, f45, f46, f47] = v;
    return f(TypeList<decltype(f0), decltype(f1), decltype(f2), decltype(f3), decltype(f4), decltype(f5),
        decltype(f6), decltype(f7), decltype(f8), decltype(f9), decltype(f10), decltype(f11), decltype(f12),
        decltype(f13), decltype(f14), decltype(f15), decltype(f16), decltype(f17), decltype(f18),
        decltype(f19), decltype(f20), decltype(f21), decltype(f22), decltype(f23), decltype(f24),
        decltype(f25), decltype(f26), decltype(f27), decltype(f28), decltype(f29), decltype(f30),
        decltype(f31), decltype(f32), decltype(f33), decltype(f34), decltype(f35), decltype(f36),
        decltype(f37), decltype(f38), decltype(f39), decltype(f40), decltype(f41), decltype(f42),
        decltype(f43), decltype(f44), decltype(f45), decltype(f46), decltype(f47)>{},
        f0, f1, f2, f3, f4, f5, f6, f7, f8, f9, f10, f11, f12, f13, f14, f15, f16, f17, f18, f19, f20, f21,
        f22, f23, f24, f25, f26, f27, f28, f29, f30, f31, f32, f33, f34, f35, f36, f37, f38, f39, f40, f41,
        f42, f43, f44, f45, f46, f47);
  }
};
template <>
struct FieldBindings<49> {
  template <class T, class F> static constexpr decltype(auto) visit(T& v, F&& f) {
    auto& [f0, f1, f2, f3, f4, f5, f6, f7, f8, f9, f10, f11, f12, f13, f14, f15, f16, f17, f18, f19, f20,
        f21, f22, f23, f24, f25, f26, f27, f28, f29, f30, f31, f32, f33, f34, f35, f36, f37, f38, f39, f40,
        f41, f42, f43, f44, f45, f46, f47, f48] = v;
    return f(TypeList<decltype(f0), decltype(f1), decltype(f2), decltype(f3), decltype(f4), decltype(f5),
        decltype(f6), decltype(f7), decltype(f8), decltype(f9), decltype(f10), decltype(f11), decltype(f12),
        decltype(f13), decltype(f14), decltype(f15), decltype(f16), decltype(f17), decltype(f18),
        decltype(f19), decltype(f20), decltype(f21), decltype(f22), decltype(f23), decltype(f24),
        decltype(f25), decltype(f26), decltype(f27), decltype(f28), decltype(f29), decltype(f30),
        decltype(f31), decltype(f32), decltype(f33), decltype(f34), decltype(f35), decltype(f36),
        decltype(f37), decltype(f38), decltype(f39), decltype(f40), decltype(f41), decltype(f42),
        decltype(f43), decltype(f44), decltype(f45), decltype(f46), decltype(f47), decltype(f48)>{},
        f0, f1, f2, f3, f4, f5, f6, f7, f8, f9, f10, f11, f12, f13, f14, f15, f16, f17, f18, f19, f20, f21,
        f22, f23, f24, f25, f26, f27, f28, f29, f30, f31, f32, f33, f34, f35, f36, f37, f38, f39, f40, f41,
        f42, f43, f44, f45, f46, f47, f48);
  }
};
template <>
struct FieldBindings<50> {
  template <class T, class F> static constexpr decltype(auto) visit(T& v, F&& f) {
    auto& [f0, f1, f2, f3, f4, f5, f6, f7, f8, f9, f10, f11, f12, f13, f14, f15, f16, f17, f18, f19, f20,
        f21, f22, f23, f24, f25, f26, f27, f28, f29, f30, f31, f32, f33, f34, f35, f36, f37, f38, f39, f40,
        f41, f42, f43, f44, f45, f46, f47, f48, f49] = v;
    return f(TypeList<decltype(f0), decltype(f1), decltype(f2), decltype(f3), decltype(f4), decltype(f5),
        decltype(f6), decltype(f7), decltype(f8), decltype(f9), decltype(f10), decltype(f11), decltype(f12),
        decltype(f13), decltype(f14), decltype(f15), decltype(f16), decltype(f17), decltype(f18),
        decltype(f19), decltype(f20), decltype(f21), decltype(f22), decltype(f23), decltype(f24),
        decltype(f25), decltype(f26), decltype(f27), decltype(f28), decltype(f29), decltype(f30),
        decltype(f31), decltype(f32), decltype(f33), decltype(f34), decltype(f35), decltype(f36),
        decltype(f37), decltype(f38), decltype(f39), decltype(f40), decltype(f41), decltype(f42),
        decltype(f43), decltype(f44), decltype(f45), decltype(f46), decltype(f47), decltype(f48),
        decltype(f49)>{},
        f0, f1, f2, f3, f4, f5, f6, f7, f8, f9, f10, f11, f12, f13, f14, f15, f16, f17, f18, f19, f20, f21,
        f22, f23, f24, f25, f26, f27, f28, f29, f30, f31, f32, f33, f34, f35, f36, f37, f38, f39, f40, f41,
        f42, f43, f44, f45, f46, f47, f48, f49);
  }
};
template <>
struct FieldBindings<51> {
  template <class T, class F> static constexpr decltype(auto) visit(T& v, F&& f) {
    auto& [f0, f1, f2, f3, f4, f5, f6, f7, f8, f9, f10, f11, f12, f13, f14, f15, f16, f17, f18, f19, f20,
        f21, f22, f23, f24, f25, f26, f27, f28, f29, f30, f31, f32, f33, f34, f35, f36, f37, f38, f39, f40,
        f41, f42, f43, f44, f45, f46, f47, f48, f49, f50] = v;
    return f(TypeList<decltype(f0), decltype(f1), decltype(f2), decltype(f3), decltype(f4), decltype(f5),
        decltype(f6), decltype(f7), decltype(f8), decltype(f9), decltype(f10), decltype(f11), decltype(f12),
        decltype(f13), decltype(f14), decltype(f15), decltype(f16), decltype(f17), decltype(f18),
        decltype(f19), decltype(f20), decltype(f21), decltype(f22), decltype(f23), decltype(f24),
        decltype(f25), decltype(f26), decltype(f27), decltype(f28), decltype(f29), decltype(f30),
        decltype(f31), decltype(f32), decltype(f33), decltype(f34), decltype(f35), decltype(f36),
        decltype(f37), decltype(f38), decltype(f39), decltype(f40), decltype(f41), decltype(f42),
        decltype(f43), decltype(f44), decltype(f45), decltype(f46), decltype(f47), decltype(f48),
        decltype(f49), decltype(f50)>{},
        f0, f1, f2, f3, f4, f5, f6, f7, f8, f9, f10, f11, f12, f13, f14, f15, f16, f17, f18, f19, f20, f21,
        f22, f23, f24, f25, f26, f27, f28, f29, f30, f31, f32, f33, f34, f35, f36, f37, f38, f39, f40, f41,
        f42, f43, f44, f45, f46, f47, f48, f49, f50);
  }
};
template <>
struct FieldBindings<52> {
  template <class T, class F> static constexpr decltype(auto) visit(T& v, F&& f) {
    auto& [f0, f1, f2, f3, f4, f5, f6, f7, f8, f9, f10, f11, f12, f13, f14, f15, f16, f17, f18, f19, f20,
        f21, f22, f23, f24, f25, f26, f27, f28, f29, f30, f31, f32, f33, f34, f35, f36, f37, f38, f39, f40,
        f41, f42, f43, f44, f45, f46, f47, f48, f49, f50, f51] = v;
    return f(TypeList<decltype(f0), decltype(f1), decltype(f2), decltype(f3), decltype(f4), decltype(f5),
        decltype(f6), decltype(f7), decltype(f8), decltype(f9), decltype(f10), decltype(f11), decltype(f12),
        decltype(f13), decltype(f14), decltype(f15), decltype(f16), decltype(f17), decltype(f18),
        decltype(f19), decltype(f20), decltype(f21), decltype(f22), decltype(f23), decltype(f24),
        decltype(f25), decltype(f26), decltype(f27), decltype(f28), decltype(f29), decltype(f30),
        decltype(f31), decltype(f32), decltype(f33), decltype(f34), decltype(f35), decltype(f36),
        decltype(f37), decltype(f38), decltype(f39), decltype(f40), decltype(f41), decltype(f42),
        decltype(f43), decltype(f44), decltype(f45), decltype(f46), decltype(f47), decltype(f48),
        decltype(f49), decltype(f50), decltype(f51)>{},
        f0, f1, f2, f3, f4, f5, f6, f7, f8, f9, f10, f11, f12, f13, f14, f15, f16, f17, f18, f19, f20, f21,
        f22, f23, f24, f25, f26, f27, f28, f29, f30, f31, f32, f33, f34, f35, f36, f37, f38, f39, f40, f41,
        f42, f43, f44, f45, f46, f47, f48, f49, f50, f51);
  }
};
template <>
struct FieldBindings<53> {
  template <class T, class F> static constexpr decltype(auto) visit(T& v, F&& f) {
    auto& [f0, f1, f2, f3, f4, f5, f6, f7, f8, f9, f10, f11, f12, f13, f14, f15, f16, f17, f18, f19, f20,
        f21, f22, f23, f24, f25, f26, f27, f28, f29, f30, f31, f32, f33, f34, f35, f36, f37, f38, f39, f40,
        f41, f42, f43, f44, f45, f46, f47, f48, f49, f50, f51, f52] = v;
    return f(TypeList<decltype(f0), decltype(f1), decltype(f2), decltype(f3), decltype(f4), decltype(f5),
        decltype(f6), decltype(f7), decltype(f8), decltype(f9), decltype(f10), decltype(f11), decltype(f12),
        decltype(f13), decltype(f14), decltype(f15), decltype(f16), decltype(f17), decltype(f18),
        decltype(f19), decltype(f20), decltype(f21), decltype(f22), decltype(f23), decltype(f24),
        decltype(f25), decltype(f26), decltype(f27), decltype(f28), decltype(f29), decltype(f30),
        decltype(f31), decltype(f32), decltype(f33), decltype(f34), decltype(f35), decltype(f36),
        decltype(f37), decltype(f38), decltype(f39), decltype(f40), decltype(f41), decltype(f42),
        decltype(f43), decltype(f44), decltype(f45), decltype(f46), decltype(f47), decltype(f48),
        decltype(f49), decltype(f50), decltype(f51), decltype(f52)>{},
        f0, f1, f2, f3, f4, f5, f6, f7, f8, f9, f10, f11, f12, f13, f14, f15, f16, f17, f18, f19, f20, f21,
        f22, f23, f24, f25, f26, f27, f28, f29, f30, f31, f32, f33, f34, f35, f36, f37, f38, f39, f40, f41,
        f42, f43, f44, f45, f46, f47, f48, f49, f50, f51, f52);
  }
};
template <>
struct FieldBindings<54> {
  template <class T, class F> static constexpr decltype(auto) visit(T& v, F&& f) {
    auto& [f0, f1, f2, f3, f4, f5, f6, f7, f8, f9, f10, f11, f12, f13, f14, f15, f16, f17, f18, f19, f20,
        f21, f22, f23, f24, f25, f26, f27, f28, f29, f30, f31, f32, f33, f34, f35, f36, f37, f38, f39, f40,
        f41, f42, f43, f44, f45, f46, f47, f48, f49, f50, f51, f52, f53] = v;
    return f(TypeList<decltype(f0), decltype(f1), decltype(f2), decltype(f3), decltype(f4), decltype(f5),
        decltype(f6), decltype(f7), decltype(f8), decltype(f9), decltype(f10), decltype(f11), decltype(f12),
        decltype(f13), decltype(f14), decltype(f15), decltype(f16), decltype(f17), decltype(f18),
        decltype(f19), decltype(f20), decltype(f21), decltype(f22), decltype(f23), decltype(f24),
        decltype(f25), decltype(f26), decltype(f27), decltype(f28), decltype(f29), decltype(f30),
        decltype(f31), decltype(f32), decltype(f33), decltype(f34), decltype(f35), decltype(f36),
        decltype(f37), decltype(f38), decltype(f39), decltype(f40), decltype(f41), decltype(f42),
        decltype(f43), decltype(f44), decltype(f45), decltype(f46), decltype(f47), decltype(f48),
        decltype(f49), decltype(f50), decltype(f51), decltype(f52), decltype(f53)>{},
        f0, f1, f2, f3, f4, f5, f6, f7, f8, f9, f10, f11, f12, f13, f14, f15, f16, f17, f18, f19, f20, f21,
        f22, f23, f24, f25, f26, f27, f28, f29, f30, f31, f32, f33, f34, f35, f36, f37, f38, f39, f40, f41,
        f42, f43, f44, f45, f46, f47, f48, f49, f50, f51, f52, f53);
  }
};
template <>
struct FieldBindings<55> {
  template <class T, class F> static constexpr decltype(auto) visit(T& v, F&& f) {
    auto& [f0, f1, f2, f3, f4, f5, f6, f7, f8, f9, f10, f11, f12, f13, f14, f15, f16, f17, f18, f19, f20,
        f21, f22, f23, f24, f25, f26, f27, f28, f29, f30, f31, f32, f33, f34, f35, f36, f37, f38, f39, f40,
        f41, f42, f43, f44, f45, f46, f47, f48, f49, f50, f51, f52, f53, f54] = v;
    return f(TypeList<decltype(f0), decltype(f1), decltype(f2), decltype(f3), decltype(f4), decltype(f5),
        decltype(f6), decltype(f7), decltype(f8), decltype(f9), decltype(f10), decltype(f11), decltype(f12),
        decltype(f13), decltype(f14), decltype(f15), decltype(f16), decltype(f17), decltype(f18),
        decltype(f19), decltype(f20), decltype(f21), decltype(f22), decltype(f23), decltype(f24),
        decltype(f25), decltype(f26), decltype(f27), decltype(f28), decltype(f29), decltype(f30),
        decltype(f31), decltype(f32), decltype(f33), decltype(f34), decltype(f35), decltype(f36),
        decltype(f37), decltype(f38), decltype(f39), decltype(f40), decltype(f41), decltype(f42),
        decltype(f43), decltype(f44), decltype(f45), decltype(f46), decltype(f47), decltype(f48),
        decltype(f49), decltype(f50), decltype(f51), decltype(f52), decltype(f53), decltype(f54)>{},
        f0, f1, f2, f3, f4, f5, f6, f7, f8, f9, f10, f11, f12, f13, f14, f15, f16, f17, f18, f19, f20, f21,
        f22, f23, f24, f25, f26, f27, f28, f29, f30, f31, f32, f33, f34, f35, f36, f37, f38, f39, f40, f41,
        f42, f43, f44, f45, f46, f47, f48, f49, f50, f51, f52, f53, f54);
  }
};
template <>
struct FieldBindings<56> {
  template <class T, class F> static constexpr decltype(auto) visit(T& v, F&& f) {
    auto& [f0, f1, f2, f3, f4, f5, f6, f7, f8, f9, f10, f11, f12, f13, f14, f15, f16, f17, f18, f19, f20,
        f21, f22, f23, f24, f25, f26, f27, f28, f29, f30, f31, f32, f33, f34, f35, f36, f37, f38, f39, f40,
        f41, f42, f43, f44, f45, f46, f47, f48, f49, f50, f51, f52, f53, f54, f55] = v;
    return f(TypeList<decltype(f0), decltype(f1), decltype(f2), decltype(f3), decltype(f4), decltype(f5),
        decltype(f6), decltype(f7), decltype(f8), decltype(f9), decltype(f10), decltype(f11), decltype(f12),
        decltype(f13), decltype(f14), decltype(f15), decltype(f16), decltype(f17), decltype(f18),
        decltype(f19), decltype(f20), decltype(f21), decltype(f22), decltype(f23), decltype(f24),
        decltype(f25), decltype(f26), decltype(f27), decltype(f28), decltype(f29), decltype(f30),
        decltype(f31), decltype(f32), decltype(f33), decltype(f34), decltype(f35), decltype(f36),
        decltype(f37), decltype(f38), decltype(f39), decltype(f40), decltype(f41), decltype(f42),
        decltype(f43), decltype(f44), decltype(f45), decltype(f46), decltype(f47), decltype(f48),
        decltype(f49), decltype(f50), decltype(f51), decltype(f52), decltype(f53), decltype(f54),
        decltype(f55)>{},
        f0, f1, f2, f3, f4, f5, f6, f7, f8, f9, f10, f11, f12, f13, f14, f15, f16, f17, f18, f19, f20, f21,
        f22, f23, f24, f25, f26, f27, f28, f29, f30, f31, f32, f33, f34, f35, f36, f37, f38, f39, f40, f41,
        f42, f43, f44, f45, f46, f47, f48, f49, f50, f51, f52, f53, f54, f55);
  }
};
template <>
struct FieldBindings<57> {
  template <class T, class F> static constexpr decltype(auto) visit(T& v, F&& f) {
    auto& [f0, f1, f2, f3, f4, f5, f6, f7, f8, f9, f10, f11, f12, f13, f14, f15, f16, f17, f18, f19, f20,
        f21, f22, f23, f24, f25, f26, f27, f28, f29, f30, f31, f32, f33, f34, f35, f36, f37, f38, f39, f40,
        f41, f42, f43, f44, f45, f46, f47, f48, f49, f50, f51, f52, f53, f54, f55, f56] = v;
    return f(TypeList<decltype(f0), decltype(f1), decltype(f2), decltype(f3), decltype(f4), decltype(f5),
        decltype(f6), decltype(f7), decltype(f8), decltype(f9), decltype(f10), decltype(f11), decltype(f12),
        decltype(f13), decltype(f14), decltype(f15), decltype(f16), decltype(f17), decltype(f18),
        decltype(f19), decltype(f20), decltype(f21), decltype(f22), decltype(f23), decltype(f24),
        decltype(f25), decltype(f26), decltype(f27), decltype(f28), decltype(f29), decltype(f30),
        decltype(f31), decltype(f32), decltype(f33), decltype(f34), decltype(f35), decltype(f36),
        decltype(f37), decltype(f38), decltype(f39), decltype(f40), decltype(f41), decltype(f42),
        decltype(f43), decltype(f44), decltype(f45), decltype(f46), decltype(f47), decltype(f48),
        decltype(f49), decltype(f50), decltype(f51), decltype(f52), decltype(f53), decltype(f54),
        decltype(f55), decltype(f56)>{},
        f0, f1, f2, f3, f4, f5, f6, f7, f8, f9, f10, f11, f12, f13, f14, f15, f16, f17, f18, f19, f20, f21,
        f22, f23, f24, f25, f26, f27, f28, f29, f30, f31, f32, f33, f34, f35, f36, f37, f38, f39, f40, f41,
        f42, f43, f44, f45, f46, f47, f48, f49, f50, f51, f52, f53, f54, f55, f56);
  }
};
template <>
struct FieldBindings<58> {
  template <class T, class F> static constexpr decltype(auto) visit(T& v, F&& f) {
    auto& [f0, f1, f2, f3, f4, f5, f6, f7, f8, f9, f10, f11, f12, f13, f14, f15, f16, f17, f18, f19, f20,
        f21, f22, f23, f24, f25, f26, f27, f28, f29, f30, f31, f32, f33, f34, f35, f36, f37, f38, f39, f40,
        f41, f42, f43, f44, f45, f46, f47, f48, f49, f50, f51, f52, f53, f54, f55, f56, f57] = v;
    return f(TypeList<decltype(f0), decltype(f1), decltype(f2), decltype(f3), decltype(f4), decltype(f5),
        decltype(f6), decltype(f7), decltype(f8), decltype(f9), decltype(f10), decltype(f11), decltype(f12),
        decltype(f13), decltype(f14), decltype(f15), decltype(f16), decltype(f17), decltype(f18),
        decltype(f19), decltype(f20), decltype(f21), decltype(f22), decltype(f23), decltype(f24),
        decltype(f25), decltype(f26), decltype(f27), decltype(f28), decltype(f29), decltype(f30),
        decltype(f31), decltype(f32), decltype(f33), decltype(f34), decltype(f35), decltype(f36),
        decltype(f37), decltype(f38), decltype(f39), decltype(f40), decltype(f41), decltype(f42),
        decltype(f43), decltype(f44), decltype(f45), decltype(f46), decltype(f47), decltype(f48),
        decltype(f49), decltype(f50), decltype(f51), decltype(f52), decltype(f53), decltype(f54),
        decltype(f55), decltype(f56), decltype(f57)>{},
        f0, f1, f2, f3, f4, f5, f6, f7, f8, f9, f10, f11, f12, f13, f14, f15, f16, f17, f18, f19, f20, f21,
        f22, f23, f24, f25, f26, f27, f28, f29, f30, f31, f32, f33, f34, f35, f36, f37, f38, f39, f40, f41,
        f42, f43, f44, f45, f46, f47, f48, f49, f50, f51, f52, f53, f54, f55, f56, f57);
  }
};
template <>
struct FieldBindings<59> {
  template <class T, class F> static constexpr decltype(auto) visit(T& v, F&& f) {
    auto& [f0, f1, f2, f3, f4, f5, f6, f7, f8, f9, f10, f11, f12, f13, f14, f15, f16, f17, f18, f19, f20,
        f21, f22, f23, f24, f25, f26, f27, f28, f29, f30, f31, f32, f33, f34, f35, f36, f37, f38, f39, f40,
        f41, f42, f43, f44, f45, f46, f47, f48, f49, f50, f51, f52, f53, f54, f55, f56, f57, f58] = v;
    return f(TypeList<decltype(f0), decltype(f1), decltype(f2), decltype(f3), decltype(f4), decltype(f5),
        decltype(f6), decltype(f7), decltype(f8), decltype(f9), decltype(f10), decltype(f11), decltype(f12),
        decltype(f13), decltype(f14), decltype(f15), decltype(f16), decltype(f17), decltype(f18),
        decltype(f19), decltype(f20), decltype(f21), decltype(f22), decltype(f23), decltype(f24),
        decltype(f25), decltype(f26), decltype(f27), decltype(f28), decltype(f29), decltype(f30),
        decltype(f31), decltype(f32), decltype(f33), decltype(f34), decltype(f35), decltype(f36),
        decltype(f37), decltype(f38), decltype(f39), decltype(f40), decltype(f41), decltype(f42),
        decltype(f43), decltype(f44), decltype(f45), decltype(f46), decltype(f47), decltype(f48),
        decltype(f49), decltype(f50), decltype(f51), decltype(f52), decltype(f53), decltype(f54),
        decltype(f55), decltype(f56), decltype(f57), decltype(f58)>{},
        f0, f1, f2, f3, f4, f5, f6, f7, f8, f9, f10, f11, f12, f13, f14, f15, f16, f17, f18, f19, f20, f21,
        f22, f23, f24, f25, f26, f27, f28, f29, f30, f31, f32, f33, f34, f35, f36, f37, f38, f39, f40, f41,
        f42, f43, f44, f45, f46, f47, f48, f49, f50, f51, f52, f53, f54, f55, f56, f57, f58);
  }
};
template <>
struct FieldBindings<60> {
  template <class T, class F> static constexpr decltype(auto) visit(T& v, F&& f) {
    auto& [f0, f1, f2, f3, f4, f5, f6, f7, f8, f9, f10, f11, f12, f13, f14, f15, f16, f17, f18, f19, f20,
        f21, f22, f23, f24, f25, f26, f27, f28, f29, f30, f31, f32, f33, f34, f35, f36, f37, f38, f39, f40,
        f41, f42, f43, f44, f45, f46, f47, f48, f49, f50, f51, f52, f53, f54, f55, f56, f57, f58, f59] = v;
    return f(TypeList<decltype(f0), decltype(f1), decltype(f2), decltype(f3), decltype(f4), decltype(f5),
        decltype(f6), decltype(f7), decltype(f8), decltype(f9), decltype(f10), decltype(f11), decltype(f12),
        decltype(f13), decltype(f14), decltype(f15), decltype(f16), decltype(f17), decltype(f18),
        decltype(f19), decltype(f20), decltype(f21), decltype(f22), decltype(f23), decltype(f24),
        decltype(f25), decltype(f26), decltype(f27), decltype(f28), decltype(f29), decltype(f30),
        decltype(f31), decltype(f32), decltype(f33), decltype(f34), decltype(f35), decltype(f36),
        decltype(f37), decltype(f38), decltype(f39), decltype(f40), decltype(f41), decltype(f42),
        decltype(f43), decltype(f44), decltype(f45), decltype(f46), decltype(f47), decltype(f48),
        decltype(f49), decltype(f50), decltype(f51), decltype(f52), decltype(f53), decltype(f54),
        decltype(f55), decltype(f56), decltype(f57), decltype(f58), decltype(f59)>{},
        f0, f1, f2, f3, f4, f5, f6, f7, f8, f9, f10, f11, f12, f13, f14, f15, f16, f17, f18, f19, f20, f21,
        f22, f23, f24, f25, f26, f27, f28, f29, f30, f31, f32, f33, f34, f35, f36, f37, f38, f39, f40, f41,
        f42, f43, f44, f45, f46, f47, f48, f49, f50, f51, f52, f53, f54, f55, f56, f57, f58, f59);
  }
};
template <>
struct FieldBindings<61> {
  template <class T, class F> static constexpr decltype(auto) visit(T& v, F&& f) {
    auto& [f0, f1, f2, f3, f4, f5, f6, f7, f8, f9, f10, f11, f12, f13, f14, f15, f16, f17, f18, f19, f20,
        f21, f22, f23, f24, f25, f26, f27, f28, f29, f30, f31, f32, f33, f34, f35, f36, f37, f38, f39, f40,
        f41, f42, f43, f44, f45, f46, f47, f48, f49, f50, f51, f52, f53, f54, f55, f56, f57, f58, f59,
        f60] = v;
    return f(TypeList<decltype(f0), decltype(f1), decltype(f2), decltype(f3), decltype(f4), decltype(f5),
        decltype(f6), decltype(f7), decltype(f8), decltype(f9), decltype(f10), decltype(f11), decltype(f12),
        decltype(f13), decltype(f14), decltype(f15), decltype(f16), decltype(f17), decltype(f18),
        decltype(f19), decltype(f20), decltype(f21), decltype(f22), decltype(f23), decltype(f24),
        decltype(f25), decltype(f26), decltype(f27), decltype(f28), decltype(f29), decltype(f30),
        decltype(f31), decltype(f32), decltype(f33), decltype(f34), decltype(f35), decltype(f36),
        decltype(f37), decltype(f38), decltype(f39), decltype(f40), decltype(f41), decltype(f42),
        decltype(f43), decltype(f44), decltype(f45), decltype(f46), decltype(f47), decltype(f48),
        decltype(f49), decltype(f50), decltype(f51), decltype(f52), decltype(f53), decltype(f54),
        decltype(f55), decltype(f56), decltype(f57), decltype(f58), decltype(f59), decltype(f60)>{},
        f0, f1, f2, f3, f4, f5, f6, f7, f8, f9, f10, f11, f12, f13, f14, f15, f16, f17, f18, f19, f20, f21,
        f22, f23, f24, f25, f26, f27, f28, f29, f30, f31, f32, f33, f34, f35, f36, f37, f38, f39, f40, f41,
        f42, f43, f44, f45, f46, f47, f48, f49, f50, f51, f52, f53, f54, f55, f56, f57, f58, f59, f60);
  }
};
template <>
struct FieldBindings<62> {
  template <class T, class F> static constexpr decltype(auto) visit(T& v, F&& f) {
    auto& [f0, f1, f2, f3, f4, f5, f6, f7, f8, f9, f10, f11, f12, f13, f14, f15, f16, f17, f18, f19, f20,
        f21, f22, f23, f24, f25, f26, f27, f28, f29, f30, f31, f32, f33, f34, f35, f36, f37, f38, f39, f40,
        f41, f42, f43, f44, f45, f46, f47, f48, f49, f50, f51, f52, f53, f54, f55, f56, f57, f58, f59, f60,
        f61] = v;
    return f(TypeList<decltype(f0), decltype(f1), decltype(f2), decltype(f3), decltype(f4), decltype(f5),
        decltype(f6), decltype(f7), decltype(f8), decltype(f9), decltype(f10), decltype(f11), decltype(f12),
        decltype(f13), decltype(f14), decltype(f15), decltype(f16), decltype(f17), decltype(f18),
        decltype(f19), decltype(f20), decltype(f21), decltype(f22), decltype(f23), decltype(f24),
        decltype(f25), decltype(f26), decltype(f27), decltype(f28), decltype(f29), decltype(f30),
        decltype(f31), decltype(f32), decltype(f33), decltype(f34), decltype(f35), decltype(f36),
        decltype(f37), decltype(f38), decltype(f39), decltype(f40), decltype(f41), decltype(f42),
        decltype(f43), decltype(f44), decltype(f45), decltype(f46), decltype(f47), decltype(f48),
        decltype(f49), decltype(f50), decltype(f51), decltype(f52), decltype(f53), decltype(f54),
        decltype(f55), decltype(f56), decltype(f57), decltype(f58), decltype(f59), decltype(f60),
        decltype(f61)>{},
        f0, f1, f2, f3, f4, f5, f6, f7, f8, f9, f10, f11, f12, f13, f14, f15, f16, f17, f18, f19, f20, f21,
        f22, f23, f24, f25, f26, f27, f28, f29, f30, f31, f32, f33, f34, f35, f36, f37, f38, f39, f40, f41,
        f42, f43, f44, f45, f46, f47, f48, f49, f50, f51, f52, f53, f54, f55, f56, f57, f58, f59, f60, f61);
  }
};
template <>
struct FieldBindings<63> {
  template <class T, class F> static constexpr decltype(auto) visit(T& v, F&& f) {
    auto& [f0, f1, f2, f3, f4, f5, f6, f7, f8, f9, f10, f11, f12, f13, f14, f15, f16, f17, f18, f19, f20,
        f21, f22, f23, f24, f25, f26, f27, f28, f29, f30, f31, f32, f33, f34, f35, f36, f37, f38, f39, f40,
        f41, f42, f43, f44, f45, f46, f47, f48, f49, f50, f51, f52, f53, f54, f55, f56, f57, f58, f59, f60,
        f61, f62] = v;
    return f(TypeList<decltype(f0), decltype(f1), decltype(f2), decltype(f3), decltype(f4), decltype(f5),
        decltype(f6), decltype(f7), decltype(f8), decltype(f9), decltype(f10), decltype(f11), decltype(f12),
        decltype(f13), decltype(f14), decltype(f15), decltype(f16), decltype(f17), decltype(f18),
        decltype(f19), decltype(f20), decltype(f21), decltype(f22), decltype(f23), decltype(f24),
        decltype(f25), decltype(f26), decltype(f27), decltype(f28), decltype(f29), decltype(f30),
        decltype(f31), decltype(f32), decltype(f33), decltype(f34), decltype(f35), decltype(f36),
        decltype(f37), decltype(f38), decltype(f39), decltype(f40), decltype(f41), decltype(f42),
        decltype(f43), decltype(f44), decltype(f45), decltype(f46), decltype(f47), decltype(f48),
        decltype(f49), decltype(f50), decltype(f51), decltype(f52), decltype(f53), decltype(f54),
        decltype(f55), decltype(f56), decltype(f57), decltype(f58), decltype(f59), decltype(f60),
        decltype(f61), decltype(f62)>{},
        f0, f1, f2, f3, f4, f5, f6, f7, f8, f9, f10, f11, f12, f13, f14, f15, f16, f17, f18, f19, f20, f21,
        f22, f23, f24, f25, f26, f27, f28, f29, f30, f31, f32, f33, f34, f35, f36, f37, f38, f39, f40, f41,
        f42, f43, f44, f45, f46, f47, f48, f49, f50, f51, f52, f53, f54, f55, f56, f57, f58, f59, f60, f61,
        f62);
  }
};
template <>
struct FieldBindings<64> {
  template <class T, class F> static constexpr decltype(auto) visit(T& v, F&& f) {
    auto& [f0, f1, f2, f3, f4, f5, f6, f7, f8, f9, f10, f11, f12, f13, f14, f15, f16, f17, f18, f19, f20,
        f21, f22, f23, f24, f25, f26, f27, f28, f29, f30, f31, f32, f33, f34, f35, f36, f37, f38, f39, f40,
        f41, f42, f43, f44, f45, f46, f47, f48, f49, f50, f51, f52, f53, f54, f55, f56, f57, f58, f59, f60,
        f61, f62, f63] = v;
    return f(TypeList<decltype(f0), decltype(f1), decltype(f2), decltype(f3), decltype(f4), decltype(f5),
        decltype(f6), decltype(f7), decltype(f8), decltype(f9), decltype(f10), decltype(f11), decltype(f12),
        decltype(f13), decltype(f14), decltype(f15), decltype(f16), decltype(f17), decltype(f18),
        decltype(f19), decltype(f20), decltype(f21), decltype(f22), decltype(f23), decltype(f24),
        decltype(f25), decltype(f26), decltype(f27), decltype(f28), decltype(f29), decltype(f30),
        decltype(f31), decltype(f32), decltype(f33), decltype(f34), decltype(f35), decltype(f36),
        decltype(f37), decltype(f38), decltype(f39), decltype(f40), decltype(f41), decltype(f42),
        decltype(f43), decltype(f44), decltype(f45), decltype(f46), decltype(f47), decltype(f48),
        decltype(f49), decltype(f50), decltype(f51), decltype(f52), decltype(f53), decltype(f54),
        decltype(f55), decltype(f56), decltype(f57), decltype(f58), decltype(f59), decltype(f60),
        decltype(f61), decltype(f62), decltype(f63)>{},
        f0, f1, f2, f3, f4, f5, f6, f7, f8, f9, f10, f11, f12, f13, f14, f15, f16, f17, f18, f19, f20, f21,
        f22, f23, f24, f25, f26, f27, f28, f29, f30, f31, f32, f33, f34, f35, f36, f37, f38, f39, f40, f41,
        f42, f43, f44, f45, f46, f47, f48, f49, f50, f51, f52, f53, f54, f55, f56, f57, f58, f59, f60, f61,
        f62, f63);
  }
};

}  // namespace brigade::internal
