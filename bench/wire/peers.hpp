// SPDX-License-Identifier: MIT
#pragma once
// The archives of other libraries, those that were found, each to a std::stringstream and back, as their manuals show it.

#include <cstdint>
#include <sstream>
#include <string>

#include "wire/values.hpp"

#if __has_include(<cereal/cereal.hpp>)
#define BENCH_HAS_CEREAL 1
#include <cereal/archives/binary.hpp>
#include <cereal/types/map.hpp>
#include <cereal/types/string.hpp>
#include <cereal/types/vector.hpp>
#endif

#ifdef BENCH_HAS_BOOST
#include <boost/archive/binary_iarchive.hpp>
#include <boost/archive/binary_oarchive.hpp>
#include <boost/serialization/map.hpp>
#include <boost/serialization/string.hpp>
#include <boost/serialization/vector.hpp>
#endif

namespace bench {

#ifdef BENCH_HAS_CEREAL
template <class Archive>
void serialize(Archive& archive, Node& node) {
  archive(node.name, node.id, node.weight, node.counts, node.children);
}

// A byte that depends on what was written.
template <class T>
int write_by_cereal(const T& value) {
  std::stringstream stream(std::ios::in | std::ios::out | std::ios::binary);
  cereal::BinaryOutputArchive out(stream);
  out(value);
  return stream.peek();
}

template <class T>
T there_and_back_by_cereal(const T& value) {
  std::stringstream stream(std::ios::in | std::ios::out | std::ios::binary);
  cereal::BinaryOutputArchive out(stream);
  out(value);
  cereal::BinaryInputArchive in(stream);
  T copy;
  in(copy);
  return copy;
}
#endif

#ifdef BENCH_HAS_BOOST
template <class T>
T there_and_back_by_boost(const T& value) {
  std::stringstream stream(std::ios::in | std::ios::out | std::ios::binary);
  boost::archive::binary_oarchive out(stream);
  out << value;
  boost::archive::binary_iarchive in(stream);
  T copy;
  in >> copy;
  return copy;
}
#endif

}  // namespace bench

#ifdef BENCH_HAS_BOOST
namespace boost::serialization {

template <class Archive>
void serialize(Archive& archive, bench::Node& node, unsigned /*version*/) {
  archive& node.name& node.id& node.weight& node.counts& node.children;
}

}  // namespace boost::serialization
#endif
