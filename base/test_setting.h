#ifndef DFSWEEP_BASE_TEST_SETTING_H_
#define DFSWEEP_BASE_TEST_SETTING_H_

#include <cstdlib>

namespace dfsweep {

// For tests: a number by which a long form of them is asked for, from the
// environment; `otherwise` if the variable is not set.
inline int NumberFromEnvironment(const char* name, int otherwise) {
  const char* value = std::getenv(name);
  return value != nullptr ? std::atoi(value) : otherwise;
}

}  // namespace dfsweep

#endif  // DFSWEEP_BASE_TEST_SETTING_H_
