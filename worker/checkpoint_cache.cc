#include "worker/checkpoint_cache.h"

#include <fmt/format.h>
#include <spdlog/spdlog.h>
#include <unistd.h>

#include <algorithm>
#include <chrono>
#include <fstream>
#include <map>
#include <optional>
#include <system_error>
#include <vector>

#include "absl/strings/numbers.h"
#include "base/digest.h"
#include "model/config/parameters.h"
#include "model/config/stages.h"
#include "sweeps/stages.h"
#include "worker/attempt.h"

namespace dfsweep::worker {
namespace {

namespace fs = std::filesystem;

// A file that was being written when its writer was killed.
bool IsLeftOver(const fs::path& path, fs::file_time_type written) {
  return path.extension() == ".part" &&
         fs::file_time_type::clock::now() - written > std::chrono::minutes(10);
}

nlohmann::json ConfigurationOf(const v1::Lease& lease) {
  return config::Effective(nlohmann::json::parse(lease.configuration_json()));
}

// The number in <owner>.<number>.<kind>; -1 if it is of another owner or kind.
int64_t NumberIn(const std::string& file, const std::string& owner,
                 const std::string& kind) {
  const std::string begin = owner + ".", end = "." + kind;
  if (!file.starts_with(begin) || !file.ends_with(end) ||
      file.size() <= begin.size() + end.size()) {
    return -1;
  }
  const std::string digits =
      file.substr(begin.size(), file.size() - begin.size() - end.size());
  int64_t number = -1;
  return absl::SimpleAtoi(digits, &number) && std::to_string(number) == digits
             ? number
             : -1;
}

struct Stages {
  std::vector<std::string> names;
  bool record_path = false;  // SI's, in the first one
};

// The coordinator tells by the first one's name whether it records SI's path.
Stages StagesOf(const v1::Lease& lease) {
  const nlohmann::json configuration = ConfigurationOf(lease);
  auto names = [&](bool record_path) {
    return sweeps::StageNames(configuration, lease.dataset().digest(),
                              lease.seed(), record_path);
  };
  std::vector<std::string> recorded = names(true);
  if (recorded.front() == lease.first_stage()) {
    return {std::move(recorded), true};
  }
  return {names(false), false};
}

// How far files lead, by their names.
class Distance {
 public:
  explicit Distance(const v1::Lease& lease)
      : trial_id_(lease.trial_id()), configuration_(ConfigurationOf(lease)) {
    stages_ = StagesOf(lease).names;
  }

  // Steps, of the trial's own progress; -1 if it is none.
  int64_t OfProgress(const std::string& file) const {
    return NumberIn(file, trial_id_, "progress");
  }

  // (stage, epochs) of the end of a stage that the trial gets to; (-1, -1) if
  // it is none.
  std::pair<int64_t, int64_t> OfStage(const std::string& file) const {
    for (int64_t stage = std::ssize(stages_) - 1; stage >= 0; --stage) {
      const int64_t epochs = NumberIn(file, stages_[stage], "stage");
      if (epochs > 0 && epochs <= config::StageEpochs(configuration_, stage)) {
        return {stage, epochs};
      }
    }
    return {-1, -1};
  }

 private:
  const std::string trial_id_;
  const nlohmann::json configuration_;
  std::vector<std::string> stages_;
};

}  // namespace

fs::path CheckpointCache::PathOf(const std::string& file) const {
  return fs::path(file).filename() == file && !file.starts_with(".")
             ? options_.folder / file
             : fs::path();
}

nlohmann::json CheckpointCache::ForTrainer(const v1::Lease& lease) const {
  if (!is_used()) return nlohmann::json::object();
  const Stages stages = StagesOf(lease);
  return {{"folder", fs::absolute(options_.folder).string()},
          {"interval_seconds", absl::ToDoubleSeconds(options_.interval)},
          {"stages", stages.names},
          {"records_path", stages.record_path}};
}

CheckpointCache::FirstStage CheckpointCache::FirstStageOf(
    const v1::Lease& lease) {
  const int64_t epochs = config::StageEpochs(ConfigurationOf(lease), 0);
  return {epochs,
          fmt::format("{}.{}.stage", StagesOf(lease).names.front(), epochs)};
}

void CheckpointCache::Prepare(const v1::Lease& lease,
                              const std::atomic<bool>& stop) const {
  if (!is_used()) return;
  MakeRoom(0);
  if (travels()) Fetch(lease, stop);
}

void CheckpointCache::Fetch(const v1::Lease& lease,
                            const std::atomic<bool>& stop) const {
  v1::ListCheckpointsRequest request;
  request.set_worker_id(options_.worker_id);
  ToRef({lease.trial_id(), lease.attempt()}, request.mutable_attempt());
  v1::ListCheckpointsResponse there;
  if (absl::Status status = client_.ListCheckpoints(request, &there);
      !status.ok()) {
    spdlog::info("checkpoints can't be asked for: {}",
                 PartsOf(MessageOf(status)).what);
    return;
  }
  const Distance distance(lease);
  int64_t progress = -1;
  std::pair<int64_t, int64_t> stage = {-1, -1};
  std::error_code error;
  for (const auto& entry : fs::directory_iterator(options_.folder, error)) {
    const std::string file = entry.path().filename().string();
    progress = std::max(progress, distance.OfProgress(file));
    stage = std::max(stage, distance.OfStage(file));
  }
  const v1::CheckpointRef *further_progress = nullptr, *further_stage = nullptr;
  for (const v1::CheckpointRef& ref : there.checkpoints()) {
    if (distance.OfProgress(ref.name()) > progress) {
      progress = distance.OfProgress(ref.name());
      further_progress = &ref;
    }
    if (distance.OfStage(ref.name()) > stage) {
      stage = distance.OfStage(ref.name());
      further_stage = &ref;
    }
  }
  for (const v1::CheckpointRef* ref : {further_progress, further_stage}) {
    if (ref == nullptr) continue;
    if (absl::Status status = Download(*ref, stop); !status.ok()) {
      spdlog::warn("a checkpoint can't be fetched: {}",
                   PartsOf(MessageOf(status)).what);
    }
  }
}

absl::Status CheckpointCache::Download(const v1::CheckpointRef& ref,
                                       const std::atomic<bool>& stop) const {
  const fs::path path = PathOf(ref.name());
  if (path.empty() || ref.size_bytes() > options_.limit_bytes) {
    return absl::InvalidArgumentError("its name or size is not as it can be");
  }
  const fs::path part = path.string() + "." + RandomHex(4) + "." +
                        std::to_string(::getpid()) + ".part";
  std::ofstream file(part, std::ios::binary);
  Sha256 hash;
  int64_t size = 0;
  v1::DownloadArtifactRequest request;
  request.set_worker_id(options_.worker_id);
  request.set_digest(ref.digest());
  absl::Status status =
      client_.Download(request, [&](std::string_view chunk) -> absl::Status {
        if (stop) return absl::CancelledError("told to stop");
        size += static_cast<int64_t>(chunk.size());
        if (size > ref.size_bytes()) return absl::DataLossError("too long");
        hash.Update(chunk);
        file.write(chunk.data(), static_cast<std::streamsize>(chunk.size()));
        return file ? absl::OkStatus()
                    : absl::ResourceExhaustedError("the disk refuses it");
      });
  file.close();
  if (status.ok() && (!file || hash.Finish() != ref.digest())) {
    status = absl::DataLossError("it arrived damaged");
  }
  std::error_code error;
  if (status.ok()) {
    fs::rename(part, path, error);
    spdlog::info("fetched {} ({:.1f} MB)", ref.name(),
                 static_cast<double>(size) / 1e6);
  } else {
    fs::remove(part, error);
  }
  return status;
}

void CheckpointCache::MakeRoom(int64_t bytes) const {
  struct File {
    fs::file_time_type used;
    fs::path path;
    int64_t size;
  };
  std::vector<File> files;
  int64_t total = 0;
  std::error_code error;  // another slot may do the same
  for (const auto& entry : fs::directory_iterator(options_.folder, error)) {
    const File file{entry.last_write_time(error), entry.path(),
                    static_cast<int64_t>(entry.file_size(error))};
    if (error) continue;
    if (IsLeftOver(file.path, file.used)) {
      fs::remove(file.path, error);
      continue;
    }
    total += file.size;
    files.push_back(file);
  }
  std::sort(files.begin(), files.end(),
            [](const File& a, const File& b) { return a.used < b.used; });
  const bool helps = room_.Has(bytes - total);
  for (const File& file : files) {
    const bool is_short = helps && !room_.Has(bytes);
    if (total <= options_.limit_bytes && !is_short) return;
    spdlog::info("removes {} from the checkpoints",
                 file.path.filename().string());
    fs::remove(file.path, error);
    total -= file.size;
  }
}

}  // namespace dfsweep::worker
