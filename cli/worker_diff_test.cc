#include "cli/worker_diff.h"

#include <gmock/gmock.h>
#include <gtest/gtest.h>

namespace dfsweep::cli {
namespace {

using ::testing::HasSubstr;
using ::testing::IsEmpty;
using ::testing::SizeIs;

v1::Worker AWorker(const std::string& name) {
  v1::Worker worker;
  worker.set_name(name);
  v1::Environment& environment = *worker.mutable_environment();
  environment.set_device("cuda");
  environment.set_device_name("RTX 4060");
  environment.set_cpu("i7");
  environment.set_threads(4);
  environment.set_torch_version("2.6.0");
  environment.set_cuda_version("12.6");
  environment.set_driver_version("555.42");
  worker.mutable_probe()->set_digest(std::string(64, 'a'));
  worker.mutable_probe()->set_samples_per_second(1000);
  return worker;
}

TEST(WorkerDiffTest, EqualMachinesDoNotDiffer) {
  v1::Worker other = AWorker("b");
  other.mutable_environment()->set_cpu("i9");  // the GPU computes
  EXPECT_THAT(DifferencesBetween(AWorker("a"), other), IsEmpty());
}

TEST(WorkerDiffTest, SaysWhatDiffersAndHowToAlignIt) {
  v1::Worker a = AWorker("a"), b = AWorker("b");
  b.mutable_environment()->set_torch_version("2.5.1");
  b.mutable_environment()->set_driver_version("60.1");
  b.mutable_environment()->clear_cuda_version();

  auto differences = DifferencesBetween(a, b);

  ASSERT_THAT(differences, SizeIs(3));
  EXPECT_EQ(differences[0].what, "torch");
  EXPECT_EQ(differences[0].a, "2.6.0");
  EXPECT_EQ(differences[0].b, "2.5.1");
  EXPECT_TRUE(differences[0].changes_numbers);
  EXPECT_THAT(differences[0].remedy, HasSubstr("deploy/setup.sh"));
  EXPECT_EQ(differences[1].b, "none");
  EXPECT_EQ(differences[2].what, "driver");
  EXPECT_FALSE(differences[2].changes_numbers);
  EXPECT_THAT(differences[2].remedy, HasSubstr("driver on b"))
      << "60 is less than 555";
}

TEST(WorkerDiffTest, OtherNumbersOfTheSameCardAreAlarming) {
  v1::Worker a = AWorker("a"), b = AWorker("b");
  b.mutable_probe()->set_digest(std::string(64, 'b'));
  auto differences = DifferencesBetween(a, b);
  ASSERT_THAT(differences, SizeIs(1));
  EXPECT_EQ(differences[0].what, "probe");
  EXPECT_TRUE(differences[0].changes_numbers);
  EXPECT_THAT(differences[0].remedy, HasSubstr("dfsweep doctor"));

  b.mutable_environment()->set_device_name("RTX 4090");
  differences = DifferencesBetween(a, b);
  ASSERT_THAT(differences, SizeIs(2));
  EXPECT_EQ(differences[0].what, "card");
  EXPECT_TRUE(differences[0].changes_numbers);
  EXPECT_EQ(differences[1].what, "probe");
  EXPECT_FALSE(differences[1].changes_numbers) << "as is to be expected";
}

TEST(WorkerDiffTest, OnCpusTheProcessorAndItsThreadsCount) {
  v1::Worker a = AWorker("a"), b = AWorker("b");
  for (v1::Worker* worker : {&a, &b}) {
    worker->mutable_environment()->set_device("cpu");
  }
  b.mutable_environment()->set_threads(8);
  auto differences = DifferencesBetween(a, b);
  ASSERT_THAT(differences, SizeIs(1));
  EXPECT_EQ(differences[0].what, "threads");
  EXPECT_TRUE(differences[0].changes_numbers);
}

}  // namespace
}  // namespace dfsweep::cli
