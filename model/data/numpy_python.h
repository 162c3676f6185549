// For tests that let numpy read or write files.
#ifndef DFSWEEP_MODEL_DATA_NUMPY_PYTHON_H_
#define DFSWEEP_MODEL_DATA_NUMPY_PYTHON_H_

#include <cstdlib>
#include <filesystem>
#include <string>

namespace dfsweep::data {

// A Python with numpy: $DFSWEEP_PYTHON, the repository's .venv, or python3.
inline std::string PythonWithNumpy() {
  const char* given = std::getenv("DFSWEEP_PYTHON");
  for (std::string python :
       {std::string(given ? given : ""),
        std::filesystem::absolute(".venv/bin/python").string(),
        std::string("python3")}) {
    if (!python.empty() &&
        std::system((python + " -c 'import numpy' 2>/dev/null").c_str()) == 0) {
      return python;
    }
  }
  return "";
}

}  // namespace dfsweep::data

#endif  // DFSWEEP_MODEL_DATA_NUMPY_PYTHON_H_
