#include "cli/command.h"
namespace dfsweep::cli {
void AddDoctorCommand(Program&) {}
}
