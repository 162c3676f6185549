// Reads Python pickles without running anything: a stack machine of our own for
// the opcodes and globals that lists of numbers and numpy arrays need.
//
// Python's pickle.load calls whatever a pickle names, so a data file can run
// code. Here a name is looked up in a table of seven entries
// (PickleFunction), each of which is code of ours that builds a value of
// pickle_value.h; every other name, and every opcode that builds classes,
// dictionaries or sets, is an error that says so. Protocols 0 to 5.
#ifndef DFSWEEP_MODEL_DATA_PICKLE_H_
#define DFSWEEP_MODEL_DATA_PICKLE_H_

#include <string>
#include <string_view>

#include "model/data/pickle_value.h"

namespace dfsweep::data {

struct Pickle {
  PickleHeap heap;
  PickleValue root;
};

// `bytes` must outlive the result, which refers to it. Throws config::Error at
// `where` and the byte of the opcode. Memory stays below 100 times the size of
// `bytes` whatever they are; lists of directions take a byte a cell. Values may
// be shared and lists may contain themselves: don't follow them blindly.
Pickle ReadPickle(std::string_view bytes, const std::string& where);

// ---- Between the machine and the functions (pickle_call.cc)
// ------------------

// Thrown where the place is not known yet; ReadPickle makes it an error.
struct PickleFault {
  std::string what;
  std::string remedy;
};

// The value that the allowed function makes of `arguments`, a tuple.
// `*encoded_bytes` may still be made by kEncode and string scalars.
PickleValue CallPickleFunction(PickleFunction function, PickleValue arguments,
                               PickleHeap* heap, int64_t* encoded_bytes);

// What BUILD does: fills an array or a dtype from its state.
void BuildPickledObject(PickleValue object, PickleValue state,
                        PickleHeap* heap);

}  // namespace dfsweep::data

#endif  // DFSWEEP_MODEL_DATA_PICKLE_H_
