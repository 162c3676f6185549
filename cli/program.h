// The command table and what happens to a command line.
#ifndef DFSWEEP_CLI_PROGRAM_H_
#define DFSWEEP_CLI_PROGRAM_H_

#include "cli/command.h"

namespace dfsweep::cli {

// All commands and the global options. `program` must stay where it is.
void Declare(Program& program);

// Parses, acts, reports errors; returns the exit status.
int RunProgram(int argc, char** argv);

}  // namespace dfsweep::cli

#endif  // DFSWEEP_CLI_PROGRAM_H_
