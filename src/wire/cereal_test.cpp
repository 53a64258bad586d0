// SPDX-License-Identifier: MIT
#include <brigade/cereal.hpp>

#include <algorithm>
#include <array>
#include <bitset>
#include <cstdlib>
#include <cstring>
#include <map>
#include <new>
#include <optional>
#include <random>
#include <set>
#include <string>
#include <unordered_map>
#include <variant>
#include <vector>

#include <cereal/types/array.hpp>
#include <cereal/types/bitset.hpp>
#include <cereal/types/deque.hpp>
#include <cereal/types/forward_list.hpp>
#include <cereal/types/list.hpp>
#include <cereal/types/map.hpp>
#include <cereal/types/optional.hpp>
#include <cereal/types/queue.hpp>
#include <cereal/types/set.hpp>
#include <cereal/types/string.hpp>
#include <cereal/types/tuple.hpp>
#include <cereal/types/unordered_map.hpp>
#include <cereal/types/unordered_set.hpp>
#include <cereal/types/utility.hpp>
#include <cereal/types/valarray.hpp>
#include <cereal/types/variant.hpp>
#include <cereal/types/vector.hpp>

#include <gtest/gtest.h>

#include <brigade/process_pool_executor.hpp>
#include "wire/allocation_count.hpp"

// The classes of somebody who uses cereal and has never heard of brigade.
namespace zoo {

class Member {
 public:
  Member() = default;
  explicit Member(int number) : number_(number) {}
  bool operator==(const Member&) const = default;

 private:
  friend class cereal::access;
  template <class Archive>
  void serialize(Archive& archive) {
    archive(number_);
  }
  int number_ = 0;
};

class Free {
 public:
  Free() = default;
  explicit Free(std::string text) : text_(std::move(text)) {}
  std::string& text() { return text_; }
  bool operator==(const Free&) const = default;

 private:
  std::string text_;
};
template <class Archive>
void serialize(Archive& archive, Free& free) {
  archive(free.text());
}

class Split {
 public:
  Split() = default;
  explicit Split(int number) : number_(number) {}
  bool operator==(const Split&) const = default;
  template <class Archive>
  void save(Archive& archive) const {
    archive(number_ + 1);
  }
  template <class Archive>
  void load(Archive& archive) {
    archive(number_);
    --number_;
  }

 private:
  int number_ = 0;
};

class Minimal {
 public:
  Minimal() = default;
  explicit Minimal(std::string text) : text_(std::move(text)) {}
  bool operator==(const Minimal&) const = default;
  template <class Archive>
  std::string save_minimal(const Archive&) const {
    return text_;
  }
  template <class Archive>
  void load_minimal(const Archive&, const std::string& text) {
    text_ = text;
  }

 private:
  std::string text_;
};

class Versioned {
 public:
  Versioned() = default;
  explicit Versioned(int number) : number_(number) {}
  bool operator==(const Versioned&) const = default;
  std::uint32_t version() const { return version_; }
  template <class Archive>
  void serialize(Archive& archive, std::uint32_t version) {
    version_ = version;
    archive(number_);
  }

 private:
  int number_ = 0;
  std::uint32_t version_ = 3;
};

// Neither default-constructible nor assignable.
class Constructed {
 public:
  explicit Constructed(int number) : number_(number) {}
  bool operator==(const Constructed&) const = default;
  template <class Archive>
  void serialize(Archive& archive) {
    archive(number_, text_);
  }
  template <class Archive>
  static void load_and_construct(Archive& archive, cereal::construct<Constructed>& construct) {
    int number = 0;
    archive(number);
    construct(number);
    archive(construct->text_);
  }
  Constructed& with(std::string text) {
    text_ = std::move(text);
    return *this;
  }

 private:
  int number_;
  std::string text_;
};

class Private {
 public:
  static Private of(int number) {
    Private made;
    made.number_ = number;
    return made;
  }
  bool operator==(const Private&) const = default;

 private:
  friend class cereal::access;
  Private() = default;
  template <class Archive>
  void serialize(Archive& archive) {
    archive(number_);
  }
  int number_ = 0;
};

class Nothing {
 public:
  Nothing() = default;
  Nothing(const Nothing&) {}
  Nothing& operator=(const Nothing&) = default;
  bool operator==(const Nothing&) const { return true; }
  bool operator<(const Nothing&) const { return false; }
  template <class Archive>
  void serialize(Archive&) {}
};

enum class Colour : std::uint8_t { red, green };
enum class Answer : bool { no, yes };

// Every container that cereal has.
class Everything {
  auto fields() const {
    return std::tie(yes, letter, number, real, colour, answer, text, wide, numbers, bits, flags, switches[0],
                    switches[1], list, deque, forward, set, multiset, unordered_set, unordered_multiset, map, multimap,
                    unordered_map, unordered_multimap, pair, tuple, optional, none, variant, array, bitset, nothings,
                    members);
  }

 public:
  bool operator==(const Everything& other) const {
    return std::equal(begin(others), end(others), begin(other.others), end(other.others)) && fields() == other.fields();
  }
  template <class Archive>
  void serialize(Archive& archive) {
    archive(yes, letter, number, real, colour, answer, text, wide, numbers, bits, flags, switches, list, deque, forward,
            set, multiset, unordered_set, unordered_multiset, map, multimap, unordered_map, unordered_multimap, pair,
            tuple, optional, none, variant, array, bitset, nothings, others, members);
  }

  bool yes = false;
  char letter = 0;
  std::int64_t number = 0;
  long double real = 0;
  Colour colour = Colour::red;
  Answer answer = Answer::no;
  std::string text;
  std::u16string wide;
  std::vector<double> numbers;
  std::vector<bool> bits;
  std::array<bool, 3> flags{};
  bool switches[2] = {};
  std::list<std::string> list;
  std::deque<int> deque;
  std::forward_list<Member> forward;
  std::set<std::string> set;
  std::multiset<int> multiset;
  std::unordered_set<int> unordered_set;
  std::unordered_multiset<std::string> unordered_multiset;
  std::map<std::string, std::vector<int>> map;
  std::multimap<int, Free> multimap;
  std::unordered_map<int, std::string> unordered_map;
  std::unordered_multimap<int, int> unordered_multimap;
  std::pair<int, std::string> pair;
  std::tuple<int, Member> tuple;
  std::optional<std::string> optional;
  std::optional<int> none;
  std::variant<std::monostate, int, Free> variant;
  std::array<std::string, 2> array;
  std::bitset<11> bitset;
  std::vector<Nothing> nothings;
  std::valarray<int> others;
  std::vector<Member> members;
};

inline Everything everything() {
  Everything all;
  all.yes = true;
  all.letter = 'x';
  all.number = -5;
  all.real = 1.0L / 3;
  all.colour = Colour::green;
  all.answer = Answer::yes;
  all.text = "text";
  all.wide = u"wide";
  all.numbers = {1, 2.5, -0.0};
  all.bits = {true, false, true};
  all.flags = {true, false, true};
  all.switches[1] = true;
  all.list = {"a", "", "c"};
  all.deque = {1, 2};
  all.forward = {Member(1), Member(2)};
  all.set = {"a", "b"};
  all.multiset = {1, 1};
  all.unordered_set = {1, 2, 3};
  all.unordered_multiset = {"x", "x"};
  all.map = {{"a", {1, 2}}, {"b", {}}};
  all.multimap = {{1, Free("one")}, {1, Free("uno")}};
  all.unordered_map = {{1, "one"}, {2, "two"}};
  all.unordered_multimap = {{1, 2}, {1, 3}};
  all.pair = {1, "first"};
  all.tuple = {2, Member(3)};
  all.optional = "there";
  all.variant = Free("held");
  all.array = {"left", "right"};
  all.bitset = 0x5a5;
  all.nothings.resize(3);
  all.others = {7, 8};
  all.members = std::vector<Member>(5, Member(9));
  return all;
}

// --- objects that are shared ---

// Public fields, but for weak_ptr none of brigade's ways would do.
struct Node {
  std::string name;
  std::vector<std::shared_ptr<Node>> children;
  std::weak_ptr<Node> parent;

  template <class Archive>
  void serialize(Archive& archive) {
    archive(name, children, parent);
  }
};

inline std::shared_ptr<Node> family() {
  const auto root = std::make_shared<Node>(Node{"root", {}, {}});
  for (const char* name : {"ann", "ben"}) root->children.push_back(std::make_shared<Node>(Node{name, {}, root}));
  root->children.push_back(root->children[0]);
  return root;
}

// Only the list owns, so that no bytes make a circle that nobody frees.
class Network {
 public:
  struct Place {
    std::string name;
    std::vector<std::weak_ptr<Place>> neighbours;
    template <class Archive>
    void serialize(Archive& archive) {
      archive(name, neighbours);
    }
  };
  std::vector<std::shared_ptr<Place>> places;

  template <class Archive>
  void serialize(Archive& archive) {
    archive(places);
  }
};

inline Network network() {
  Network made;
  for (const char* name : {"a", "b", "c"})
    made.places.push_back(std::make_shared<Network::Place>(Network::Place{name, {}}));
  for (const auto& from : made.places) from->neighbours.assign(made.places.begin(), made.places.end());
  return made;
}

// Would travel by itself, and its pointers as values of their own.
struct Pair {
  std::shared_ptr<std::string> first;
  std::shared_ptr<std::string> second;
  template <class Archive>
  void serialize(Archive& archive) {
    archive(first, second);
  }
};
struct SharingPair : Pair {};
struct KeptTogether {
  std::shared_ptr<std::string> first;
  std::shared_ptr<std::string> second;
  template <class Archive>
  void serialize(Archive& archive) {
    archive(first, second);
  }
};

// The first field lies where the whole lies.
struct Whole {
  int first;
  int second;
  template <class Archive>
  void serialize(Archive& archive) {
    archive(first, second);
  }
};
class Aliases {
 public:
  std::shared_ptr<Whole> whole;
  std::shared_ptr<int> part;
  template <class Archive>
  void serialize(Archive& archive) {
    archive(whole, part);
  }
};

class Numbers {
 public:
  std::shared_ptr<int> one;
  std::shared_ptr<std::string> other;
  template <class Archive>
  void serialize(Archive& archive) {
    archive(one, other);
  }
};

// Constructed from what it owns; it may be asked for a pointer to itself before it is there.
class Owner : public std::enable_shared_from_this<Owner> {
 public:
  explicit Owner(std::shared_ptr<Owner> other) : other_(std::move(other)) {}
  const std::shared_ptr<Owner>& other() const { return other_; }
  const std::string& name() const { return name_; }
  void rename(std::string name) { name_ = std::move(name); }
  bool knew_itself() const { return knew_itself_; }

  template <class Archive>
  void serialize(Archive& archive) {
    archive(other_, name_);
  }
  template <class Archive>
  static void load_and_construct(Archive& archive, cereal::construct<Owner>& construct) {
    std::shared_ptr<Owner> other;
    archive(other);
    construct(std::move(other));
    construct->knew_itself_ = construct->weak_from_this().lock().get() == construct.ptr();
    archive(construct->name_);
  }

 private:
  std::shared_ptr<Owner> other_;
  std::string name_;
  bool knew_itself_ = false;
};

// --- pointers to a base ---

class Shape {
 public:
  virtual ~Shape() = default;
  virtual double area() const = 0;
  template <class Archive>
  void serialize(Archive& archive) {
    archive(name);
  }
  std::string name;
};
class Square : public Shape {
 public:
  explicit Square(double side = 0) : side_(side) {}
  double area() const override { return side_ * side_; }
  template <class Archive>
  void serialize(Archive& archive) {
    archive(cereal::base_class<Shape>(this), side_);
  }

 private:
  double side_;
};
class Circle : public Shape {
 public:
  explicit Circle(double radius) : radius_(radius) {}
  double area() const override { return 3 * radius_ * radius_; }
  template <class Archive>
  void serialize(Archive& archive) {
    archive(cereal::base_class<Shape>(this), radius_);
  }
  template <class Archive>
  static void load_and_construct(Archive& archive, cereal::construct<Circle>& construct) {
    std::string name;
    double radius = 0;
    archive(cereal::make_nvp("name", name), radius);
    construct(radius);
    construct->name = name;
  }

 private:
  double radius_;
};
class Unknown : public Shape {
 public:
  double area() const override { return 0; }
};

// A base class without data.
class Sound {
 public:
  virtual ~Sound() = default;
  virtual std::string say() const = 0;
};
class Miauw : public Sound {
 public:
  std::string say() const override { return "miauw"; }
  template <class Archive>
  void serialize(Archive&) {}
};

class Drawing {
 public:
  std::vector<std::unique_ptr<Shape>> shapes;
  std::shared_ptr<Shape> first;
  std::shared_ptr<Shape> second;
  template <class Archive>
  void serialize(Archive& archive) {
    archive(shapes, first, second);
  }
};

inline Drawing drawing() {
  Drawing made;
  made.shapes.push_back(std::make_unique<Square>(2));
  made.shapes.push_back(std::make_unique<Circle>(3));
  made.shapes.push_back(nullptr);
  made.shapes[0]->name = "square";
  made.first = std::make_shared<Circle>(1);
  made.second = made.first;
  return made;
}

// Read as what it is not: no serialize().
class Silent {
 public:
  explicit Silent(int number) : number_(number) {}
  int number() const { return number_; }

 private:
  int number_;
};

// As a list is linked that must not be followed forever.
class Chain {
 public:
  std::unique_ptr<Chain> next;
  template <class Archive>
  void serialize(Archive& archive) {
    archive(next);
  }
  bool operator==(const Chain&) const = delete;

 private:
  int kept_private_ = 0;
};

// Held in an aggregate that knows nothing of cereal.
struct Cage {
  int number;
  Member member;
  std::vector<Free> frees;
  std::shared_ptr<Node> node;
};

}  // namespace zoo

CEREAL_CLASS_VERSION(zoo::Versioned, 7)
CEREAL_REGISTER_TYPE_WITH_NAME(zoo::Square, "square")
CEREAL_REGISTER_TYPE_WITH_NAME(zoo::Circle, "circle")
CEREAL_REGISTER_TYPE_WITH_NAME(zoo::Miauw, "miauws")
CEREAL_REGISTER_POLYMORPHIC_RELATION(zoo::Sound, zoo::Miauw)

template <>
inline constexpr bool brigade::enable_cereal<zoo::Private> = true;
template <>
inline constexpr bool brigade::enable_cereal<zoo::KeptTogether> = true;
template <>
inline constexpr bool brigade::enable_cereal<zoo::Aliases> = true;
template <>
inline constexpr bool brigade::enable_cereal<zoo::Numbers> = true;
template <>
inline constexpr bool brigade::enable_cereal<zoo::Chain> = true;
template <>
inline constexpr bool brigade::enable_cereal<zoo::Sound> = true;

namespace brigade {
namespace {

static_assert(Sendable<zoo::Member> && Sendable<zoo::Free> && Sendable<zoo::Split> && Sendable<zoo::Minimal>);
static_assert(Sendable<zoo::Versioned> && Sendable<zoo::Constructed> && Sendable<zoo::Private>);
static_assert(Sendable<zoo::Node> && Sendable<std::shared_ptr<zoo::Node>> && Sendable<std::unique_ptr<zoo::Node>>);
static_assert(Sendable<std::unique_ptr<zoo::Shape>> && Sendable<std::shared_ptr<const zoo::Shape>>);
static_assert(Sendable<std::unique_ptr<zoo::Sound>> && Sendable<std::vector<zoo::Cage>> && Sendable<zoo::Drawing>);
static_assert(!Sendable<zoo::Shape> && !Sendable<zoo::Silent> && !Sendable<std::unique_ptr<zoo::Silent>>);
static_assert(!Sendable<std::weak_ptr<zoo::Node>> && !Sendable<std::weak_ptr<int>> && !Sendable<std::valarray<int>>);
static_assert(!Sendable<zoo::Node*> && !Sendable<std::unique_ptr<zoo::Member[]>> && !Sendable<std::bitset<3>>);
static_assert(!internal::HasForeignCodec<zoo::Pair> && !internal::HasForeignCodec<zoo::Whole> && Bitwise<zoo::Whole>);
static_assert(!internal::HasForeignCodec<std::shared_ptr<int>> && !internal::HasForeignCodec<std::vector<zoo::Member>>);
static_assert(internal::HasForeignCodec<zoo::Everything> && internal::HasForeignCodec<zoo::Network>);
static_assert(!internal::HasForeignCodec<zoo::Cage> && internal::HasForeignCodec<zoo::SharingPair>);

template <class T>
std::vector<std::byte> bytes_of(const T& value) {
  Encoder encoder;
  encode(encoder, value);
  return encoder.to_vector();
}

template <class T>
T round_trip(const T& value) {
  const std::vector<std::byte> bytes = bytes_of(value);
  Decoder decoder(bytes);
  T copy = decode<T>(decoder);
  EXPECT_EQ(decoder.remaining(), 0U);
  return copy;
}

TEST(Cereal, EachFormOfSerializationArrives) {
  EXPECT_EQ(round_trip(zoo::Member(5)), zoo::Member(5));
  EXPECT_EQ(round_trip(zoo::Free("free")), zoo::Free("free"));
  EXPECT_EQ(round_trip(zoo::Split(5)), zoo::Split(5));
  EXPECT_EQ(round_trip(zoo::Minimal("minimal")), zoo::Minimal("minimal"));
  EXPECT_EQ(round_trip(zoo::Private::of(5)), zoo::Private::of(5));
  EXPECT_EQ(round_trip(zoo::Nothing()), zoo::Nothing());
}

TEST(Cereal, AVersionedClassIsGivenItsVersion) {
  const auto copies = round_trip(std::vector<zoo::Versioned>(2, zoo::Versioned(4)));
  for (const zoo::Versioned& copy : copies) EXPECT_EQ(copy.version(), 7U);
}

TEST(Cereal, EveryContainerOfCerealArrives) {
  EXPECT_EQ(round_trip(zoo::everything()), zoo::everything());
  EXPECT_EQ(round_trip(zoo::Everything()), zoo::Everything());
}

TEST(Cereal, ContainersOfTheLibraryHoldThem) {
  const std::map<std::string, std::vector<zoo::Member>> map{{"a", {zoo::Member(1), zoo::Member(2)}}, {"b", {}}};
  EXPECT_EQ(round_trip(map), map);
  const std::vector<zoo::Nothing> nothings(3);
  EXPECT_EQ(round_trip(nothings), nothings);
  const std::optional<std::pair<zoo::Free, int>> pair(std::in_place, zoo::Free("f"), 1);
  EXPECT_EQ(round_trip(pair), pair);
}

TEST(Cereal, AClassIsConstructedAsItWants) {
  const auto value = zoo::Constructed(6).with("six");
  EXPECT_EQ(round_trip(value), value);
  EXPECT_EQ(*round_trip(std::make_unique<zoo::Constructed>(value)), value);
  EXPECT_EQ(*round_trip(std::make_shared<zoo::Constructed>(value)), value);
  EXPECT_EQ(round_trip(std::vector<zoo::Constructed>{value, value}).at(1), value);
  EXPECT_EQ(round_trip(std::unique_ptr<zoo::Constructed>()), nullptr);
}

TEST(Cereal, AnAggregateThatKnowsNothingOfItMayHoldThem) {
  const zoo::Cage copy = round_trip(zoo::Cage{1, zoo::Member(2), {zoo::Free("3")}, zoo::family()});
  EXPECT_EQ(copy.member, zoo::Member(2));
  EXPECT_EQ(copy.frees.at(0), zoo::Free("3"));
  EXPECT_EQ(copy.node->children.at(1)->name, "ben");
}

TEST(Cereal, WhatIsSharedArrivesSharedAndACycleAsACycle) {
  const std::shared_ptr<zoo::Node> copy = round_trip(zoo::family());
  ASSERT_EQ(copy->children.size(), 3U);
  EXPECT_EQ(copy->children[0], copy->children[2]);
  EXPECT_NE(copy->children[0], copy->children[1]);
  for (const auto& child : copy->children) EXPECT_EQ(child->parent.lock(), copy);
  EXPECT_EQ(copy->children[1]->name, "ben");
  EXPECT_EQ(copy.use_count(), 1);

  const zoo::Network network = round_trip(zoo::network());
  for (const auto& place : network.places) {
    for (std::size_t i = 0; i != 3; ++i) EXPECT_EQ(place->neighbours.at(i).lock(), network.places[i]);
  }
}

TEST(Cereal, AnAggregateThatTravelsByItselfKeepsSharingOnlyIfItSaysSo) {
  const auto text = std::make_shared<std::string>("shared");
  const auto parted = round_trip(zoo::Pair{text, text});
  EXPECT_EQ(*parted.first, *parted.second);
  EXPECT_NE(parted.first, parted.second);
  const auto kept = round_trip(zoo::KeptTogether{text, text});
  EXPECT_EQ(*kept.first, "shared");
  EXPECT_EQ(kept.first, kept.second);
}

TEST(Cereal, TwoTypesAtOneAddressAreTwoObjects) {
  zoo::Aliases value;
  value.whole = std::make_shared<zoo::Whole>(zoo::Whole{1, 2});
  value.part = std::shared_ptr<int>(value.whole, &value.whole->first);
  const zoo::Aliases copy = round_trip(value);
  EXPECT_EQ(copy.whole->second, 2);
  EXPECT_EQ(*copy.part, 1);
}

TEST(Cereal, APointerToABaseArrivesAsWhatItPointedTo) {
  const zoo::Drawing copy = round_trip(zoo::drawing());
  EXPECT_EQ(copy.shapes.at(0)->area(), 4);
  EXPECT_EQ(copy.shapes.at(0)->name, "square");
  EXPECT_EQ(copy.shapes.at(1)->area(), 27);
  EXPECT_EQ(copy.shapes.at(2), nullptr);
  EXPECT_EQ(copy.first, copy.second);
  EXPECT_NE(dynamic_cast<const zoo::Circle*>(copy.first.get()), nullptr);

  EXPECT_EQ(round_trip(std::unique_ptr<zoo::Shape>(new zoo::Square(3)))->area(), 9);
  EXPECT_EQ(round_trip(std::make_shared<zoo::Square>(3.0))->area(), 9);
  EXPECT_EQ(round_trip(zoo::Square(3)).area(), 9);
  EXPECT_EQ(round_trip(std::shared_ptr<const zoo::Shape>(new zoo::Circle(1)))->area(), 3);
  EXPECT_EQ(round_trip(std::unique_ptr<zoo::Sound>(new zoo::Miauw))->say(), "miauw");
  EXPECT_EQ(round_trip(std::shared_ptr<zoo::Shape>()), nullptr);
}

TEST(Cereal, ATypeThatIsNotRegisteredIsRefused) {
  Encoder encoder;
  EXPECT_THROW(encode(encoder, std::unique_ptr<zoo::Shape>(new zoo::Unknown)), SerializationError);
}

TEST(Cereal, AnObjectKnowsItselfOnceItIsConstructed) {
  auto owner = std::make_shared<zoo::Owner>(std::make_shared<zoo::Owner>(nullptr));
  owner->rename("owner");
  const std::shared_ptr<zoo::Owner> copy = round_trip(owner);
  EXPECT_EQ(copy->name(), "owner");
  EXPECT_TRUE(copy->knew_itself());
  EXPECT_TRUE(copy->other()->knew_itself());
  EXPECT_EQ(copy->shared_from_this(), copy);
}

// --- tasks ------------------------------------------------------------------------------------------------------

zoo::Drawing doubled(const zoo::Drawing& drawing, std::unique_ptr<zoo::Shape> more) {
  zoo::Drawing result;
  for (const auto& shape : drawing.shapes) {
    if (shape) result.shapes.push_back(std::make_unique<zoo::Square>(2 * shape->area()));
  }
  result.shapes.push_back(std::move(more));
  result.first = drawing.first;
  result.second = drawing.first == drawing.second ? drawing.second : nullptr;
  return result;
}

std::shared_ptr<zoo::Node> second_child(const std::shared_ptr<zoo::Node>& root) {
  const auto child = root->children.at(1);
  child->name += " of " + child->parent.lock()->name;
  return child;
}

TEST(Cereal, TheyAreArgumentsAndResultsOfTasks) {
  ProcessPoolExecutor pool(1);
  auto drawn = pool.submit(doubled, zoo::drawing(), std::unique_ptr<zoo::Shape>(new zoo::Circle(1)));
  auto child = pool.submit(second_child, zoo::family());
  const zoo::Drawing& result = drawn.result();
  ASSERT_EQ(result.shapes.size(), 3U);
  EXPECT_EQ(result.shapes[0]->area(), 64);
  EXPECT_EQ(result.shapes[2]->area(), 3);
  EXPECT_NE(result.first, nullptr);
  EXPECT_EQ(result.first, result.second);
  EXPECT_EQ(child.result()->name, "ben of root");
}

// --- bytes that nobody wrote ------------------------------------------------------------------------------------

// Whether a T can be read from the bytes. Fails the test if anything but SerializationError comes out.
template <class T>
bool can_decode(std::span<const std::byte> bytes) {
  Decoder decoder(bytes);
  try {
    static_cast<void>(decode<T>(decoder));
    return true;
  } catch (const SerializationError&) {
    return false;
  } catch (const std::exception& error) {
    ADD_FAILURE() << internal::type_name<T>() << ": " << error.what();
    return false;
  }
}

template <class F>
void for_each_value(F f) {
  f(zoo::Member(1));
  f(zoo::Free("text"));
  f(zoo::Minimal("text"));
  f(zoo::Versioned(1));
  f(zoo::Constructed(1).with("text"));
  f(std::make_unique<zoo::Constructed>(zoo::Constructed(1).with("text")));
  f(zoo::everything());
  f(zoo::network());
  f(zoo::drawing());
  f(zoo::KeptTogether{std::make_shared<std::string>("one"), std::make_shared<std::string>("two")});
  f(std::vector<zoo::Nothing>(3));
}

TEST(CerealMalformed, BytesThatEndAnywhereTooEarlyAreRefused) {
  for_each_value([]<class T>(const T& value) {
    const std::vector<std::byte> bytes = bytes_of(value);
    for (std::size_t length = 0; length != bytes.size(); ++length) {
      // A copy of exactly that length, so that a sanitizer sees what lies behind it being read.
      const std::vector<std::byte> prefix(bytes.begin(), bytes.begin() + static_cast<std::ptrdiff_t>(length));
      EXPECT_FALSE(can_decode<T>(prefix)) << internal::type_name<T>() << " from " << length << " bytes";
    }
    EXPECT_TRUE(can_decode<T>(bytes)) << internal::type_name<T>();
  });
}

// Wherever a length lies, it is met here.
TEST(CerealMalformed, AHugeLengthAnywhereAllocatesNoMoreThanTheBytesJustify) {
  for_each_value([]<class T>(const T& value) {
    const std::vector<std::byte> valid = bytes_of(value);
    for (const std::uint64_t length : {~0ULL, 1ULL << 63, 1ULL << 61, 1ULL << 40, 1ULL << 31, 100000ULL}) {
      for (std::size_t at = 0; at + sizeof length <= valid.size(); ++at) {
        std::vector<std::byte> bytes = valid;
        std::memcpy(bytes.data() + at, &length, sizeof length);
        allocated_bytes = 0;
        can_decode<T>(bytes);
        EXPECT_LT(allocated_bytes, 4096 + 64 * bytes.size()) << internal::type_name<T>() << " at " << at;
      }
    }
  });
}

TEST(CerealMalformed, BytesOfOneKindAllocateNoMoreThanTheyJustify) {
  for_each_value([]<class T>(const T&) {
    for (const std::byte fill : {std::byte{0xff}, std::byte{0x7f}, std::byte{1}, std::byte{0}}) {
      const std::vector<std::byte> bytes(4096, fill);
      allocated_bytes = 0;
      can_decode<T>(bytes);
      EXPECT_LT(allocated_bytes, 64 * bytes.size()) << internal::type_name<T>();
    }
  });
}

// Deterministic, so that a failure can be seen again.
TEST(CerealMalformed, RandomBytesNeverDoMoreThanThrow) {
  std::mt19937 random(20240229);
  for_each_value([&]<class T>(const T& value) {
    const std::vector<std::byte> valid = bytes_of(value);
    for (int round = 0; round != 400; ++round) {
      std::vector<std::byte> bytes = valid;
      for (unsigned changes = 1 + random() % 4; changes != 0; --changes) {
        bytes[random() % bytes.size()] = static_cast<std::byte>(random() % (round % 2 == 0 ? 4 : 256));
      }
      can_decode<T>(bytes);
    }
  });
}

// Every level of a tree claims as many children as there are bytes left.
TEST(CerealMalformed, LengthsInsideLengthsDoNotMultiply) {
  Encoder encoder;
  constexpr std::uint64_t kLevels = 300;
  encoder.put(std::uint32_t{0x80000001});
  for (std::uint64_t i = 0; i != kLevels; ++i) {
    encoder.put(std::uint64_t{0});                            // the name
    encoder.put(std::uint64_t{(kLevels - i - 1) * 20});       // children
    encoder.put(static_cast<std::uint32_t>(0x80000002 + i));  // the first of them
  }
  const auto bytes = encoder.to_vector();
  allocated_bytes = 0;
  EXPECT_FALSE(can_decode<std::shared_ptr<zoo::Node>>(bytes));
  EXPECT_LT(allocated_bytes, 64 * bytes.size());
}

TEST(CerealMalformed, EveryBoolIsChecked) {
  const zoo::Everything all = zoo::everything();
  const std::vector<std::byte> valid = bytes_of(all);
  std::size_t bools = 0;
  for (std::size_t at = 0; at != valid.size(); ++at) {
    if (valid[at] != std::byte{1}) continue;
    std::vector<std::byte> bytes = valid;
    bytes[at] = std::byte{0};
    Decoder decoder(bytes);
    try {
      const auto copy = decode<zoo::Everything>(decoder);
      const bool changed = copy.yes != all.yes || copy.answer != all.answer || copy.bits != all.bits ||
                           copy.flags != all.flags || copy.switches[1] != all.switches[1];
      if (!changed) continue;
    } catch (const SerializationError&) {
      continue;
    }
    ++bools;
    bytes[at] = std::byte{2};
    EXPECT_FALSE(can_decode<zoo::Everything>(bytes)) << at;
  }
  EXPECT_EQ(bools, 7U);
}

TEST(CerealMalformed, ASharedObjectIsOnlyWhatItWasMadeAs) {
  zoo::Numbers value;
  value.one = std::make_shared<int>(1);
  value.other = std::make_shared<std::string>("two");
  std::vector<std::byte> bytes = bytes_of(value);
  const std::size_t second = 8;
  ASSERT_EQ(bytes.at(second), std::byte{2});
  bytes.resize(second + 4);
  const auto decodes_with = [&](std::uint32_t id) {
    std::memcpy(bytes.data() + second, &id, sizeof id);
    return can_decode<zoo::Numbers>(bytes);
  };
  EXPECT_TRUE(decodes_with(0));
  EXPECT_FALSE(decodes_with(1));  // an int, not a string
  EXPECT_FALSE(decodes_with(2));  // not sent
  EXPECT_FALSE(decodes_with(0x7fffffff));
  EXPECT_FALSE(decodes_with(0x80000000));  // new, with a number that is none
  EXPECT_FALSE(decodes_with(0x80000001));  // new, with the number of another
}

TEST(CerealMalformed, AnObjectThatIsNotConstructedYetIsNotHandedOut) {
  Encoder encoder;
  encoder.put(std::uint32_t{0x80000001});
  encoder.put(std::uint32_t{1});
  encoder.count(0);
  EXPECT_FALSE(can_decode<std::shared_ptr<zoo::Owner>>(encoder.to_vector()));
}

TEST(CerealMalformed, ATypeOfAnotherFamilyIsNotMade) {
  const auto refuses = []<class T>(std::type_identity<T>, const T& value, std::string_view name) {
    std::vector<std::byte> bytes = bytes_of(value);
    ASSERT_TRUE(can_decode<T>(bytes));
    ASSERT_GE(bytes.size(), 18U);
    std::memcpy(bytes.data() + 12, name.data(), 6);
    bytes.insert(bytes.end(), 100, std::byte{0});
    EXPECT_FALSE(can_decode<T>(bytes)) << name;
  };
  for (const std::string_view name : {"miauws", "shapes", "\0\0\0\0\0\0"}) {
    refuses(std::type_identity<std::unique_ptr<zoo::Shape>>(), std::unique_ptr<zoo::Shape>(new zoo::Square(1)), name);
    refuses(std::type_identity<std::shared_ptr<zoo::Shape>>(), std::shared_ptr<zoo::Shape>(new zoo::Square(1)), name);
  }
}

TEST(CerealMalformed, ADeepChainIsRefusedOnBothSidesBeforeTheStackOverflows) {
  const auto chain_of = [](int length) {
    auto chain = std::make_unique<zoo::Chain>();
    for (; length != 0; --length) {
      auto longer = std::make_unique<zoo::Chain>();
      longer->next = std::move(chain);
      chain = std::move(longer);
    }
    return chain;
  };
  EXPECT_NE(round_trip(chain_of(900)), nullptr);

  Encoder encoder;
  EXPECT_THROW(encode(encoder, chain_of(1100)), SerializationError);
  encoder.clear();
  encode(encoder, *chain_of(900));  // the levels that were left by the exception are not counted any more

  EXPECT_FALSE(can_decode<zoo::Chain>(std::vector<std::byte>(100000, std::byte{1})));
}

}  // namespace
}  // namespace brigade
