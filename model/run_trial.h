#ifndef DFSWEEP_MODEL_RUN_TRIAL_H_
#define DFSWEEP_MODEL_RUN_TRIAL_H_

#include <atomic>
#include <cstdint>
#include <filesystem>
#include <memory>
#include <string>

#include "model/config/parameters.h"
#include "model/train/dataset_on_device.h"

namespace dfsweep::model {

// One order to train: the `run` command, or a trial file.
struct Order {
  config::Json trial;            // not yet checked
  std::filesystem::path folder;  // relative dataset paths start here
  config::Json attempt;          // echoed in every event
  std::string device = "cpu";
  int64_t threads = 0;                                // 0: LibTorch's choice
  config::Json checkpoints = config::Json::object();  // not yet checked
  // Set by another thread to stop the trial.
  std::shared_ptr<std::atomic<bool>> cancelled =
      std::make_shared<std::atomic<bool>>(false);
};

// The id to name the trial by in events; "" if it has none.
std::string TrialId(const Order& order);

// Trains, writes every event including the last one (result, failed or
// cancelled), and returns the exit code that belongs to it. Throws nothing.
int RunOrder(const Order& order, DatasetCache& datasets);

}  // namespace dfsweep::model

#endif  // DFSWEEP_MODEL_RUN_TRIAL_H_
