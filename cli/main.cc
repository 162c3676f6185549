// dfsweep: the command. --help has the usage.
#include "cli/interrupt.h"
#include "cli/program.h"

int main(int argc, char** argv) {
  dfsweep::cli::StartInterruptThread();
  return dfsweep::cli::RunProgram(argc, argv);
}
