#ifndef DFSWEEP_MODEL_NET_PARALLEL_H_
#define DFSWEEP_MODEL_NET_PARALLEL_H_

#include <cstdint>
#include <functional>

namespace dfsweep::model {

// Calls work(begin, end) for pieces of [0, count), on LibTorch's CPU threads
// and as many as at::set_num_threads says. at::parallel_for is an inline
// function that uses one thread in a program that is built without OpenMP, and
// threads of its own beside LibTorch's in one that isn't, if the two have
// different OpenMP libraries, as they do with LibTorch's wheels.
void ParallelFor(int64_t count,
                 const std::function<void(int64_t begin, int64_t end)>& work);

}  // namespace dfsweep::model

#endif  // DFSWEEP_MODEL_NET_PARALLEL_H_
