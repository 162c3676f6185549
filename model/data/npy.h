// The header of a numpy array file (.npy), read by a grammar of our own: it is
// a Python literal, and no data is ever evaluated.
#ifndef DFSWEEP_MODEL_DATA_NPY_H_
#define DFSWEEP_MODEL_DATA_NPY_H_

#include <cstdint>
#include <string>
#include <string_view>
#include <vector>

namespace dfsweep::data {

struct NpyHeader {
  std::string type;  // numpy's notation: "<i8", "|i1", "<f4", "<U12"
  bool fortran_order = false;
  std::vector<int64_t> shape;  // each ≥ 0, and so is their product

  int64_t Elements() const;
};

// `text` is the dictionary that follows magic, version and length. Throws
// config::Error, with `where`, if it is anything else than
// {'descr': '…', 'fortran_order': …, 'shape': (…)}.
NpyHeader ParseNpyHeader(std::string_view text, const std::string& where);

// "(24118, 5000)"
std::string ShapeText(const std::vector<int64_t>& shape);

}  // namespace dfsweep::data

#endif  // DFSWEEP_MODEL_DATA_NPY_H_
