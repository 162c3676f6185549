// A sweep that is disturbed while it trains, for tests that compare its rows
// with those of an undisturbed run.
#ifndef DFSWEEP_TESTS_FAULTS_SUBJECT_H_
#define DFSWEEP_TESTS_FAULTS_SUBJECT_H_

#include <functional>
#include <map>
#include <nlohmann/json.hpp>
#include <string>

#include "tests/end_to_end/fleet.h"

namespace dfsweep::testing {

// A sweep named "killed", and the workers that train it.
struct Subject {
  std::string sweep;
  std::function<void(Fleet&, const std::string& worker)> start_worker;
  int longest_peace_ms = 0;  // between two disturbances
};

// Six points times the seeds, which take `epoch_ms` an epoch, by the no-op
// trainer.
Subject NoopTraining(int seeds, int epoch_ms);

// Three points times the seeds, which share their first task. Checkpoints are
// made all the time, so that there is always one being written. Needs the
// trainer that trains.
Subject RealTraining(int seeds);

// The rows by trial, without what differs between two correct runs. Fails the
// test if one has not completed or there are two of a trial.
std::map<std::string, nlohmann::json> RowsById(Fleet& fleet);

// The rows of a fleet of its own, of two workers, that nothing happens to.
std::map<std::string, nlohmann::json> UndisturbedRows(const Subject& subject);

// That these are the rows.
void ExpectRows(Fleet& fleet,
                const std::map<std::string, nlohmann::json>& expected);

// False also while the coordinator can't be reached.
bool SweepHasEnded(Fleet& fleet);

}  // namespace dfsweep::testing

#endif  // DFSWEEP_TESTS_FAULTS_SUBJECT_H_
