# SPDX-License-Identifier: MIT
# The words a folder's CMakeLists.txt is written in, so that each of them stays a list:
#
#   brigade_layer(os SOURCES fd.cpp mapping.cpp [LIBS private] [PUBLIC public])
#   brigade_test(os_fd_test SOURCES fd_test.cpp [LIBS ...] [TIMEOUT 120] [LABELS ...] [SERIAL] [SINGLE_THREADED])
#   brigade_objects(conformance_observation SOURCES observation.cpp [LIBS ...])
#   brigade_program(parallel_thumbnailer SOURCES main.cpp [LIBS ...])
#   brigade_example(hello_pool SOURCES hello_pool.cpp [LIBS ...] [ARGS ...])
#   brigade_bench(bench_submit SOURCES bench_submit.cpp [LIBS ...] [SMOKE_ARGS ...])
#   brigade_fuzzer(decode_fuzz SOURCES decode_fuzz.cpp CORPUS corpus/decode MUTATIONS 100000 [LIBS ...])
#
# Without the word SOURCES the names that follow the target's are the sources. Each word makes a target of
# that very name, but brigade_layer(x), which makes the object library brigade_x.
include_guard(GLOBAL)

if(BRIGADE_TESTS)
  include(GoogleTest)
  find_package(Python3 REQUIRED COMPONENTS Interpreter)  # runs the examples
endif()

set(brigade_sanitizer_flags "")
if(BRIGADE_SANITIZE)
  # An undefined behaviour ends the program as any other finding does.
  list(APPEND brigade_sanitizer_flags
    -fsanitize=${BRIGADE_SANITIZE} -fno-sanitize-recover=all -fno-omit-frame-pointer)
  if(BRIGADE_SANITIZE MATCHES "undefined")
    # To look at a vtable pointer it opens a pipe, and takes a process without free descriptors for a broken object.
    list(APPEND brigade_sanitizer_flags -fno-sanitize=vptr)
  endif()
  if(BRIGADE_SANITIZE MATCHES "thread")
    # It does not know fences, and g++ says so. What asio's fences order, its mutexes order as well.
    list(APPEND brigade_sanitizer_flags -DASIO_DISABLE_FENCED_BLOCK)
  endif()
  if(CMAKE_CXX_COMPILER_ID STREQUAL "GNU")
    # g++ loses track of what it instruments and warns of members of std::function in its own headers.
    list(APPEND brigade_sanitizer_flags -Wno-maybe-uninitialized)
  endif()
endif()
if(BRIGADE_FUZZ)
  if(NOT CMAKE_CXX_COMPILER_ID MATCHES "Clang")
    message(FATAL_ERROR "BRIGADE_FUZZ needs clang, whose libFuzzer it uses; try: cmake --preset fuzz")
  endif()
  list(APPEND brigade_sanitizer_flags -fsanitize=fuzzer-no-link)
endif()

# Compiles and links a target with the sanitizers that were asked for.
function(brigade_sanitize target)
  target_compile_options(${target} PRIVATE ${brigade_sanitizer_flags})
  # Public, since a program that links an instrumented library needs the run time too; not installed.
  foreach(flag IN LISTS brigade_sanitizer_flags)
    target_link_options(${target} PUBLIC $<BUILD_INTERFACE:${flag}>)
  endforeach()
endfunction()

# What every target of this tree is compiled with, and no consumer ever sees.
function(brigade_build_options target)
  target_compile_features(${target} PRIVATE cxx_std_20)
  set_target_properties(${target} PROPERTIES CXX_EXTENSIONS OFF)
  if(BRIGADE_DEVELOPER_MODE)
    target_compile_options(${target} PRIVATE
      -Wall -Wextra -Wpedantic -Wshadow -Wconversion -Wsign-conversion -Wold-style-cast -Wnon-virtual-dtor
      -Werror)
  endif()
  if(BRIGADE_CRASH_POINTS)
    target_compile_definitions(${target} PRIVATE BRIGADE_CRASH_POINTS=1)
  endif()
  brigade_sanitize(${target})
endfunction()

# Parses the arguments all words share into ARG_*; whatever no keyword claims is a source.
macro(brigade_parse_arguments name)
  cmake_parse_arguments(ARG "SERIAL;SINGLE_THREADED" "TIMEOUT;CORPUS;MUTATIONS" "SOURCES;LIBS;PUBLIC;LABELS;ARGS;SMOKE_ARGS" ${ARGN})
  list(APPEND ARG_SOURCES ${ARG_UNPARSED_ARGUMENTS})
  if(NOT ARG_SOURCES)
    message(FATAL_ERROR "${name}: no sources")
  endif()
  if(NOT ARG_TIMEOUT)
    set(ARG_TIMEOUT 120)
  endif()
  if(BRIGADE_SANITIZE)
    math(EXPR ARG_TIMEOUT "${ARG_TIMEOUT} * 3")
  endif()
endmacro()

# One layer of the library: its objects go into `brigade`.
function(brigade_layer name)
  brigade_parse_arguments(${name} ${ARGN})
  set(target brigade_${name})
  add_library(${target} OBJECT ${ARG_SOURCES})
  brigade_build_options(${target})
  if(BRIGADE_DEVELOPER_MODE AND NOT BRIGADE_SANITIZE)
    # What stands on it is not optimised, which takes half the time to compile.
    target_compile_options(${target} PRIVATE $<$<CONFIG:Debug>:-O1>)
  endif()
  set_target_properties(${target} PROPERTIES POSITION_INDEPENDENT_CODE ON)
  target_include_directories(${target} PRIVATE ${PROJECT_SOURCE_DIR}/include ${PROJECT_SOURCE_DIR}/src)
  target_link_libraries(${target} PRIVATE Threads::Threads ${ARG_LIBS} ${ARG_PUBLIC})
  target_sources(brigade PRIVATE $<TARGET_OBJECTS:${target}>)
  target_link_libraries(brigade PRIVATE ${ARG_LIBS} PUBLIC ${ARG_PUBLIC})
endfunction()

# An executable of this tree; `internal` ones may look into src/.
function(brigade_executable target)
  cmake_parse_arguments(EXE "INTERNAL" "" "SOURCES;LIBS" ${ARGN})
  add_executable(${target} ${EXE_SOURCES})
  brigade_build_options(${target})
  target_link_libraries(${target} PRIVATE ${EXE_LIBS} brigade::brigade)
  if(EXE_INTERNAL)
    target_include_directories(${target} PRIVATE ${PROJECT_SOURCE_DIR}/src)
  endif()
  if(BRIGADE_SANITIZE)
    # In the program and not in the environment, so that exec'ed workers have them too.
    target_link_libraries(${target} PRIVATE brigade_sanitizer_options)
  endif()
endfunction()

# Sources that many programs of this tree share are compiled once, into an object library that those link.
function(brigade_objects target)
  brigade_parse_arguments(${target} ${ARGN})
  add_library(${target} OBJECT ${ARG_SOURCES})
  brigade_build_options(${target})
  target_link_libraries(${target} PRIVATE ${ARG_LIBS} ${ARG_PUBLIC} brigade::brigade)
endfunction()

if(BRIGADE_SANITIZE)
  brigade_objects(brigade_sanitizer_options SOURCES ${PROJECT_SOURCE_DIR}/tests/support/sanitizer_options.cpp)
endif()
if(BRIGADE_TESTS)
  brigade_objects(brigade_test_main SOURCES ${PROJECT_SOURCE_DIR}/tests/support/main.cpp LIBS GTest::gmock GTest::gtest)
  if(BRIGADE_SANITIZE)
    # What tests include is read once. Not everywhere, since a test that forgets an include should be found out.
    target_precompile_headers(brigade_test_main PRIVATE
      <atomic> <chrono> <filesystem> <fstream> <functional> <map> <string> <thread> <vector>
      <gmock/gmock.h> <gtest/gtest.h>
      <brigade/pool.hpp> <brigade/process.hpp> <brigade/process_pool_executor.hpp>)
  endif()
endif()

# A GoogleTest program with the shared main (brigade::init first); its tests are named <target>.<Suite>.<Test>.
# TIMEOUT is a watchdog per test, SERIAL keeps other tests away while these run. SINGLE_THREADED says that no process of these
# tests has a second thread when it forks: AddressSanitizer may see the forks, ThreadSanitizer has nothing to see.
function(brigade_test target)
  if(NOT BRIGADE_TESTS)
    return()
  endif()
  brigade_parse_arguments(${target} ${ARGN})
  brigade_executable(${target} INTERNAL
    SOURCES ${ARG_SOURCES}
    LIBS ${ARG_LIBS} ${ARG_PUBLIC} brigade_test_main GTest::gmock GTest::gtest)
  if(BRIGADE_SANITIZE)
    target_precompile_headers(${target} REUSE_FROM brigade_test_main)
  endif()
  if(BRIGADE_SANITIZE MATCHES "thread" AND ARG_SINGLE_THREADED)
    set_target_properties(${target} PROPERTIES EXCLUDE_FROM_ALL TRUE)
    return()
  endif()

  set(properties TIMEOUT ${ARG_TIMEOUT})
  if(ARG_LABELS)
    list(APPEND properties LABELS ${ARG_LABELS})
  endif()
  if(ARG_SERIAL)
    list(APPEND properties RUN_SERIAL TRUE)
  endif()
  set(filter "")
  if(BRIGADE_SANITIZE MATCHES "address" AND NOT ARG_SINGLE_THREADED)
    # AddressSanitizer takes the locks of its allocator before no fork: the copy of a process with threads spins for ever
    # when one of them was just giving memory back. The other start methods and presets show what there is to see.
    string(JOIN ":" filter "-*/fork" "*/fork_*" "*_fork" "WithFork.*" "ForkMap.*" "BareFork.*" "*ForkedCopy*" "*LetsAForkReturn*"
      "*ForksAChild*" "*TasksOfAPool*" "LogToStderr.*")
    set(filter TEST_FILTER "${filter}")
  endif()
  gtest_discover_tests(${target} ${filter}
    DISCOVERY_MODE PRE_TEST DISCOVERY_TIMEOUT 60
    TEST_PREFIX ${target}.
    PROPERTIES ${properties})
endfunction()

# A program people run: lands in <build>/bin and is installed.
function(brigade_program target)
  brigade_parse_arguments(${target} ${ARGN})
  brigade_executable(${target} SOURCES ${ARG_SOURCES} LIBS ${ARG_LIBS} ${ARG_PUBLIC})
  set_target_properties(${target} PROPERTIES RUNTIME_OUTPUT_DIRECTORY ${PROJECT_BINARY_DIR}/bin)
  if(BRIGADE_INSTALL)
    include(GNUInstallDirs)
    install(TARGETS ${target} RUNTIME DESTINATION ${CMAKE_INSTALL_BINDIR} COMPONENT programs)
  endif()
endfunction()

# A worked example. It is run as a test, and has to print what expected/<target>.txt beside it says, see
# tests/support/check_output.py.
function(brigade_example target)
  brigade_parse_arguments(${target} ${ARGN})
  brigade_executable(${target} SOURCES ${ARG_SOURCES} LIBS ${ARG_LIBS} ${ARG_PUBLIC})
  if(BRIGADE_TESTS)
    add_test(NAME example.${target}
      COMMAND ${Python3_EXECUTABLE} ${PROJECT_SOURCE_DIR}/tests/support/check_output.py
        ${CMAKE_CURRENT_SOURCE_DIR}/expected/${target}.txt $<TARGET_FILE:${target}> ${ARG_ARGS})
    set_tests_properties(example.${target} PROPERTIES TIMEOUT ${ARG_TIMEOUT} LABELS example)
  endif()
endfunction()

# A measurement: lands in <build>/bench. With SMOKE_ARGS it also runs once, small, as a test.
function(brigade_bench target)
  if(NOT BRIGADE_BENCH)
    return()
  endif()
  brigade_parse_arguments(${target} ${ARGN})
  brigade_executable(${target} INTERNAL SOURCES ${ARG_SOURCES} LIBS ${ARG_LIBS} ${ARG_PUBLIC})
  set_target_properties(${target} PROPERTIES RUNTIME_OUTPUT_DIRECTORY ${PROJECT_BINARY_DIR}/bench)
  target_include_directories(${target} PRIVATE ${PROJECT_SOURCE_DIR}/bench)
  if(BRIGADE_TESTS AND DEFINED ARG_SMOKE_ARGS)
    add_test(NAME bench.${target} COMMAND ${target} ${ARG_SMOKE_ARGS})
    set_tests_properties(bench.${target} PROPERTIES TIMEOUT ${ARG_TIMEOUT} LABELS bench)
  endif()
endfunction()

# A fuzzer (fuzz/fuzzer.hpp) and its corpus. Everywhere <target>_replay runs the corpus, and MUTATIONS inputs made of it,
# as tests; with BRIGADE_FUZZ there is also <target>, the libFuzzer program, which runs for half a minute as a test.
function(brigade_fuzzer target)
  brigade_parse_arguments(${target} ${ARGN})
  set(corpus ${CMAKE_CURRENT_SOURCE_DIR}/${ARG_CORPUS})
  if(BRIGADE_TESTS)
    brigade_executable(${target}_replay INTERNAL
      SOURCES ${ARG_SOURCES} ${PROJECT_SOURCE_DIR}/fuzz/replay.cpp
      LIBS ${ARG_LIBS} ${ARG_PUBLIC})
    add_test(NAME fuzz.${target}.replay COMMAND ${target}_replay replay ${corpus})
    add_test(NAME fuzz.${target}.mutate COMMAND ${target}_replay mutate ${corpus} ${ARG_MUTATIONS})
    set_tests_properties(fuzz.${target}.replay fuzz.${target}.mutate PROPERTIES TIMEOUT ${ARG_TIMEOUT} LABELS fuzz)
  endif()
  if(NOT BRIGADE_FUZZ)
    return()
  endif()
  brigade_executable(${target} INTERNAL SOURCES ${ARG_SOURCES} LIBS ${ARG_LIBS} ${ARG_PUBLIC})
  target_link_options(${target} PRIVATE -fsanitize=fuzzer)
  if(BRIGADE_TESTS)
    # What it finds stays in the build; the next run goes on from there.
    set(found ${CMAKE_CURRENT_BINARY_DIR}/${target}.found)
    file(MAKE_DIRECTORY ${found})
    add_test(NAME fuzz.${target} COMMAND ${target}
      -max_total_time=30 -timeout=20 -print_final_stats=1 -artifact_prefix=${found}- ${found} ${corpus})
    set_tests_properties(fuzz.${target} PROPERTIES TIMEOUT ${ARG_TIMEOUT} LABELS fuzz)
  endif()
endfunction()
