#ifndef DFSWEEP_MODEL_TRAIN_FAILURE_H_
#define DFSWEEP_MODEL_TRAIN_FAILURE_H_

#include <string>
#include <utility>

#include "model/config/error.h"

namespace dfsweep::model {

// Why a trial can't run, with the cause that the worker acts on (one of
// protocol::cause). A plain config::Error is a bad configuration.
class Failure : public config::Error {
 public:
  Failure(std::string cause, const config::Error& error)
      : config::Error(error), cause_(std::move(cause)) {}

  const std::string& cause() const { return cause_; }

 private:
  std::string cause_;
};

// Thrown out of a trial that was told to stop.
struct Cancelled {};

}  // namespace dfsweep::model

#endif  // DFSWEEP_MODEL_TRAIN_FAILURE_H_
