# SPDX-License-Identifier: MIT
# Compiles CASE with COMPILER. With TWIN it must compile. Without it it must not, and the compiler's first lines,
# up to its first error, must hold each text of the case's `// expect: ` lines.
cmake_minimum_required(VERSION 3.25)

set(command ${COMPILER} -std=c++20 -fsyntax-only -Wall -Wextra -I${INCLUDE} ${CASE})
if(NOT TWIN)
  list(APPEND command -DBRIGADE_MUST_NOT_COMPILE)
endif()
execute_process(COMMAND ${CMAKE_COMMAND} -E env LC_ALL=C ${command}
  RESULT_VARIABLE status OUTPUT_VARIABLE output ERROR_VARIABLE output)

if(TWIN)
  if(NOT status EQUAL 0)
    message(FATAL_ERROR "the twin does not compile:\n${output}")
  endif()
  return()
endif()
if(status EQUAL 0)
  message(FATAL_ERROR "it compiles")
endif()

string(FIND "${output}" "error: " begin)
if(begin EQUAL -1)
  message(FATAL_ERROR "no error was reported:\n${output}")
endif()
string(SUBSTRING "${output}" ${begin} -1 rest)
string(FIND "${rest}" "\n" end)
math(EXPR end "${begin} + ${end}")
string(SUBSTRING "${output}" 0 ${end} first)
string(REPLACE " *" "*" first "${first}")  # one compiler writes "int*", another "int *"

file(STRINGS ${CASE} expectations REGEX "^// expect: ")
if(NOT expectations)
  message(FATAL_ERROR "the case does not say what to expect")
endif()
foreach(expectation IN LISTS expectations)
  string(REPLACE "// expect: " "" text "${expectation}")
  string(REPLACE " *" "*" text "${text}")
  string(FIND "${first}" "${text}" at)
  if(at EQUAL -1)
    message(FATAL_ERROR "\"${text}\" is not in the first lines:\n${first}\n--- all of it:\n${output}")
  endif()
endforeach()
