# Compiler settings that hold for every target of the project.
set(GREY_SANITIZE "" CACHE STRING "Value for -fsanitize= (empty: none)")
option(GREY_FUZZ "Build the libFuzzer targets (needs clang)" OFF)

if(NOT CMAKE_BUILD_TYPE)
  set(CMAKE_BUILD_TYPE RelWithDebInfo CACHE STRING "" FORCE)
endif()

find_program(GREY_CCACHE ccache)
if(GREY_CCACHE)
  # The sloppiness makes precompiled headers cacheable; base_dir lets two checkouts share entries.
  set(CMAKE_CXX_COMPILER_LAUNCHER
      ${CMAKE_COMMAND} -E env CCACHE_BASEDIR=${CMAKE_SOURCE_DIR} CCACHE_NOHASHDIR=1
      CCACHE_SLOPPINESS=pch_defines,time_macros,include_file_mtime,include_file_ctime
      ${GREY_CCACHE})
endif()

add_library(grey_options INTERFACE)
target_include_directories(grey_options INTERFACE ${CMAKE_SOURCE_DIR})
target_compile_options(grey_options INTERFACE
  -Wall -Wextra -Wpedantic -Wshadow -Wnon-virtual-dtor -Wimplicit-fallthrough -Werror
  -fno-omit-frame-pointer)
if(CMAKE_CXX_COMPILER_ID STREQUAL "GNU")
  # g++ 12 reports these two falsely inside libstdc++ and coroutine frames at -O2.
  target_compile_options(grey_options INTERFACE -Wno-maybe-uninitialized -Wno-stringop-overflow
    -Wno-stringop-overread -Wno-array-bounds -Wno-restrict -fpch-preprocess)
else()
  target_compile_options(grey_options INTERFACE -Wno-missing-designated-field-initializers
    -Wno-missing-field-initializers)
endif()
if(GREY_SANITIZE)
  target_compile_options(grey_options INTERFACE -fsanitize=${GREY_SANITIZE}
    -fno-sanitize-recover=all)
  target_link_options(grey_options INTERFACE -fsanitize=${GREY_SANITIZE})
  if(GREY_SANITIZE MATCHES "undefined" AND NOT GREY_FUZZ)
    # This check opens a pipe to see whether an object is readable, so that it finds fault with
    # every object in the tests that run out of descriptors. The fuzz preset keeps it.
    target_compile_options(grey_options INTERFACE -fno-sanitize=vptr)
  endif()
  if(GREY_SANITIZE MATCHES "thread")
    target_compile_options(grey_options INTERFACE -Wno-tsan)
  endif()
endif()
if(GREY_FUZZ)
  target_compile_options(grey_options INTERFACE -fsanitize=fuzzer-no-link)
endif()
