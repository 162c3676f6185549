#ifndef DFSWEEP_COORDINATOR_ENGINE_SEARCHES_H_
#define DFSWEEP_COORDINATOR_ENGINE_SEARCHES_H_

#include <map>
#include <memory>
#include <string>

#include "coordinator/engine/turn.h"
#include "coordinator/search/sweep_search.h"
#include "coordinator/store/store.h"

namespace dfsweep::coordinator {

// The sweeps whose results decide about their further trials. Everything is
// read from the store, so that after a restart, or a transaction that was
// undone, they go on alike. Belongs to the engine's thread.
class Searches {
 public:
  // Reads them anew. Within a transaction.
  void Restore(Store& store);

  // Does what follows from a turn's news, in the same transaction: a result is
  // never stored without the trials that it leads to.
  void Advance(Turn& turn);

 private:
  struct Entry {
    SweepRow row;
    std::unique_ptr<SweepSearch> search;
  };

  // Reads the sweep anew, or forgets it if it does not search any more.
  void Load(Store& store, const std::string& sweep_id);
  void Tell(Turn& turn, const SearchNews& news);
  void TellEpochs(Turn& turn, const std::vector<SearchNews::Epoch>& epochs);
  void TellTrial(Turn& turn, const std::string& trial_id);
  // Adds the points that the sweep is to try now.
  void AddPoints(Turn& turn, int slots, Entry& entry);
  // Stops trials early, and goes on with some after all.
  void CarryOut(Turn& turn, Entry& entry);

  std::map<std::string, Entry> entries_;  // by sweep id
};

}  // namespace dfsweep::coordinator

#endif  // DFSWEEP_COORDINATOR_ENGINE_SEARCHES_H_
