// The disk loses what was not synced, or fails: what was acknowledged is there.
#include <gtest/gtest.h>

#include <fstream>
#include <random>
#include <set>

#include "base/files.h"
#include "coordinator/store/crash_testing.h"
#include "coordinator/store/recording_vfs.h"

namespace dfsweep::coordinator {
namespace {

namespace fs = std::filesystem;

class PowerTest : public testing::Test {
 protected:
  PowerTest() { OpenStore(folder_.path()).reset(); }

  TemporaryFolder folder_{InMemory()};
};

// ---- Power cuts -------------------------------------------------------------

// What was written, and when what was acknowledged.
struct History {
  std::vector<DiskOperation> operations;
  std::vector<size_t> acknowledged_at;  // number of operations before it

  int AcknowledgedBefore(size_t cut) const {
    int count = 0;
    for (size_t at : acknowledged_at) count += at <= cut ? 1 : 0;
    return count;
  }
};

// Two processes, one after the other.
History Record(const fs::path& folder) {
  constexpr int kRequests = 40;
  History history;
  RecordingVfs disk;
  std::unique_ptr<SqliteStore> store;
  for (int number = 1; number <= kRequests; ++number) {
    if (number == 1 || number == kRequests / 2) {
      store.reset();  // checkpoints, and deletes the log
      store = OpenStore(folder);
    }
    EXPECT_TRUE(Put(*store, number).ok());
    history.acknowledged_at.push_back(disk.operations().size());
  }
  store.reset();
  history.operations = disk.operations();
  return history;
}

std::map<std::string, std::string> FilesIn(const fs::path& folder) {
  const std::string name = SqliteStore::kFileName;
  return {{name, ReadFile(folder / name).value()}};
}

void WriteFiles(const fs::path& folder,
                const std::map<std::string, std::string>& files) {
  for (const auto& [name, content] : files) {
    std::ofstream(folder / name, std::ios::binary) << content;
  }
}

std::set<size_t> SomeBelow(size_t end, std::mt19937_64& random) {
  const size_t count = NumberFromEnvironment("DFSWEEP_POWER_CUTS", 300);
  std::set<size_t> numbers;
  while (numbers.size() < std::min(count, end)) numbers.insert(random() % end);
  return numbers;
}

TEST_F(PowerTest, CutLosesNothingThatWasAcknowledged) {
  VolatileDisk disk(FilesIn(folder_.path()));
  const History history = Record(folder_.path());
  const size_t operations = history.operations.size();
  const uint64_t seed = testing::UnitTest::GetInstance()->random_seed();
  std::mt19937_64 random(seed);
  RecordProperty("operations", std::to_string(operations));
  size_t applied = 0;
  for (size_t cut : SomeBelow(operations + 1, random)) {
    SCOPED_TRACE("seed " + std::to_string(seed) + ", cut after operation " +
                 std::to_string(cut));
    while (applied < cut) disk.Apply(history.operations[applied++]);
    TemporaryFolder after(InMemory());
    WriteFiles(after.path(), disk.AfterPowerCut(random));

    const int found = CountRequests(after.path());

    const int acknowledged = history.AcknowledgedBefore(cut);
    EXPECT_GE(found, acknowledged);
    EXPECT_LE(found, acknowledged + 1);
    if (HasFailure()) return;
  }
}

// ---- Failing disks ----------------------------------------------------------

TEST_F(PowerTest, DiskThatFailsAtAnyOperationAcknowledgesNothingThatIsLost) {
  bool has_failed = true;
  for (size_t operation = 0; has_failed; ++operation) {
    SCOPED_TRACE("fails from operation " + std::to_string(operation));
    TemporaryFolder folder(InMemory());
    OpenStore(folder.path()).reset();
    int acknowledged = 0;
    absl::Status status;
    {
      RecordingVfs disk;
      auto store = OpenStore(folder.path());
      disk.FailFrom(disk.operations().size() + operation);
      for (int number = 1; number <= 3 && status.ok(); ++number) {
        status = Put(*store, number);
        if (status.ok()) acknowledged = number;
      }
    }
    has_failed = !status.ok();
    if (has_failed) {
      EXPECT_EQ(status.code(), absl::StatusCode::kDataLoss) << status;
      ExpectThreeParts(status);
    }

    const int found = CountRequests(folder.path());

    EXPECT_GE(found, acknowledged);
    EXPECT_LE(found, acknowledged + 1);
    if (HasFailure()) return;
  }
}

}  // namespace
}  // namespace dfsweep::coordinator
