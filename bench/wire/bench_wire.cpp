// SPDX-License-Identifier: MIT
// Values as bytes and back within one process: brigade's encoding against memcpy of the same bytes (the limit) and against
// the archives of cereal and Boost.Serialization.
//   bench_wire [ROUNDS] [PERCENT_OF_THE_SIZE]
#include <algorithm>
#include <cstddef>
#include <cstdint>
#include <cstdio>
#include <cstdlib>
#include <cstring>
#include <memory>
#include <random>
#include <span>
#include <string>
#include <utility>
#include <vector>

#include <brigade/codec.hpp>
#include <brigade/internal/arguments.hpp>

#include "support/measure.hpp"
#include "wire/peers.hpp"
#include "wire/values.hpp"

namespace {

constexpr double kGoalOfContiguous = 1.1;  // times the memcpy
constexpr double kGoalOverCereal = 3.0;

void expect(bool right, const char* what) {
  if (right) return;
  std::fprintf(stderr, "bench_wire: %s\n", what);
  std::abort();
}

// The compiler must take it that somebody reads what lies there.
void keep(const void* at) { asm volatile("" : : "g"(at) : "memory"); }

// Stands for the place in shared memory that a task is written to: there already, aligned as there, and warm.
class Place {
 public:
  explicit Place(std::size_t size) : memory_(size + brigade::Encoder::kSpliceAlignment) {
    constexpr std::size_t kAlignment = brigade::Encoder::kSpliceAlignment;
    void* at = memory_.data();
    std::size_t room = memory_.size();
    begin_ = static_cast<std::byte*>(std::align(kAlignment, size, at, room));
  }
  std::byte* data() const { return begin_; }

 private:
  std::vector<std::byte> memory_;
  std::byte* begin_;
};

// As a task's way is: an encoder of its own, and the record is written to its place in one go.
template <class T>
std::span<const std::byte> write(const T& value, const Place& to) {
  brigade::Encoder encoder;
  brigade::encode(encoder, value);
  encoder.copy_to(to.data());
  return {to.data(), encoder.size()};
}

template <class T>
T there_and_back(const T& value, const Place& place) {
  brigade::Decoder decoder(write(value, place));
  return brigade::decode<T>(decoder);
}

// As a task's parameter std::span<const E> gets it.
template <class E>
std::span<const E> there_and_viewed(const std::vector<E>& values, const Place& place) {
  brigade::Decoder decoder(write(values, place));
  return brigade::internal::decode_received<std::span<const E>>(decoder);
}

template <class T>
std::size_t record_size(const T& value) {
  brigade::Encoder encoder;
  brigade::encode(encoder, value);
  return encoder.size();
}

bench::Candidate timed(std::string name, std::function<void()> call) {
  constexpr double kBudgetMs = 60;
  return {std::move(name), [call = std::move(call)] { return bench::median_call_ns(kBudgetMs, call) / 1e3; }};
}

// The rows of the other libraries; cereal's is the first of them.
template <class T>
void add_peers([[maybe_unused]] std::vector<bench::Candidate>& all, [[maybe_unused]] const T& value) {
#ifdef BENCH_HAS_CEREAL
  expect(bench::there_and_back_by_cereal(value) == value, "cereal returned something else");
  all.push_back(timed("cereal: BinaryOutputArchive to a stringstream and back",
                      [&value] { keep(std::addressof(bench::there_and_back_by_cereal(value)[0])); }));
#endif
#ifdef BENCH_HAS_BOOST
  expect(bench::there_and_back_by_boost(value) == value, "Boost returned something else");
  all.push_back(timed("Boost: binary_oarchive to a stringstream and back",
                      [&value] { keep(std::addressof(bench::there_and_back_by_boost(value)[0])); }));
#endif
}

// Reported at the end.
using Goals = std::vector<bench::Goal>;
using Sense = bench::Goal::Sense;

template <class E>
void contiguous(const std::string& title, const std::vector<E>& values, int rounds, Goals& goals) {
  const std::size_t bytes = values.size() * sizeof(E);
  const Place place(record_size(values));
  // Where brigade puts the elements, too: the speed of a large memcpy depends on how its two ends lie to each other.
  std::byte* const elements = place.data() + (record_size(values) - bytes);
  expect(std::ranges::equal(there_and_viewed(values, place), values), "a view shows something else");
  expect(there_and_back(values, place) == values, "decode returned something else");
  // Each with its limit before it.
  std::vector<bench::Candidate> all = {
      timed("one memcpy, into a place that is warm",
            [&] {
              std::memcpy(elements, values.data(), bytes);
              keep(elements);
            }),
      timed("brigade: encode, copy into place, read as a view", [&] { keep(there_and_viewed(values, place).data()); }),
      timed("two memcpy, the second into new memory",
            [&] {
              std::memcpy(elements, values.data(), bytes);
              keep(elements);
              const std::unique_ptr<std::byte[]> copy(new std::byte[bytes]);  // not cleared before
              std::memcpy(copy.get(), elements, bytes);
              keep(copy.get());
            }),
      timed("brigade: encode, copy into place, decode as a vector",
            [&] { keep(there_and_back(values, place).data()); }),
  };
  add_peers(all, values);
  const bench::Comparison result = bench::compare(title, "us", rounds, all);
  goals.push_back({title + ", as a view, of one memcpy", kGoalOfContiguous, result.ratio(1, 0), Sense::at_most});
  goals.push_back({title + ", as a vector, of two memcpy", kGoalOfContiguous, result.ratio(3, 2), Sense::at_most});
}

template <class T>
void made_of_parts(const std::string& title, const std::vector<T>& value, int rounds, Goals& goals) {
  const Place place(record_size(value));
  expect(there_and_back(value, place) == value, "decode returned something else");
  std::vector<std::byte> record(record_size(value));
  std::vector<bench::Candidate> all = {
      timed("one memcpy of the record, into a place that is warm",
            [&] {
              std::memcpy(place.data(), record.data(), record.size());
              keep(place.data());
            }),
      timed("the value's copy constructor: no bytes at all", [&] { keep(std::vector<T>(value).data()); }),
      timed("brigade: encode, copy into place, decode", [&] { keep(there_and_back(value, place).data()); }),
  };
  [[maybe_unused]] const std::size_t copied = all.size() - 2;
  [[maybe_unused]] const std::size_t ours = all.size() - 1;
  add_peers(all, value);
  // The half in which no value has to be made.
  [[maybe_unused]] const std::size_t written = all.size();
  all.push_back(timed("brigade: encode, copy into place", [&] { keep(write(value, place).data()); }));
#ifdef BENCH_HAS_CEREAL
  all.push_back(timed("cereal: BinaryOutputArchive to a stringstream", [&] {
    const int byte = bench::write_by_cereal(value);
    keep(&byte);
  }));
#endif
  [[maybe_unused]] const bench::Comparison result = bench::compare(title, "us", rounds, all);
#ifdef BENCH_HAS_CEREAL
  goals.push_back({title + ", there and back, over cereal's own archive", kGoalOverCereal, result.ratio(ours + 1, ours),
                   Sense::at_least});
  goals.push_back({title + ", there only, over cereal's own archive", kGoalOverCereal,
                   result.ratio(written + 1, written), Sense::at_least});
  // Whoever returns a value has to make it; what a goal of there and back can ask for ends here.
  std::printf("  cereal's way is %.2fx of the copy constructor alone\n", result.ratio(ours + 1, copied));
#endif
}

}  // namespace

int main(int argc, char** argv) {
  const int rounds = argc > 1 ? std::atoi(argv[1]) : 9;
  const std::size_t percent = argc > 2 ? std::strtoul(argv[2], nullptr, 10) : 100;
  const auto scaled = [percent](std::size_t count) { return std::max<std::size_t>(1, count * percent / 100); };
  const auto count_of = [](std::size_t count) { return std::to_string(count); };
  Goals goals;
  {
    const auto values = bench::make_numbers<std::int64_t>(scaled(1'000'000));
    contiguous(count_of(values.size()) + " int64", values, rounds, goals);
  }
  {
    const auto values = bench::make_numbers<double>(scaled(std::size_t{8} << 20U));
    contiguous(count_of(values.size()) + " doubles", values, rounds, goals);
  }
  {
    const auto values = bench::make_strings(scaled(100'000));
    made_of_parts(count_of(values.size()) + " strings", values, rounds, goals);
  }
  {
    std::mt19937 random(1);
    const std::vector<bench::Node> values = {bench::make_tree(random, 4, percent < 100 ? 2 : 10)};
    made_of_parts("a tree of " + count_of(bench::count_nodes(values[0])) + " nodes", values, rounds, goals);
  }
  std::printf("\n");
  for (const bench::Goal& goal : goals) bench::report(goal);
}
