#ifndef DFSWEEP_MODEL_TRAIN_ARCHIVE_H_
#define DFSWEEP_MODEL_TRAIN_ARCHIVE_H_

#include <c10/core/Device.h>

#include <string>
#include <utility>
#include <vector>

#include "model/train/checkpoint.h"

namespace dfsweep::model {

// Goes through a state to save it, or to put it back: each class names its
// state in one function, so that nothing is saved that is not restored. When it
// saves, the functions below store their argument; when it restores, they
// replace it, and throw CheckpointError where the checkpoint has nothing that
// fits. Tensors are stored as they are, not copied. Not thread-safe.
class Archive {
 public:
  // Saves.
  Archive() = default;
  // Restores, to `device`.
  Archive(Checkpoint checkpoint, c10::Device device)
      : restores_(true), device_(device), checkpoint_(std::move(checkpoint)) {}

  bool restores() const { return restores_; }
  const Checkpoint& checkpoint() const { return checkpoint_; }

  // Anything that converts to JSON and back.
  template <typename T>
  void Value(const std::string& name, T& value) {
    if (restores_) {
      try {
        value = Stored(name).get<T>();
      } catch (const config::Json::exception&) {
        throw CheckpointError("a checkpoint's '" + prefix_ + name +
                              "' is of another type");
      }
    } else {
      checkpoint_.values[prefix_ + name] = value;
    }
  }

  // May be undefined.
  void Tensor(const std::string& name, torch::Tensor& tensor);
  // <prefix>0, <prefix>1, …
  void Tensors(const std::string& prefix, std::vector<torch::Tensor>& tensors);
  // Keeps the tensors themselves, which others refer to, and their sizes:
  // copies the values.
  void InPlace(const std::string& prefix,
               const std::vector<torch::Tensor>& tensors);

  // Puts `prefix` before the names in a scope.
  class Section {
   public:
    Section(Archive& archive, const std::string& prefix)
        : archive_(archive),
          outer_(std::exchange(archive.prefix_, archive.prefix_ + prefix)) {}
    ~Section() { archive_.prefix_ = outer_; }
    Section(const Section&) = delete;
    Section& operator=(const Section&) = delete;

   private:
    Archive& archive_;
    std::string outer_;
  };

 private:
  const config::Json& Stored(const std::string& name) const;

  bool restores_ = false;
  c10::Device device_ = c10::kCPU;
  std::string prefix_;
  Checkpoint checkpoint_;
};

}  // namespace dfsweep::model

#endif  // DFSWEEP_MODEL_TRAIN_ARCHIVE_H_
