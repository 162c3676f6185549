#include "coordinator/store/checkpoint_files.h"

#include <algorithm>
#include <charconv>
#include <system_error>
#include <utility>

#include "base/digest.h"
#include "coordinator/store/file_upload.h"

namespace dfsweep::coordinator {
namespace {

namespace fs = std::filesystem;

constexpr size_t kDigits = 64;  // of a SHA-256
constexpr std::string_view kProgress = ".progress";
constexpr std::string_view kStage = ".stage";

std::string TextOf(const CheckpointName& name) {
  return name.owner + "." + std::to_string(name.number) +
         std::string(name.is_stage ? kStage : kProgress);
}

}  // namespace

std::optional<CheckpointName> CheckpointName::Parse(std::string_view text) {
  CheckpointName name;
  if (text.ends_with(kStage)) {
    name.is_stage = true;
    text.remove_suffix(kStage.size());
  } else if (text.ends_with(kProgress)) {
    text.remove_suffix(kProgress.size());
  } else {
    return std::nullopt;
  }
  if (text.size() < kDigits + 2 || text[kDigits] != '.') return std::nullopt;
  name.owner = text.substr(0, kDigits);
  text.remove_prefix(kDigits + 1);
  auto [end, error] =
      std::from_chars(text.data(), text.data() + text.size(), name.number);
  const bool is_canonical = error == std::errc() &&
                            end == text.data() + text.size() &&
                            std::to_string(name.number) == text;
  if (!is_canonical || name.number < 0 || !IsSha256Hex(name.owner)) {
    return std::nullopt;
  }
  return name;
}

absl::StatusOr<std::unique_ptr<CheckpointFiles>> CheckpointFiles::Open(
    const fs::path& store, int64_t limit_bytes) {
  const fs::path folder = store / "checkpoints";
  DFSWEEP_RETURN_IF_ERROR(OpenUploadFolder(folder));
  std::unique_ptr<CheckpointFiles> files(
      new CheckpointFiles(folder, limit_bytes));
  files->Load();
  return files;
}

// A file is called <name>.<digest>.
void CheckpointFiles::Load() {
  absl::MutexLock lock(&mutex_);
  std::error_code error;
  for (const auto& entry : fs::directory_iterator(folder_, error)) {
    const std::string file = entry.path().filename().string();
    if (file.size() <= kDigits + 1) continue;
    const std::string digest = file.substr(file.size() - kDigits);
    const std::string text = file.substr(0, file.size() - kDigits - 1);
    const auto name = CheckpointName::Parse(text);
    if (!name || !IsSha256Hex(digest)) continue;
    entries_[{name->owner, name->number}] = {
        .file = {.name = text,
                 .digest = digest,
                 .size_bytes = static_cast<int64_t>(entry.file_size(error))},
        .used = entry.last_write_time(error)};
  }
  MakeRoom();
}

std::vector<CheckpointFiles::File> CheckpointFiles::Of(
    const std::string& owner) const {
  absl::MutexLock lock(&mutex_);
  std::vector<File> files;
  for (auto entry = entries_.lower_bound({owner, 0});
       entry != entries_.end() && entry->first.first == owner; ++entry) {
    files.push_back(entry->second.file);
  }
  return files;
}

bool CheckpointFiles::Has(const std::string& name) const {
  const auto parsed = CheckpointName::Parse(name);
  absl::MutexLock lock(&mutex_);
  return parsed && entries_.contains({parsed->owner, parsed->number});
}

std::optional<fs::path> CheckpointFiles::Find(const std::string& digest) const {
  absl::MutexLock lock(&mutex_);
  for (auto& [key, entry] : entries_) {
    if (entry.file.digest != digest) continue;
    const fs::path path = folder_ / (entry.file.name + "." + digest);
    entry.used = fs::file_time_type::clock::now();
    std::error_code error;
    fs::last_write_time(path, entry.used, error);
    return path;
  }
  return std::nullopt;
}

fs::path CheckpointFiles::PathFor(const CheckpointName& name,
                                  const std::string& digest) const {
  return folder_ / (TextOf(name) + "." + digest);
}

void CheckpointFiles::Added(const File& file) {
  const auto name = CheckpointName::Parse(file.name);
  if (!name) return;
  absl::MutexLock lock(&mutex_);
  const Key key = {name->owner, name->number};
  // The same training by another machine may have other bytes.
  if (auto old = entries_.find(key);
      old != entries_.end() && old->second.file.digest != file.digest) {
    Remove(key);
  }
  entries_[key] = {.file = file, .used = fs::file_time_type::clock::now()};
  if (!name->is_stage) {
    while (entries_.lower_bound({name->owner, 0})->first != key) {
      Remove(entries_.lower_bound({name->owner, 0})->first);
    }
  }
  MakeRoom();
}

void CheckpointFiles::RemoveProgress(const std::string& trial_id) {
  absl::MutexLock lock(&mutex_);
  auto entry = entries_.lower_bound({trial_id, 0});
  while (entry != entries_.end() && entry->first.first == trial_id) {
    Remove((entry++)->first);
  }
}

void CheckpointFiles::Remove(const Key& key) {
  const auto entry = entries_.find(key);
  const File& file = entry->second.file;
  std::error_code error;
  fs::remove(folder_ / (file.name + "." + file.digest), error);
  entries_.erase(entry);
}

void CheckpointFiles::MakeRoom() {
  int64_t total = 0;
  for (const auto& [key, entry] : entries_) total += entry.file.size_bytes;
  while (total > limit_bytes_) {
    auto oldest = std::min_element(entries_.begin(), entries_.end(),
                                   [](const auto& a, const auto& b) {
                                     return a.second.used < b.second.used;
                                   });
    total -= oldest->second.file.size_bytes;
    Remove(Key(oldest->first));
  }
}

}  // namespace dfsweep::coordinator
