// What a network sees of a trace. Pure; the trial chooses it, not the import.
#ifndef DFSWEEP_MODEL_DATA_REPRESENTATION_H_
#define DFSWEEP_MODEL_DATA_REPRESENTATION_H_

#include <cstdint>
#include <span>

namespace dfsweep::data {

enum class Representation {
  kDirection,  // -1 or +1 (Sirinam et al. 2018)
  kTimed,      // seconds × direction: "directional time" of Tik-Tok (Rahman et
               // al. 2020). A cell at time 0 is 0, as there.
  kCumulative,  // the sum of the directions up to and with this cell, as in
                // CUMUL (Panchenko et al. 2016)
};

// Fills `out` from one row of a dataset: cut where `out` is shorter, and 0 at
// the padding and beyond the row's end. So the sum does not go on after the
// last cell, and the input does not depend on how long the dataset's rows are.
// `times` is as long as `directions`; only kTimed reads it.
void Represent(Representation representation,
               std::span<const int8_t> directions, std::span<const float> times,
               std::span<float> out);

}  // namespace dfsweep::data

#endif  // DFSWEEP_MODEL_DATA_REPRESENTATION_H_
