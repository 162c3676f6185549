#include "model/train/checkpoint_folder.h"

#include <ATen/Parallel.h>
#include <torch/version.h>

#include <algorithm>
#include <charconv>
#include <limits>
#include <system_error>
#include <utility>

#include "model/config/stages.h"

namespace dfsweep::model {
namespace {

using config::Json;

constexpr char kStage[] = ".stage";
constexpr char kProgress[] = ".progress";
constexpr size_t kKeptProgress = 2;  // the newest may be damaged

// The files in `folder` that are called <name>.<number><ending>, by number.
std::map<int64_t, std::filesystem::path> Numbered(
    const std::filesystem::path& folder, const std::string& name,
    const std::string& ending) {
  std::map<int64_t, std::filesystem::path> files;
  std::error_code error;  // a folder that can't be read has nothing for us
  for (const auto& entry : std::filesystem::directory_iterator(folder, error)) {
    const std::string file = entry.path().filename().string();
    if (!file.starts_with(name + ".") || !file.ends_with(ending) ||
        file.size() <= name.size() + 1 + ending.size()) {
      continue;
    }
    const char* first = file.data() + name.size() + 1;
    const char* last = file.data() + file.size() - ending.size();
    int64_t number = 0;
    auto [stop, failure] = std::from_chars(first, last, number);
    if (failure == std::errc() && stop == last && number >= 0) {
      files[number] = entry.path();
    }
  }
  return files;
}

// A dataset without a digest is known by its file.
Json DatasetIdentity(const Trial& trial) {
  if (!trial.dataset_digest.empty()) return trial.dataset_digest;
  std::error_code error;
  const auto time = std::filesystem::last_write_time(trial.dataset, error);
  return {trial.dataset.string(), std::filesystem::file_size(trial.dataset),
          time.time_since_epoch().count()};
}

// On which the bits of a training depend. Another number of CPU threads sums
// in another order.
Json Environment(c10::Device device) {
  Json environment = {{"device", device.is_cpu() ? "cpu" : "cuda"},
                      {"torch", TORCH_VERSION}};
  if (device.is_cpu()) environment["threads"] = at::get_num_threads();
  return environment;
}

}  // namespace

CheckpointFolder::CheckpointFolder(const CheckpointOptions& options,
                                   const Trial& trial, c10::Device device,
                                   Listener listener)
    : options_(options),
      trial_(trial),
      device_(device),
      listener_(std::move(listener)) {
  if (shares_stages() && static_cast<int64_t>(options.stages.size()) !=
                             config::StageCount(trial.configuration.json())) {
    throw config::Error(
        "the trial has another number of stages than names for "
        "them",
        "checkpoints.stages", "give one name a stage, as PROTOCOL.md says");
  }
}

bool CheckpointFolder::IsNaive(int64_t stage) const {
  return stage == 0 &&
         config::TrainsFirstTaskAsNaive(trial_.configuration.json());
}

bool CheckpointFolder::RecordsPath(int64_t stage) const {
  return shares_stages() && options_.records_path && IsNaive(stage) &&
         !config::NeedsPath(trial_.configuration.json());
}

std::string CheckpointFolder::ProgressName(int64_t steps) const {
  return (trial_.id.empty() ? "trial" : trial_.id) + "." +
         std::to_string(steps) + kProgress;
}

std::map<int64_t, std::filesystem::path> CheckpointFolder::ProgressFiles()
    const {
  return Numbered(options_.folder, trial_.id.empty() ? "trial" : trial_.id,
                  kProgress);
}

std::vector<CheckpointFolder::Place> CheckpointFolder::Places() const {
  std::vector<Place> places;
  if (!is_used()) return places;
  const auto progress = ProgressFiles();
  for (auto file = progress.rbegin(); file != progress.rend(); ++file) {
    places.push_back(ProgressPlace(file->second));
  }
  for (int64_t stage = 0; stage < std::ssize(options_.stages); ++stage) {
    for (Place& place : PlacesOfStage(stage)) places.push_back(place);
  }
  std::stable_sort(
      places.begin(), places.end(), [](const Place& a, const Place& b) {
        return std::pair(a.stage, a.epochs) > std::pair(b.stage, b.epochs);
      });
  return places;
}

CheckpointFolder::Place CheckpointFolder::ProgressPlace(
    const std::filesystem::path& path) {
  Place place{.path = path};
  try {
    const Json values = ReadCheckpointValues(place.path);
    place.stage = values.value("stage", int64_t{0});
    place.epochs = values.value("strategy.epoch", int64_t{0});
  } catch (const std::exception&) {
    // Reading it, before all others, will say what is wrong.
    place.stage = std::numeric_limits<int64_t>::max();
  }
  return place;
}

std::vector<CheckpointFolder::Place> CheckpointFolder::PlacesOfStage(
    int64_t stage) const {
  const int64_t wanted = trial_.configuration.Epochs(stage);
  std::vector<Place> places;
  for (const auto& [epochs, path] :
       Numbered(options_.folder, options_.stages[stage], kStage)) {
    if (epochs < 1 || epochs > wanted) continue;
    places.push_back(
        {.path = path, .is_stage = true, .stage = stage, .epochs = epochs});
  }
  return places;
}

Json CheckpointFolder::Identity(bool is_stage, int64_t stage) const {
  const Json& configuration = trial_.configuration.json();
  return {
      {"dataset", DatasetIdentity(trial_)},
      {"seed", trial_.seed},
      {"schema", config::kSchemaVersion},
      {"environment", Environment(device_)},
      {"configuration", is_stage ? config::StagePrefix(configuration, stage,
                                                       options_.records_path)
                                 : configuration}};
}

Checkpoint CheckpointFolder::Read(const Place& place) const {
  Checkpoint checkpoint = ReadCheckpoint(place.path);
  if (checkpoint.values.value("identity", Json()) !=
      Identity(place.is_stage, place.stage)) {
    throw CheckpointError("a checkpoint is of another training (" +
                          place.path.string() + ")");
  }
  // Whoever makes room removes first what was used longest ago.
  std::error_code error;
  std::filesystem::last_write_time(
      place.path, std::filesystem::file_time_type::clock::now(), error);
  return checkpoint;
}

bool CheckpointFolder::IsDue() const {
  return is_used() &&
         std::chrono::steady_clock::now() - saved_ >= options_.interval;
}

void CheckpointFolder::SaveProgress(int64_t steps, Checkpoint checkpoint) {
  Save(std::move(checkpoint), {.path = options_.folder / ProgressName(steps)});
  std::map<int64_t, std::filesystem::path> files = ProgressFiles();
  std::error_code error;
  while (files.size() > kKeptProgress) {
    std::filesystem::remove(files.begin()->second, error);
    files.erase(files.begin());
  }
}

void CheckpointFolder::SaveStage(int64_t stage, int64_t epochs,
                                 Checkpoint checkpoint) {
  const std::string name =
      options_.stages[stage] + "." + std::to_string(epochs) + kStage;
  Save(std::move(checkpoint), {.path = options_.folder / name,
                               .is_stage = true,
                               .stage = stage,
                               .epochs = epochs});
}

void CheckpointFolder::Save(Checkpoint checkpoint, const Place& place) {
  checkpoint.values["identity"] = Identity(place.is_stage, place.stage);
  saved_ = std::chrono::steady_clock::now();
  try {
    WriteCheckpoint(checkpoint, place.path);
  } catch (const CheckpointError& error) {
    if (!std::exchange(was_refused_, true)) listener_.refused(error.what());
    return;
  }
  listener_.saved(place.path.filename().string(),
                  checkpoint.values.value("train_seconds", 0.) +
                      checkpoint.values.value("strategy.seconds", 0.));
}

void CheckpointFolder::RemoveProgress() {
  std::error_code error;
  if (!is_used()) return;
  for (const auto& [steps, path] : ProgressFiles()) {
    std::filesystem::remove(path, error);
  }
}

}  // namespace dfsweep::model
