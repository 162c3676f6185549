#ifndef DFSWEEP_MODEL_EVENT_WRITER_H_
#define DFSWEEP_MODEL_EVENT_WRITER_H_

#include <string>

#include "model/config/parameters.h"

namespace dfsweep::model {

// Writes one event to standard output as a line of JSON, at once. Thread-safe.
// If nobody reads any more, ends the process: its worker is gone.
void WriteEvent(const char* type, config::Json fields);

// A sender's mistake or another thing that belongs to no trial.
void WriteLog(const char* level, const std::string& message);

}  // namespace dfsweep::model

#endif  // DFSWEEP_MODEL_EVENT_WRITER_H_
