# grey_module(<name> [DEPS <module>...] [LIBS <library>...] [TEST_DEPS ...] [TEST_LIBS ...]
#             [TEST_THREADS])
#
# One folder, one library: every *.cc beside the CMakeLists.txt that calls this, except *_test.cc,
# becomes grey_<name>; the *_test.cc files become <name>_test, each gtest case a ctest case.
# DEPS are the only modules whose headers it may include (tools/lint_structure.py checks it).
function(grey_module name)
  cmake_parse_arguments(M "TEST_THREADS" "" "DEPS;LIBS;TEST_DEPS;TEST_LIBS" ${ARGN})
  file(GLOB sources CONFIGURE_DEPENDS ${CMAKE_CURRENT_SOURCE_DIR}/*.cc)
  set(tests ${sources})
  list(FILTER sources EXCLUDE REGEX "_test\\.cc$")
  list(FILTER tests INCLUDE REGEX "_test\\.cc$")
  list(TRANSFORM M_DEPS PREPEND grey_)
  list(TRANSFORM M_TEST_DEPS PREPEND grey_)

  if(sources)
    add_library(grey_${name} STATIC ${sources})
    target_link_libraries(grey_${name} PUBLIC grey_options ${M_DEPS} ${M_LIBS})
    grey_use_pch(grey_${name})
  else()
    add_library(grey_${name} INTERFACE)
    target_link_libraries(grey_${name} INTERFACE grey_options ${M_DEPS} ${M_LIBS})
  endif()
  if(tests)
    set(threads)
    if(M_TEST_THREADS)
      set(threads THREADS)
    endif()
    grey_test(${name}_test SOURCES ${tests} DEPS ${name} LIBS ${M_TEST_DEPS} ${M_TEST_LIBS}
      ${threads})
  endif()
endfunction()

# grey_test(<target> SOURCES ... [DEPS <module>...] [LIBS ...] [TIMEOUT seconds] [THREADS])
#
# THREADS: several threads or processes run in it. Those tests have the label "threads", and the
# target threads_tests builds all of them: there is nothing in the others for ThreadSanitizer.
add_custom_target(threads_tests)
function(grey_test target)
  cmake_parse_arguments(T "THREADS" "TIMEOUT" "SOURCES;DEPS;LIBS" ${ARGN})
  list(TRANSFORM T_DEPS PREPEND grey_)
  if(NOT T_TIMEOUT)
    set(T_TIMEOUT 120)
  endif()
  add_executable(${target} ${T_SOURCES})
  target_link_libraries(${target} PRIVATE grey_options ${T_DEPS} ${T_LIBS}
    GTest::gtest GTest::gmock GTest::gtest_main)
  grey_use_pch(${target})
  set(label)
  if(T_THREADS)
    set(label LABELS threads)
    add_dependencies(threads_tests ${target})
  endif()
  gtest_discover_tests(${target} WORKING_DIRECTORY ${CMAKE_SOURCE_DIR}
    DISCOVERY_TIMEOUT 60 PROPERTIES TIMEOUT ${T_TIMEOUT} ${label})
endfunction()

# grey_program(<target> SOURCES ... [DEPS <module>...] [LIBS ...])
function(grey_program target)
  cmake_parse_arguments(P "" "" "SOURCES;DEPS;LIBS" ${ARGN})
  list(TRANSFORM P_DEPS PREPEND grey_)
  add_executable(${target} ${P_SOURCES})
  target_link_libraries(${target} PRIVATE grey_options ${P_DEPS} ${P_LIBS})
  grey_use_pch(${target})
endfunction()

include(GoogleTest)

# One precompiled header of the standard library for the whole tree.
add_library(grey_pch STATIC ${CMAKE_SOURCE_DIR}/cmake/pch.cc)
target_link_libraries(grey_pch PUBLIC grey_options)
target_precompile_headers(grey_pch PUBLIC ${CMAKE_SOURCE_DIR}/cmake/pch.h)
function(grey_use_pch target)
  target_precompile_headers(${target} REUSE_FROM grey_pch)
endfunction()
