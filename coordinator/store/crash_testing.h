// For tests that end a process or a disk while it writes: numbered requests,
// of which those that are found must be the first ones.
#ifndef DFSWEEP_COORDINATOR_STORE_CRASH_TESTING_H_
#define DFSWEEP_COORDINATOR_STORE_CRASH_TESTING_H_

#include <gtest/gtest.h>

#include <filesystem>
#include <string>

#include "base/test_setting.h"
#include "coordinator/store/store_testing.h"

namespace dfsweep::coordinator {

// Where to put files whose syncing would only take time.
inline std::filesystem::path InMemory() {
  const std::filesystem::path memory = "/dev/shm";
  return std::filesystem::exists(memory)
             ? memory
             : std::filesystem::temp_directory_path();
}

// Sizes of which forty fill the log to its first checkpoint.
inline std::string PayloadOf(int number) {
  return std::string(number % 7 == 0 ? 400'000 : number % 3 * 20'000,
                     static_cast<char>('a' + number % 26));
}

inline std::string RequestOf(int number) {
  return "r" + std::to_string(number);
}

inline absl::Status Put(SqliteStore& store, int number) {
  store.Begin();
  store.PutRequest(RequestOf(number), "M", PayloadOf(number), kNow);
  return store.Commit();
}

// How many requests a store has, which must be the first ones, whole; and it
// must go on.
inline int CountRequests(const std::filesystem::path& folder) {
  auto store = OpenStore(folder);
  if (store == nullptr) return -1;
  auto find = [&](int number) {
    return store->FindRequest(RequestOf(number), "M").value();
  };
  store->Begin();
  int count = 0;
  while (auto found = find(count + 1)) EXPECT_EQ(*found, PayloadOf(++count));
  EXPECT_FALSE(find(count + 2).has_value());
  EXPECT_TRUE(store->Commit().ok());
  EXPECT_TRUE(Put(*store, count + 1).ok());
  return count;
}

}  // namespace dfsweep::coordinator

#endif  // DFSWEEP_COORDINATOR_STORE_CRASH_TESTING_H_
