// Figures of a continual-learning run. Definitions and sources: Chaudhry et al.
// 2018 (forgetting), Lopez-Paz & Ranzato 2017 (backward transfer), Rebuffi et
// al. 2017 (average incremental accuracy).
#ifndef DFSWEEP_MODEL_METRICS_CONTINUAL_H_
#define DFSWEEP_MODEL_METRICS_CONTINUAL_H_

#include <map>
#include <string>
#include <vector>

namespace dfsweep::model {

// a[i][j]: test accuracy on task j after stage i. Of a sequence of T tasks, row
// i has at least i + 1 entries, and those beyond are not read. A single (joint)
// training has one row of T entries.
using AccuracyMatrix = std::vector<std::vector<double>>;

// By the names in PROTOCOL.md, with a[i][j] counted from 1:
//   average_accuracy              mean of a[T][j] over j
//   average_incremental_accuracy  mean over k of the mean of a[k][j], j ≤ k
//   learning_accuracy             mean of a[j][j]
//   bwt                           mean over j < T of a[T][j] − a[j][j]
//   forgetting                    mean over j < T of
//                                 max over l < T of a[l][j], less a[T][j]
//   forgetting_first_last         mean over j < T of a[j][j] − a[T][j]
// After a single training all accuracies are the mean of the row, and bwt and
// both forgettings are 0. `matrix` is complete.
std::map<std::string, double> ContinualMetrics(const AccuracyMatrix& matrix);

// Forward transfer (Lopez-Paz & Ranzato 2017): the mean over tasks j > 1 of
// before[j] − initial[j], the accuracies on task j just before it is trained
// and with the initial weights. Of at least two tasks. Where classes of tasks
// not trained yet can't be predicted it says little.
double ForwardTransfer(const std::vector<double>& before,
                       const std::vector<double>& initial);

}  // namespace dfsweep::model

#endif  // DFSWEEP_MODEL_METRICS_CONTINUAL_H_
