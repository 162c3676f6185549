#ifndef DFSWEEP_MODEL_CONTINUAL_GDUMB_H_
#define DFSWEEP_MODEL_CONTINUAL_GDUMB_H_

#include <map>

#include "model/config/parameters.h"
#include "model/continual/strategy.h"

namespace dfsweep::model {

// GDumb (Prabhu, Torr & Dokania 2020): a greedily balanced memory; for each
// task the network starts anew and is trained on the memory alone. A row of a
// class that has less than ⌈size / classes so far⌉ rows is taken in; if the
// memory is full, a random row of the largest class makes room.
class Gdumb : public Strategy {
 public:
  explicit Gdumb(const config::Configuration& configuration)
      : size_(configuration.Integer("buffer.size")) {}

  bool StartsAnew() const override { return true; }
  std::vector<int64_t> TrainRows(const Learner& learner) override;
  // buffer: rows by class.
  void Persist(Learner& learner, Archive& archive) override;

 private:
  void TakeIn(int64_t row, int64_t position, Stream& stream);
  void DropOneOfTheLargest(Stream& stream);

  int64_t size_;
  int64_t kept_ = 0;
  std::map<int64_t, std::vector<int64_t>> memory_;  // rows by class
};

}  // namespace dfsweep::model

#endif  // DFSWEEP_MODEL_CONTINUAL_GDUMB_H_
