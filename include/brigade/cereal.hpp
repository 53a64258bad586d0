// SPDX-License-Identifier: MIT
#pragma once
// Lets classes travel that are written for cereal (https://uscilab.github.io/cereal, 1.3): those with serialize(),
// save() and load(), or save_minimal() and load_minimal(), as members or not, versioned or not. Nothing else in
// brigade includes this header or needs cereal (Debian: libcereal-dev).
//
//     #include <brigade/cereal.hpp>
//     #include <cereal/types/vector.hpp>     // and whatever else of cereal's the classes use
//     ...
//     CEREAL_REGISTER_TYPE(Circle)           // after this header, which has the archives
//     ...
//     pool.submit(area, std::unique_ptr<Shape>(new Circle(2)));
//
// Which types take this way: classes that would not travel without it and that have cereal's functions, and
// std::unique_ptr and std::shared_ptr to them. An aggregate whose fields all travel by themselves, and the types of
// the standard library, go as they always do; in a container each element is a value of its own. A class that is
// sent as itself has a default constructor or a load_and_construct(), and can be moved.
//
// Inside one value, what is shared by std::shared_ptr arrives shared, and a cycle arrives as a cycle; to keep
// together what several pointers share, put them into one class. A pointer to a base arrives as what it pointed to,
// if that is registered with cereal. What a worker sends can make objects of types that the program has registered,
// and of those the ones that are derived from what is expected; it can never name anything else.
//
// For an aggregate that would travel by itself but holds things that are shared, for a class whose default
// constructor only cereal may call, and for a base class without data and without serialize(), say
//
//     template <>
//     inline constexpr bool brigade::enable_cereal<Scene> = true;
//
// The compiler asks about a type once: all this comes before its first use with brigade. A load() that makes room for
// a length of its own reads it by cereal::make_size_tag(), which is checked here.
//
//   Threads    as cereal: classes that are versioned but have no CEREAL_CLASS_VERSION change a table of cereal's when
//              they are first written; with several threads compile everything with CEREAL_THREAD_SAFE=1
//   Processes  both ends are the same program. A version that load() is given is input like any other
//   Throws     SerializationError, for what cereal refuses too
//   Cost       one memcpy per string or vector of numbers, which are never spliced

#if !__has_include(<cereal/cereal.hpp>)
#error "brigade/cereal.hpp needs the headers of cereal (Debian: libcereal-dev)"
#endif

#include <algorithm>
#include <bitset>
#include <cstddef>
#include <cstdint>
#include <cstring>
#include <deque>
#include <forward_list>
#include <list>
#include <map>
#include <memory>
#include <set>
#include <string>
#include <tuple>
#include <type_traits>
#include <typeindex>
#include <typeinfo>
#include <unordered_map>
#include <unordered_set>
#include <utility>
#include <valarray>
#include <vector>

#include <cereal/cereal.hpp>
#include <cereal/types/memory.hpp>
#include <cereal/types/polymorphic.hpp>

#include <brigade/codec.hpp>

namespace brigade {

// Say true to have cereal write and read a T (see above).
template <class T>
inline constexpr bool enable_cereal = false;

namespace internal {

template <class T>
constexpr bool is_of_std() {
  return begins_with(type_name<T>(), "std::");
}

// What cereal wraps values in on their way to an archive. The one that stands for an object about to be constructed
// is that object.
template <class T>
constexpr bool is_cereal_wrapper() {
  return begins_with(type_name<T>(), "cereal::") &&
         !begins_with(type_name<T>(), "cereal::memory_detail::LoadAndConstructLoadWrapper<");
}

template <class T>
inline constexpr bool kIsCerealObject = (std::is_class_v<T> || std::is_union_v<T>)&&!is_cereal_wrapper<T>();

// The objects that nesting is counted by: nothing contains itself without one of them.
template <class T>
inline constexpr bool kIsCerealLevel = kIsCerealObject<T> && !is_of_std<T>();

// The elements behind a cereal::BinaryData<T>, T being a pointer or an array.
template <class T>
using BinaryElement = std::remove_cv_t<std::remove_pointer_t<std::remove_all_extents_t<std::remove_reference_t<T>>>>;

}  // namespace internal

// Writes into an Encoder what cereal serialises. An object that writes nothing takes one byte, so that a reader can
// check every length.
//   Threads    one
//   Processes  the reader is a CerealInputArchive of the same program
//   Throws     SerializationError for values nested too deeply
class CerealOutputArchive : public cereal::OutputArchive<CerealOutputArchive, cereal::AllowEmptyClassElision> {
 public:
  explicit CerealOutputArchive(Encoder& encoder)
      : cereal::OutputArchive<CerealOutputArchive, cereal::AllowEmptyClassElision>(this), encoder_(encoder) {}
  CerealOutputArchive(const CerealOutputArchive&) = delete;
  CerealOutputArchive& operator=(const CerealOutputArchive&) = delete;

  // Called by cereal, instead of its own: two objects of different types at one address (an aggregate and its first
  // field) are two, since one cannot be read back as the other.
  template <class T>
  std::uint32_t registerSharedPointer(const std::shared_ptr<T>& pointer) {
    if (!pointer) return 0;
    const std::pair<const void*, std::type_index> object(pointer.get(), typeid(T));
    const auto [known, is_new] = shared_.try_emplace(object, static_cast<std::uint32_t>(shared_.size() + 1));
    if (!is_new) return known->second;
    keep_.push_back(pointer);
    return known->second | cereal::detail::msb_32bit;
  }

 private:
  template <class T>
  void enter() {
    if constexpr (internal::kIsCerealLevel<T>) {
      if (depth_ >= Encoder::kDepthLimit) internal::fail_to_encode("values are nested too deeply");
      ++depth_;
    }
    if constexpr (internal::kIsCerealObject<T>) begin_ = encoder_.size();
  }
  template <class T>
  void leave() {
    // An object inside this one would have set begin_, and have written something since.
    if constexpr (internal::kIsCerealObject<T>) {
      if (encoder_.size() == begin_) encoder_.put(std::byte{0});
    }
    if constexpr (internal::kIsCerealLevel<T>) --depth_;
  }

  template <class T>
  friend void prologue(CerealOutputArchive& archive, const T&) {
    archive.enter<T>();
  }
  template <class T>
  friend void epilogue(CerealOutputArchive& archive, const T&) {
    archive.leave<T>();
  }

  template <class T>
  requires std::is_arithmetic_v<T>
  friend void CEREAL_SAVE_FUNCTION_NAME(CerealOutputArchive& archive, const T& value) { archive.encoder_.put(value); }
  template <class T>
  friend void CEREAL_SAVE_FUNCTION_NAME(CerealOutputArchive& archive, const cereal::NameValuePair<T>& pair) {
    archive(pair.value);
  }
  template <class T>
  friend void CEREAL_SAVE_FUNCTION_NAME(CerealOutputArchive& archive, const cereal::SizeTag<T>& tag) {
    archive.encoder_.count(static_cast<std::size_t>(tag.size));
  }
  template <class T>
  friend void CEREAL_SAVE_FUNCTION_NAME(CerealOutputArchive& archive, const cereal::BinaryData<T>& data) {
    archive.encoder_.bytes(data.data, static_cast<std::size_t>(data.size));
  }

  // Here, and for the reader below, because cereal takes the address of the first element of an empty one.
  template <class T>
  friend void CEREAL_SAVE_FUNCTION_NAME(CerealOutputArchive& archive, const std::valarray<T>& values) {
    archive.encoder_.count(values.size());
    for (const T& value : values) archive(value);
  }

  Encoder& encoder_;
  std::size_t begin_ = 0;  // of the object entered last
  int depth_ = 0;
  std::map<std::pair<const void*, std::type_index>, std::uint32_t> shared_;
  std::vector<std::shared_ptr<const void>> keep_;  // a temporary's address must not be that of another object later
};

// Reads from a Decoder what a CerealOutputArchive wrote, trusting none of it: cereal's own way to read containers and
// pointers is replaced, since it believes every length and every reference to a shared object.
//   Threads    one
//   Processes  the bytes may come from a process that means harm. They choose among the registered types, and versions
//   Throws     SerializationError when the bytes make no sense, or name an object that is still being constructed
//   Cost       allocates in proportion to the bytes there are, by a factor that depends on the types
class CerealInputArchive : public cereal::InputArchive<CerealInputArchive, cereal::AllowEmptyClassElision> {
 public:
  explicit CerealInputArchive(Decoder& decoder)
      : cereal::InputArchive<CerealInputArchive, cereal::AllowEmptyClassElision>(this),
        decoder_(decoder),
        room_(kRoomPerByte * decoder.remaining()) {}
  CerealInputArchive(const CerealInputArchive&) = delete;
  CerealInputArchive& operator=(const CerealInputArchive&) = delete;

 private:
  // Vectors make room for elements before they are read, together for no more than this times the bytes left.
  static constexpr std::size_t kRoomPerByte = 16;

  struct SharedObject {
    std::shared_ptr<void> object;  // null until it is constructed
    const std::type_info* type;
  };

  template <class T>
  friend struct internal::ForeignCodec;

  template <class T>
  void enter() {
    if constexpr (internal::kIsCerealLevel<T>) {
      if (depth_ >= Encoder::kDepthLimit) decoder_.fail("values are nested too deeply");
      ++depth_;
    }
    if constexpr (internal::kIsCerealObject<T>) begin_ = decoder_.offset();
  }
  template <class T>
  void leave() {
    if constexpr (internal::kIsCerealObject<T>) {
      if (decoder_.offset() == begin_) decoder_.take(1);
    }
    if constexpr (internal::kIsCerealLevel<T>) --depth_;
  }

  // --- objects ---

  // A new T. `hold` is to take it over as soon as it is constructed and before its parts are read, which may refer
  // to it.
  template <class T, class Hold>
  void make(Hold hold) {
    if constexpr (cereal::traits::has_load_and_construct<T, CerealInputArchive>::value) {
      struct alignas(T) Place {
        std::byte bytes[sizeof(T)];
      };
      auto place = std::make_unique<Place>();
      T* const object = reinterpret_cast<T*>(place.get());
      const auto constructed = [&] {
        static_cast<void>(place.release());
        hold(object);
      };
      cereal::memory_detail::LoadAndConstructLoadWrapper<CerealInputArchive, T> parts(object, constructed);
      (*this)(parts);
      if (place != nullptr) decoder_.fail("load_and_construct() did not construct");
    } else {
      T* const object = cereal::access::construct<T>();
      hold(object);
      (*this)(*object);
    }
  }

  template <class T>
  std::shared_ptr<T> load_shared() {
    const auto id = decoder_.get<std::uint32_t>();
    if (id == 0) return nullptr;
    const std::size_t number = id & ~cereal::detail::msb_32bit;
    if (number == id) {
      if (number > shared_.size()) decoder_.fail("a pointer shares an object that was not sent");
      const SharedObject& known = shared_[number - 1];
      if (*known.type != typeid(T)) decoder_.fail("a pointer shares an object of another type");
      if (known.object == nullptr) decoder_.fail("a pointer shares an object that is not constructed yet");
      return std::static_pointer_cast<T>(known.object);
    }
    if (number != shared_.size() + 1) decoder_.fail("shared objects are not in their order");
    shared_.push_back({nullptr, &typeid(T)});
    std::shared_ptr<T> owner;
    make<T>([&](T* object) {
      owner.reset(object);
      shared_[number - 1].object = owner;
    });
    return owner;
  }

  // --- ranges ---

  template <class Range>
  void load_numbers(Range& values) {
    using T = typename Range::value_type;
    const std::size_t count = decoder_.count(sizeof(T));
    const std::span<const std::byte> bytes = decoder_.take(count * sizeof(T));
    values.resize(count);
    if (count != 0) std::memcpy(values.data(), bytes.data(), bytes.size());
  }

  // For how many of `count` elements a vector may make room before they are seen.
  std::size_t room_for(std::size_t count, std::size_t size) {
    const std::size_t elements = std::min(count, room_ / size);
    room_ -= elements * size;
    return elements;
  }

  template <class Sequence>
  void load_sequence(Sequence& values) {
    values.clear();
    std::size_t count = decoder_.count(1);
    if constexpr (requires { values.reserve(count); }) {
      values.reserve(room_for(count, sizeof(typename Sequence::value_type)));
    }
    for (; count != 0; --count) {
      values.emplace_back();
      (*this)(values.back());
    }
  }

  template <class Set>
  void load_set(Set& values) {
    values.clear();
    for (std::size_t count = decoder_.count(1); count != 0; --count) {
      auto key = typename Set::key_type();
      (*this)(key);
      values.emplace_hint(values.end(), std::move(key));
    }
  }

  template <class Map>
  void load_map(Map& values) {
    values.clear();
    for (std::size_t count = decoder_.count(2); count != 0; --count) {
      auto key = typename Map::key_type();
      (*this)(key);
      const auto place = values.emplace_hint(values.end(), std::piecewise_construct,
                                             std::forward_as_tuple(std::move(key)), std::tuple<>());
      (*this)(place->second);
    }
  }

  // --- what cereal looks for: it finds these in the archive, and prefers them to its own ---

  template <class T>
  friend void prologue(CerealInputArchive& archive, const T&) {
    archive.enter<T>();
  }
  template <class T>
  friend void epilogue(CerealInputArchive& archive, const T&) {
    archive.leave<T>();
  }

  template <class T>
  requires std::is_arithmetic_v<T>
  friend void CEREAL_LOAD_FUNCTION_NAME(CerealInputArchive& archive, T& value) { value = archive.decoder_.get<T>(); }
  template <class T>
  friend void CEREAL_LOAD_FUNCTION_NAME(CerealInputArchive& archive, cereal::NameValuePair<T>& pair) {
    archive(pair.value);
  }
  // A length is that of elements which take at least a byte each; cereal and its users make room for them next.
  template <class T>
  friend void CEREAL_LOAD_FUNCTION_NAME(CerealInputArchive& archive, cereal::SizeTag<T>& tag) {
    tag.size = static_cast<std::remove_reference_t<T>>(archive.decoder_.count(1));
  }
  template <class T>
  friend void CEREAL_LOAD_FUNCTION_NAME(CerealInputArchive& archive, cereal::BinaryData<T>& data) {
    using Element = internal::BinaryElement<T>;
    const std::span<const std::byte> bytes = archive.decoder_.take(static_cast<std::size_t>(data.size));
    if constexpr (Bitwise<Element>) {
      for (std::size_t at = 0; !internal::kEveryPatternValid<Element> && at + sizeof(Element) <= bytes.size();
           at += sizeof(Element)) {
        if (!internal::bits_are_valid<Element>(bytes.data() + at)) {
          archive.decoder_.fail("a bool is neither true nor false");
        }
      }
    }
    if (!bytes.empty()) std::memcpy(data.data, bytes.data(), bytes.size());
  }

  template <class T>
  friend void CEREAL_LOAD_FUNCTION_NAME(CerealInputArchive& archive,
                                        cereal::memory_detail::PtrWrapper<std::shared_ptr<T>&>& wrapper) {
    wrapper.ptr = archive.load_shared<std::remove_const_t<T>>();
  }
  template <class T, class D>
  friend void CEREAL_LOAD_FUNCTION_NAME(CerealInputArchive& archive,
                                        cereal::memory_detail::PtrWrapper<std::unique_ptr<T, D>&>& wrapper) {
    wrapper.ptr.reset();
    if (!archive.decoder_.get<bool>()) return;
    using Object = std::remove_const_t<T>;
    archive.make<Object>([&](Object* object) { wrapper.ptr.reset(object); });
  }

  template <class C, class Traits, class A>
  friend void CEREAL_LOAD_FUNCTION_NAME(CerealInputArchive& archive, std::basic_string<C, Traits, A>& text) {
    archive.load_numbers(text);
  }
  template <class T, class A>
  friend void CEREAL_LOAD_FUNCTION_NAME(CerealInputArchive& archive, std::vector<T, A>& values) {
    if constexpr (std::is_arithmetic_v<T>) {
      archive.load_numbers(values);
    } else {
      archive.load_sequence(values);
    }
  }
  template <class A>
  friend void CEREAL_LOAD_FUNCTION_NAME(CerealInputArchive& archive, std::vector<bool, A>& bits) {
    bits.assign(archive.decoder_.count(1), false);
    for (std::size_t i = 0; i != bits.size(); ++i) bits[i] = archive.decoder_.get<bool>();
  }
  template <class T, class A>
  friend void CEREAL_LOAD_FUNCTION_NAME(CerealInputArchive& archive, std::deque<T, A>& values) {
    archive.load_sequence(values);
  }
  template <class T, class A>
  friend void CEREAL_LOAD_FUNCTION_NAME(CerealInputArchive& archive, std::list<T, A>& values) {
    archive.load_sequence(values);
  }
  template <class T, class A>
  friend void CEREAL_LOAD_FUNCTION_NAME(CerealInputArchive& archive, std::forward_list<T, A>& values) {
    values.clear();
    auto last = values.before_begin();
    for (std::size_t count = archive.decoder_.count(1); count != 0; --count) {
      last = values.emplace_after(last);
      archive(*last);
    }
  }

  template <class K, class Less, class A>
  friend void CEREAL_LOAD_FUNCTION_NAME(CerealInputArchive& archive, std::set<K, Less, A>& values) {
    archive.load_set(values);
  }
  template <class K, class Less, class A>
  friend void CEREAL_LOAD_FUNCTION_NAME(CerealInputArchive& archive, std::multiset<K, Less, A>& values) {
    archive.load_set(values);
  }
  template <class K, class Hash, class Equal, class A>
  friend void CEREAL_LOAD_FUNCTION_NAME(CerealInputArchive& archive, std::unordered_set<K, Hash, Equal, A>& values) {
    archive.load_set(values);
  }
  template <class K, class Hash, class Equal, class A>
  friend void CEREAL_LOAD_FUNCTION_NAME(CerealInputArchive& archive,
                                        std::unordered_multiset<K, Hash, Equal, A>& values) {
    archive.load_set(values);
  }
  template <class K, class V, class Less, class A>
  friend void CEREAL_LOAD_FUNCTION_NAME(CerealInputArchive& archive, std::map<K, V, Less, A>& values) {
    archive.load_map(values);
  }
  template <class K, class V, class Less, class A>
  friend void CEREAL_LOAD_FUNCTION_NAME(CerealInputArchive& archive, std::multimap<K, V, Less, A>& values) {
    archive.load_map(values);
  }
  template <class K, class V, class Hash, class Equal, class A>
  friend void CEREAL_LOAD_FUNCTION_NAME(CerealInputArchive& archive, std::unordered_map<K, V, Hash, Equal, A>& values) {
    archive.load_map(values);
  }
  template <class K, class V, class Hash, class Equal, class A>
  friend void CEREAL_LOAD_FUNCTION_NAME(CerealInputArchive& archive,
                                        std::unordered_multimap<K, V, Hash, Equal, A>& values) {
    archive.load_map(values);
  }

  template <class T>
  friend void CEREAL_LOAD_FUNCTION_NAME(CerealInputArchive& archive, std::valarray<T>& values) {
    if constexpr (std::is_arithmetic_v<T>) {
      values.resize(archive.decoder_.count(sizeof(T)));
      for (T& value : values) archive(value);
    } else {
      std::vector<T> elements;  // which grows with what is read
      archive.load_sequence(elements);
      values.resize(elements.size());
      std::move(elements.begin(), elements.end(), std::begin(values));
    }
  }

  // Of the four forms that cereal reads, the one that it writes here; another would throw std::invalid_argument.
  template <std::size_t N>
  friend void CEREAL_LOAD_FUNCTION_NAME(CerealInputArchive& archive, std::bitset<N>& bits) {
    constexpr std::uint8_t kAsBytes = 3;
    if (archive.decoder_.get<std::uint8_t>() != kAsBytes) archive.decoder_.fail("not the form of a bitset");
    const std::span<const std::byte> bytes = archive.decoder_.take((N + 7) / 8);
    for (std::size_t i = 0; i != N; ++i) bits[i] = (std::to_integer<unsigned>(bytes[i / 8]) & (0x80U >> (i % 8))) != 0;
  }

  Decoder& decoder_;
  std::size_t begin_ = 0;  // of the object entered last
  std::size_t room_;       // how much vectors may still allocate before they have seen what for
  int depth_ = 0;
  std::vector<SharedObject> shared_;  // in the order of their numbers, which begin at 1
};

}  // namespace brigade

CEREAL_SETUP_ARCHIVE_TRAITS(brigade::CerealInputArchive, brigade::CerealOutputArchive)
CEREAL_REGISTER_ARCHIVE(brigade::CerealOutputArchive)
CEREAL_REGISTER_ARCHIVE(brigade::CerealInputArchive)

// How a registered type is read where a pointer to a base is expected. Unlike cereal's own, this makes no object that
// is not derived from that base, of which the only pointer would be lost on the way to the exception.
template <class T>
struct cereal::detail::InputBindingCreator<brigade::CerealInputArchive, T> {
  InputBindingCreator() {
    using Bindings = InputBindingMap<brigade::CerealInputArchive>;
    const auto lock = StaticObject<Bindings>::lock();
    typename Bindings::Serializers readers;
    readers.shared_ptr = [](void* archive, std::shared_ptr<void>& pointer, const std::type_info& base) {
      std::shared_ptr<T> object;
      read(archive, object, base);
      pointer = PolymorphicCasters::upcast<T>(object, base);
    };
    readers.unique_ptr = [](void* archive, std::unique_ptr<void, EmptyDeleter<void>>& pointer,
                            const std::type_info& base) {
      std::unique_ptr<T> object;
      read(archive, object, base);
      pointer.reset(PolymorphicCasters::upcast<T>(object.get(), base));
      static_cast<void>(object.release());
    };
    StaticObject<Bindings>::getInstance().map.emplace(binding_name<T>::name(), std::move(readers));
  }

 private:
  template <class Pointer>
  static void read(void* archive, Pointer& object, const std::type_info& base) {
    if (!PolymorphicCasters::lookup_if_exists(base, typeid(T)).first) {
      throw Exception(std::string(binding_name<T>::name()) + " is not derived from what is expected");
    }
    (*static_cast<brigade::CerealInputArchive*>(archive))(memory_detail::make_ptr_wrapper(object));
  }
};

namespace brigade::internal {

// A class that has no way of its own to travel. What has a Codec, and what is of the standard library, is left alone.
template <class T>
concept LeftToCereal =
    std::is_class_v<T> && !HasCodec<T> && !is_of_std<T>() && (enable_cereal<T> || !kTravelsWithoutForeignCodecs<T>);

template <class T>
concept CerealWrites = cereal::traits::is_output_serializable<T, CerealOutputArchive>::value;
template <class T>
concept CerealReads = cereal::traits::is_input_serializable<T, CerealInputArchive>::value;

// Whether the default constructor is private cannot be seen from here; enable_cereal vouches for it.
template <class T>
concept CerealMakes = cereal::traits::has_load_and_construct<T, CerealInputArchive>::value ||
    (CerealReads<T> && (std::is_default_constructible_v<T> || enable_cereal<T>));

template <class T>
concept CerealValue =
    LeftToCereal<T> && !std::is_abstract_v<T> && std::is_move_constructible_v<T> && CerealWrites<T> && CerealMakes<T>;

template <class T>
concept CerealBase = LeftToCereal<T> && std::is_abstract_v<T> &&
    (enable_cereal<T> || (CerealWrites<T> && CerealReads<T>));
template <class T>
concept CerealObject = LeftToCereal<T> && !std::is_abstract_v<T> && CerealWrites<T> && CerealMakes<T>;
template <class T>
concept CerealPointee = CerealBase<std::remove_const_t<T>> || CerealObject<std::remove_const_t<T>>;

template <class T>
void write_with_cereal(Encoder& encoder, const T& value) {
  try {
    CerealOutputArchive archive(encoder);
    archive(value);
  } catch (const cereal::Exception& error) {
    fail_to_encode(error.what());
  }
}

template <CerealValue T>
struct ForeignCodec<T> {
  static void encode(Encoder& encoder, const T& value) { write_with_cereal(encoder, value); }
  static T decode(Decoder& decoder) {
    try {
      CerealInputArchive archive(decoder);
      if constexpr (CerealReads<T> && std::is_default_constructible_v<T>) {
        T value = T();
        archive(value);
        return value;
      } else {
        std::unique_ptr<T> value;
        archive.make<T>([&](T* object) { value.reset(object); });
        return std::move(*value);
      }
    } catch (const cereal::Exception& error) {
      decoder.fail(error.what());
    }
  }
};

template <class Pointer>
struct CerealPointerCodec {
  static void encode(Encoder& encoder, const Pointer& value) { write_with_cereal(encoder, value); }
  static Pointer decode(Decoder& decoder) {
    try {
      CerealInputArchive archive(decoder);
      Pointer value;
      archive(value);
      return value;
    } catch (const cereal::Exception& error) {
      decoder.fail(error.what());
    }
  }
};

template <CerealPointee T>
struct ForeignCodec<std::unique_ptr<T>> : CerealPointerCodec<std::unique_ptr<T>> {};
template <CerealPointee T>
struct ForeignCodec<std::shared_ptr<T>> : CerealPointerCodec<std::shared_ptr<T>> {};

}  // namespace brigade::internal
