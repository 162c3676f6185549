// Opening a store: whole, damaged, foreign, newer, locked; and what a failed or
// killed COMMIT leaves.
#include <fmt/format.h>
#include <gmock/gmock.h>
#include <gtest/gtest.h>
#include <sys/resource.h>
#include <sys/wait.h>
#include <unistd.h>

#include <csignal>
#include <cstdio>
#include <cstdlib>
#include <fstream>

#include "base/files.h"
#include "coordinator/store/schema.h"
#include "coordinator/store/sqlite_store.h"
#include "coordinator/store/store_testing.h"

namespace dfsweep::coordinator {
namespace {

using testing::ElementsAre;
using testing::HasSubstr;
using testing::IsEmpty;

int64_t Number(Database& database, const char* sql) {
  Query query(database, sql);
  return query.Next() ? query.Int(0) : -1;
}

class OpenTest : public testing::Test {
 protected:
  // A store with something in it, closed.
  void MakeStore() {
    auto store = OpenStore(folder_.path());
    store->Begin();
    store->PutDataset(ADataset());
    EXPECT_TRUE(store->Commit().ok());
  }
  std::unique_ptr<Database> OpenDatabase() {
    return Database::Open(file_).value();
  }
  // The error of opening, which must leave the file as it was.
  absl::Status ErrorOfOpening() {
    std::string before = ReadFile(file_).value_or("");
    absl::Status status = SqliteStore::Open(folder_.path()).status();
    EXPECT_EQ(ReadFile(file_).value_or(""), before);
    EXPECT_FALSE(status.ok());
    ExpectThreeParts(status);
    return status;
  }
  void Overwrite(size_t place, const std::string& bytes) {
    std::fstream file(file_, std::ios::in | std::ios::out | std::ios::binary);
    file.seekp(static_cast<std::streamoff>(place));
    file << bytes;
  }

  TemporaryFolder folder_;
  std::filesystem::path file_ = folder_.path() / SqliteStore::kFileName;
};

TEST_F(OpenTest, StoreKeepsItsIdAndCountsItsOpenings) {
  auto first = OpenStore(folder_.path());
  std::string id = first->StoreId();
  EXPECT_EQ(first->Incarnation(), 1);
  first.reset();

  auto second = OpenStore(folder_.path());

  EXPECT_EQ(id.size(), 32u);
  EXPECT_EQ(second->StoreId(), id);
  EXPECT_EQ(second->Incarnation(), 2);
}

TEST_F(OpenTest, TwoStoresHaveTwoIds) {
  TemporaryFolder other;

  EXPECT_NE(OpenStore(folder_.path())->StoreId(),
            OpenStore(other.path())->StoreId());
}

TEST_F(OpenTest, EveryCommitIsSynced) {
  MakeStore();
  auto database = OpenDatabase();

  EXPECT_EQ(Number(*database, "PRAGMA synchronous"), 2);  // FULL
  EXPECT_EQ(Number(*database, "PRAGMA foreign_keys"), 1);
  Query mode(*database, "PRAGMA journal_mode");
  ASSERT_TRUE(mode.Next());
  EXPECT_EQ(mode.Text(0), "wal");
}

TEST_F(OpenTest, FolderIsMadeAndHoldsOneFileAtRest) {
  std::filesystem::path deep = folder_.path() / "a" / "b";
  OpenStore(deep).reset();

  std::vector<std::string> names;
  for (const auto& entry : std::filesystem::directory_iterator(deep)) {
    names.push_back(entry.path().filename().string());
  }

  EXPECT_THAT(names, testing::UnorderedElementsAre("coordinator.lock",
                                                   SqliteStore::kFileName));
}

TEST_F(OpenTest, SecondProcessIsToldWhoHasTheFolder) {
  auto store = OpenStore(folder_.path());

  absl::Status status = SqliteStore::Open(folder_.path()).status();

  EXPECT_EQ(status.code(), absl::StatusCode::kFailedPrecondition);
  EXPECT_THAT(PartsOf(MessageOf(status)).what,
              HasSubstr(std::to_string(getpid())));
  ExpectThreeParts(status);
  store.reset();
  OpenStore(folder_.path());
}

TEST_F(OpenTest, FolderThatCantBeMadeIsNamed) {
  std::ofstream(folder_.path() / "file") << "x";

  absl::Status status =
      SqliteStore::Open(folder_.path() / "file" / "store").status();

  EXPECT_EQ(status.code(), absl::StatusCode::kUnavailable);
  ExpectThreeParts(status);
}

// ---- Damage -----------------------------------------------------------------

TEST_F(OpenTest, EmptyFileIsNotTakenForANewStore) {
  std::ofstream(file_).close();

  EXPECT_EQ(ErrorOfOpening().code(), absl::StatusCode::kDataLoss);
}

TEST_F(OpenTest, MissingFileBesideItsWalIsNotTakenForANewStore) {
  std::ofstream(file_.string() + "-wal") << "frames";

  EXPECT_EQ(ErrorOfOpening().code(), absl::StatusCode::kDataLoss);
  EXPECT_TRUE(std::filesystem::exists(file_.string() + "-wal"));
}

TEST_F(OpenTest, FileThatIsNoDatabaseIsRefused) {
  std::ofstream(file_) << std::string(10'000, 'x');

  absl::Status status = ErrorOfOpening();

  EXPECT_EQ(status.code(), absl::StatusCode::kDataLoss);
  EXPECT_THAT(PartsOf(MessageOf(status)).remedy, HasSubstr("backup"));
}

TEST_F(OpenTest, TruncatedFileIsRefused) {
  MakeStore();
  std::filesystem::resize_file(file_, std::filesystem::file_size(file_) / 2);

  EXPECT_EQ(ErrorOfOpening().code(), absl::StatusCode::kDataLoss);
}

TEST_F(OpenTest, OverwrittenPageIsRefused) {
  MakeStore();
  Overwrite(2 * 4096, std::string(4096, '\xff'));

  EXPECT_EQ(ErrorOfOpening().code(), absl::StatusCode::kDataLoss);
}

TEST_F(OpenTest, UnfinishedCreationIsDoneAgain) {
  std::ofstream(file_.string() + ".new") << "half of a store";
  std::ofstream(file_.string() + ".new-wal") << "half of a wal";

  EXPECT_EQ(OpenStore(folder_.path())->Incarnation(), 1);
  EXPECT_FALSE(std::filesystem::exists(file_.string() + ".new"));
}

// ---- Schema -----------------------------------------------------------------

TEST_F(OpenTest, NewersProgramsStoreIsRefused) {
  MakeStore();
  OpenDatabase()->Execute("PRAGMA user_version = 99");

  absl::Status status = ErrorOfOpening();

  EXPECT_EQ(status.code(), absl::StatusCode::kFailedPrecondition);
  EXPECT_THAT(PartsOf(MessageOf(status)).what, HasSubstr("99"));
  EXPECT_THAT(PartsOf(MessageOf(status)).remedy, HasSubstr("upgrade"));
}

TEST_F(OpenTest, AnotherProgramsDatabaseIsRefused) {
  OpenDatabase()->Execute("CREATE TABLE bookmarks (url TEXT)");

  EXPECT_EQ(ErrorOfOpening().code(), absl::StatusCode::kFailedPrecondition);
}

TEST_F(OpenTest, MigrationLeadsFromAnEmptyDatabaseToTheSchema) {
  auto database = OpenDatabase();

  ASSERT_TRUE(Migrate(*database).ok());
  ASSERT_TRUE(Migrate(*database).ok());  // nothing left to do

  EXPECT_EQ(Number(*database, "PRAGMA user_version"), SchemaVersion());
  EXPECT_EQ(Number(*database, "PRAGMA application_id"), kApplicationId);
}

TEST_F(OpenTest, MigrationHappensAsAWholeOrNotAtAll) {
  auto database = OpenDatabase();
  database->Execute("PRAGMA max_page_count = 5");

  absl::Status status = Migrate(*database);

  EXPECT_EQ(status.code(), absl::StatusCode::kResourceExhausted);
  ExpectThreeParts(status);
  EXPECT_EQ(Number(*database, "PRAGMA user_version"), 0);
  EXPECT_EQ(Number(*database, "SELECT count(*) FROM sqlite_schema"), 0);
  database->Execute("PRAGMA max_page_count = 100000");
  EXPECT_TRUE(Migrate(*database).ok());
}

// A store of the schema before workers had orders, as far as it matters.
TEST_F(OpenTest, WorkersOfAnOlderStoreKeepTheirDrain) {
  constexpr int kVersionBefore = 5;
  auto database = OpenDatabase();
  ASSERT_TRUE(Migrate(*database).ok());
  database->Execute(
      "DROP TABLE workers; "
      "CREATE TABLE workers (worker_id TEXT NOT NULL PRIMARY KEY, name TEXT, "
      "incarnation TEXT, state TEXT, reason TEXT, parity_warning TEXT, "
      "slots INTEGER, environment TEXT, register_ms INTEGER) STRICT; "
      "INSERT INTO environments VALUES ('e', 'cpu', '', '', 1, '', '', '', '', "
      "0, 0, '', ''); "
      "INSERT INTO workers VALUES "
      "('a', 'a', '1', 'draining', 'drained', '', 1, 'e', 5), "
      "('b', 'b', '1', 'lost', 'silent', '', 1, 'e', 5)");
  database->Execute(fmt::format("PRAGMA user_version = {}", kVersionBefore));

  absl::Status status = Migrate(*database);

  ASSERT_TRUE(status.ok()) << status;
  auto count = [&](const char* where) {
    return Number(
        *database,
        (std::string("SELECT count(*) FROM workers WHERE ") + where).c_str());
  };
  EXPECT_EQ(count("worker_id = 'a' AND ordered = 'drain'"), 1);
  EXPECT_EQ(count("worker_id = 'b' AND ordered = 'work' AND reason = 'silent' "
                  "AND register_ms = 5"),
            1);
}

TEST_F(OpenTest, ForeignWordsAreRefusedByTheTables) {
  auto database = OpenDatabase();
  ASSERT_TRUE(Migrate(*database).ok());

  database->Execute(
      "INSERT INTO attempts (trial, attempt, worker_id, cause, lease_ms) "
      "VALUES (1, 1, 'w', 'boredom', 0)");

  EXPECT_THAT(MessageOf(database->TakeError()), HasSubstr("CHECK"));
}

// ---- Failing ----------------------------------------------------------------

TEST_F(OpenTest, FailedTransactionIsUndoneAndTheNextOneWorks) {
  auto store = OpenStore(folder_.path());
  store->Begin();
  store->PutRequest("before", "M", "{}", kNow);
  store->PutRequest("before", "M", "{}", kNow);  // the key is taken
  EXPECT_EQ(*store->FindRequest("before", "M"), std::nullopt);
  store->PutRequest("after", "M", "{}", kNow);

  absl::Status status = store->Commit();

  EXPECT_EQ(status.code(), absl::StatusCode::kInternal);
  ExpectThreeParts(status);
  store->Begin();
  EXPECT_EQ(*store->FindRequest("before", "M"), std::nullopt);
  EXPECT_EQ(*store->FindRequest("after", "M"), std::nullopt);
  store->PutRequest("later", "M", "{}", kNow);
  EXPECT_TRUE(store->Commit().ok());
}

TEST_F(OpenTest, ForeignWriterMakesACommitFailButNotTheNext) {
  auto store = OpenStore(folder_.path());
  auto foreign = OpenDatabase();
  store->Begin();
  EXPECT_FALSE(store->FindSweep("s").has_value());  // sees this state
  foreign->Execute("INSERT INTO meta VALUES ('foreign', '1')");
  store->PutRequest("r", "M", "{}", kNow);

  absl::Status status = store->Commit();

  EXPECT_EQ(status.code(), absl::StatusCode::kUnavailable);
  ExpectThreeParts(status);
  store->Begin();
  store->PutRequest("r", "M", "{}", kNow);
  EXPECT_TRUE(store->Commit().ok());
}

// Limits the size of files, which is how a full disk or a quota looks.
class FullDisk {
 public:
  explicit FullDisk(rlim_t bytes) {
    getrlimit(RLIMIT_FSIZE, &before_);
    old_handler_ = std::signal(SIGXFSZ, SIG_IGN);
    rlimit limit = {bytes, before_.rlim_max};
    setrlimit(RLIMIT_FSIZE, &limit);
  }
  ~FullDisk() {
    setrlimit(RLIMIT_FSIZE, &before_);
    std::signal(SIGXFSZ, old_handler_);
  }

 private:
  rlimit before_;
  void (*old_handler_)(int);
};

TEST_F(OpenTest, FullDiskUndoesTheTransactionAndTheStoreGoesOnByItself) {
  auto store = OpenStore(folder_.path());
  store->Begin();
  store->PutRequest("kept", "M", "{}", kNow);
  ASSERT_TRUE(store->Commit().ok());
  {
    FullDisk disk(200'000);
    store->Begin();
    store->PutRequest("lost", "M", std::string(1'000'000, 'x'), kNow);

    absl::Status status = store->Commit();

    EXPECT_EQ(status.code(), absl::StatusCode::kResourceExhausted) << status;
    EXPECT_THAT(PartsOf(MessageOf(status)).remedy, HasSubstr("disk space"));
    store->Begin();
    EXPECT_EQ(*store->FindRequest("kept", "M"), "{}");
    EXPECT_EQ(*store->FindRequest("lost", "M"), std::nullopt);
    EXPECT_TRUE(store->Commit().ok());
  }
  store->Begin();
  store->PutRequest("lost", "M", std::string(1'000'000, 'x'), kNow);
  EXPECT_TRUE(store->Commit().ok());
}

TEST_F(OpenTest, DiskThatIsFullWhileTheStoreIsMadeLeavesNoDamagedStore) {
  for (rlim_t bytes : {1'000, 20'000}) {
    FullDisk disk(bytes);
    absl::Status status = SqliteStore::Open(folder_.path()).status();
    EXPECT_EQ(status.code(), absl::StatusCode::kResourceExhausted) << status;
    ExpectThreeParts(status);
  }

  EXPECT_EQ(OpenStore(folder_.path())->Incarnation(), 1);
}

// ---- Killed at COMMIT -------------------------------------------------------

constexpr char kFolderVariable[] = "DFSWEEP_TEST_STORE_FOLDER";

// The process that is killed: says what was committed.
TEST(KilledTest, DISABLED_Writer) {
  auto store = OpenStore(std::getenv(kFolderVariable));
  for (int i = 1; i <= 5; ++i) {
    store->Begin();
    store->PutRequest("r" + std::to_string(i), "M", "{}", kNow);
    if (!store->Commit().ok()) return;
    std::printf("acknowledged r%d\n", i);
    std::fflush(stdout);
  }
}

// What a writer acknowledges before the failpoint kills it.
std::vector<std::string> RunWriter(const std::filesystem::path& folder,
                                   const std::string& failpoint) {
  std::string command =
      "exec env DFSWEEP_FAILPOINT=" + failpoint + " " + kFolderVariable + "='" +
      folder.string() + "' '" +
      std::filesystem::read_symlink("/proc/self/exe").string() +
      "' --gtest_also_run_disabled_tests --gtest_filter=*DISABLED_Writer";
  FILE* output = popen(command.c_str(), "r");
  std::vector<std::string> acknowledged;
  char line[256];
  while (std::fgets(line, sizeof line, output) != nullptr) {
    char request[16];
    if (std::sscanf(line, "acknowledged %15s", request) == 1) {
      acknowledged.push_back(request);
    }
  }
  int status = pclose(output);
  EXPECT_TRUE(WIFSIGNALED(status) && WTERMSIG(status) == SIGKILL) << status;
  return acknowledged;
}

std::vector<std::string> RequestsIn(const std::filesystem::path& folder) {
  auto store = OpenStore(folder);
  std::vector<std::string> found;
  store->Begin();
  for (const char* request : {"r1", "r2", "r3", "r4", "r5"}) {
    if (store->FindRequest(request, "M")->has_value()) {
      found.push_back(request);
    }
  }
  EXPECT_TRUE(store->Commit().ok());
  return found;
}

// The first COMMIT of a process is that of opening.
TEST_F(OpenTest, WhatWasAcknowledgedBeforeAKillIsThere) {
  EXPECT_THAT(RunWriter(folder_.path(), "before_commit:4"),
              ElementsAre("r1", "r2"));

  EXPECT_THAT(RequestsIn(folder_.path()), ElementsAre("r1", "r2"));
}

TEST_F(OpenTest, WhatWasCommittedButNotAcknowledgedIsThereToo) {
  EXPECT_THAT(RunWriter(folder_.path(), "after_commit:3"), ElementsAre("r1"));

  EXPECT_THAT(RequestsIn(folder_.path()), ElementsAre("r1", "r2"));
}

TEST_F(OpenTest, KillWhileOpeningLeavesAStore) {
  EXPECT_THAT(RunWriter(folder_.path(), "before_commit:1"), IsEmpty());

  EXPECT_EQ(OpenStore(folder_.path())->Incarnation(), 1);
}

}  // namespace
}  // namespace dfsweep::coordinator
