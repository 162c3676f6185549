#ifndef DFSWEEP_MODEL_TRAIN_HOST_MEMORY_H_
#define DFSWEEP_MODEL_TRAIN_HOST_MEMORY_H_

namespace dfsweep::model {

// In its scope, and in all later ones, the process keeps the memory that it
// frees. Each step of a training needs tensors of the same sizes; to ask the
// kernel for them each time, which clears them page by page, took a fifth of a
// step on a CPU. The end of the scope gives back what is free then. One scope
// at a time.
class KeptHostMemory {
 public:
  KeptHostMemory();
  ~KeptHostMemory();
  KeptHostMemory(const KeptHostMemory&) = delete;
  KeptHostMemory& operator=(const KeptHostMemory&) = delete;
};

}  // namespace dfsweep::model

#endif  // DFSWEEP_MODEL_TRAIN_HOST_MEMORY_H_
