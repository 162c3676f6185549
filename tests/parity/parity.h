// How our networks are compared with those of other frameworks: files written
// here, read and judged by df_parity.py. Skipped, loudly, where there is no
// Python with the framework: that of the environment variable DFSWEEP_PYTHON,
// else the repository's .venv.
#ifndef DFSWEEP_TESTS_PARITY_PARITY_H_
#define DFSWEEP_TESTS_PARITY_PARITY_H_

#include <torch/types.h>

#include <filesystem>
#include <functional>
#include <string>

#include "model/net/network.h"

namespace dfsweep::model {

// NumPy's format, version 1.0, float32.
void WriteNpy(const std::filesystem::path& path, const torch::Tensor& tensor);

// Every parameter and buffer by its name.
void WriteNetwork(const std::filesystem::path& folder, const Network& network);

// Lets df_parity.py compare `what` with the files that `write` writes.
void ExpectParity(
    const std::string& what,
    const std::function<void(const std::filesystem::path&)>& write);

}  // namespace dfsweep::model

#endif  // DFSWEEP_TESTS_PARITY_PARITY_H_
