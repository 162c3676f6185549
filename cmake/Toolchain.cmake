# Compiler settings that every folder shares. Included by the top-level build
# and by model/ when it is built alone.
include_guard(GLOBAL)

set(CMAKE_CXX_STANDARD 20)
set(CMAKE_CXX_STANDARD_REQUIRED ON)
set(CMAKE_CXX_EXTENSIONS OFF)
set(CMAKE_POSITION_INDEPENDENT_CODE ON)
set(CMAKE_EXPORT_COMPILE_COMMANDS ON)
if(NOT CMAKE_BUILD_TYPE)
  set(CMAKE_BUILD_TYPE RelWithDebInfo CACHE STRING "" FORCE)
endif()
# -g1: line numbers in stack traces at a third of -g's size and link time.
set(CMAKE_CXX_FLAGS_RELWITHDEBINFO "-O2 -g1")
# Optimising what the sanitizers add takes three times as long to compile.
if(DFSWEEP_SANITIZE)
  set(CMAKE_CXX_FLAGS_RELWITHDEBINFO "-O0 -g1")
endif()
set(CMAKE_RUNTIME_OUTPUT_DIRECTORY "${CMAKE_BINARY_DIR}/bin")

find_program(DFSWEEP_CCACHE ccache)
if(DFSWEEP_CCACHE AND NOT CMAKE_CXX_COMPILER_LAUNCHER)
  set(CMAKE_CXX_COMPILER_LAUNCHER
      ${CMAKE_COMMAND} -E env
      CCACHE_SLOPPINESS=pch_defines,time_macros,include_file_mtime,include_file_ctime
      ${DFSWEEP_CCACHE})
endif()

find_package(Threads REQUIRED)

add_library(dfsweep_warnings INTERFACE)
target_compile_options(dfsweep_warnings INTERFACE
  -Wall -Wextra -Wno-missing-field-initializers -Werror=switch -Werror
  -Wno-error=deprecated-declarations)
# GCC 12 and 13 see overruns and uninitialized reads in std::string, std::regex
# and their like that are none (GCC bugs 105329, 105651), differently with each
# version and option: shown, but no reason to stop somebody's set-up.
if(CMAKE_CXX_COMPILER_ID STREQUAL "GNU")
  target_compile_options(dfsweep_warnings INTERFACE
    -Wno-error=array-bounds -Wno-error=maybe-uninitialized -Wno-error=restrict
    -Wno-error=stringop-overflow -Wno-error=stringop-overread)
endif()

# Linked by every target of ours: include folders from the repository's root,
# warnings, and the sanitizers asked for.
add_library(dfsweep_settings INTERFACE)
get_filename_component(DFSWEEP_ROOT "${CMAKE_CURRENT_LIST_DIR}/.." ABSOLUTE)
target_include_directories(dfsweep_settings INTERFACE "${DFSWEEP_ROOT}")
target_link_libraries(dfsweep_settings INTERFACE dfsweep_warnings
                      Threads::Threads)
if(DFSWEEP_SANITIZE)
  target_compile_options(dfsweep_settings INTERFACE
    -fsanitize=${DFSWEEP_SANITIZE} -fno-omit-frame-pointer
    -fno-sanitize-recover=all)
  # UndefinedBehaviorSanitizer's check of every pointer that is followed takes a
  # third of the compiler's time. AddressSanitizer finds null and overruns too;
  # alignment is checked when fuzzing.
  if(DFSWEEP_SANITIZE MATCHES "address" AND NOT DFSWEEP_FUZZ)
    target_compile_options(dfsweep_settings INTERFACE
      -fno-sanitize=null,alignment,object-size)
  endif()
  target_link_options(dfsweep_settings INTERFACE
    -fsanitize=${DFSWEEP_SANITIZE})
endif()
