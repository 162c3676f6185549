# dfsweep_test(NAME SOURCES a_test.cc … LIBS x … [LABEL unit] [TIMEOUT 60]
#              [SERIAL])
# One GoogleTest binary; each of its tests becomes one CTest test. LABEL groups
# them: unit (the default, milliseconds), sim, e2e, parity, fault. SERIAL tests
# train on all cores: nothing runs beside them.
include_guard(GLOBAL)

function(dfsweep_test NAME)
  cmake_parse_arguments(T "SERIAL" "LABEL;TIMEOUT" "SOURCES;LIBS" ${ARGN})
  if(NOT DFSWEEP_BUILD_TESTS)
    return()
  endif()
  if(NOT T_LABEL)
    set(T_LABEL unit)
  endif()
  if(NOT T_TIMEOUT)
    set(T_TIMEOUT 60)
  endif()
  find_package(GTest REQUIRED)
  include(GoogleTest)
  add_executable(${NAME} ${T_SOURCES})
  target_link_libraries(${NAME} PRIVATE ${T_LIBS} dfsweep_settings
                        GTest::gmock GTest::gtest_main)
  set_target_properties(${NAME} PROPERTIES
    RUNTIME_OUTPUT_DIRECTORY "${CMAKE_BINARY_DIR}/tests/bin")
  gtest_discover_tests(${NAME}
    WORKING_DIRECTORY "${DFSWEEP_ROOT}"
    DISCOVERY_TIMEOUT 60
    PROPERTIES LABELS ${T_LABEL} TIMEOUT ${T_TIMEOUT} RUN_SERIAL ${T_SERIAL}
    ENVIRONMENT "DFSWEEP_BIN=${CMAKE_BINARY_DIR}/bin;LSAN_OPTIONS=suppressions=${DFSWEEP_ROOT}/cmake/leaks.supp:print_suppressions=0")
endfunction()
