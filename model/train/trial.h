#ifndef DFSWEEP_MODEL_TRAIN_TRIAL_H_
#define DFSWEEP_MODEL_TRAIN_TRIAL_H_

#include <filesystem>
#include <string>

#include "model/config/parameters.h"

namespace dfsweep::model {

// What to train; PROTOCOL.md has the JSON form.
struct Trial {
  std::string id;  // may be empty
  std::filesystem::path dataset;
  std::string dataset_digest;  // may be empty
  config::Configuration configuration;
  uint64_t seed = 0;
};

// Throws config::Error. A relative dataset path is relative to `folder`.
Trial ParseTrial(const config::Json& trial,
                 const std::filesystem::path& folder);

}  // namespace dfsweep::model

#endif  // DFSWEEP_MODEL_TRAIN_TRIAL_H_
