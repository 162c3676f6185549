// `key=value,value` and `key+=value` on the command line.
#ifndef DFSWEEP_SWEEPS_OVERRIDES_H_
#define DFSWEEP_SWEEPS_OVERRIDES_H_

#include <string>
#include <vector>

#include "base/status.h"
#include "sweeps/yaml_reader.h"

namespace dfsweep::sweeps {

// Top-level keys of a sweep file.
const std::vector<std::string>& TopLevelKeys();

// Changes the tree of a sweep file as the overrides say, in order:
//   strategy=ewc,si   values of a parameter; its `when` stays
//   ewc.lambda+=10    one value more
//   seeds=5           a count; seeds=[0,3] a list
//   seeds+=2          two seeds more; seeds+=[7,9] these two
//   metric.name=bwt   a setting; a list setting takes += too
// `root` must be a mapping. Errors name the override as the place.
absl::Status ApplyOverrides(const std::vector<std::string>& overrides,
                            Node& root);

}  // namespace dfsweep::sweeps

#endif  // DFSWEEP_SWEEPS_OVERRIDES_H_
