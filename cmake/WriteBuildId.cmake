# Writes the git commit into OUTPUT from TEMPLATE; run at build time, so that a
# commit made after configuring is named too. Unchanged content keeps its time.
execute_process(COMMAND git describe --always --dirty --abbrev=12 --exclude=*
  WORKING_DIRECTORY "${SOURCE_DIR}" OUTPUT_VARIABLE DFSWEEP_BUILD_ID
  OUTPUT_STRIP_TRAILING_WHITESPACE ERROR_QUIET)
if(NOT DFSWEEP_BUILD_ID)
  set(DFSWEEP_BUILD_ID unknown)
endif()
configure_file("${TEMPLATE}" "${OUTPUT}" @ONLY)
