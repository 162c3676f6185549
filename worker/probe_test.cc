#include "worker/probe.h"

#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include "base/digest.h"
#include "base/temporary_folder.h"
#include "worker/noop_trainer.h"

namespace dfsweep::worker {
namespace {

class ProbeTest : public ::testing::Test {
 protected:
  absl::StatusOr<v1::Probe> Run(std::vector<std::string> environment = {}) {
    TrainerProcess::Options trainer{.program = NoopTrainer(),
                                    .extra_environment = std::move(environment),
                                    .log = folder_.path() / "trainer.log"};
    return RunProbe(trainer, "cpu", 1, stop_);
  }

  TemporaryFolder folder_;
  std::atomic<bool> stop_ = false;
};

TEST_F(ProbeTest, DigestIsOfTheWeightsThatTheTrainerFound) {
  auto probe = Run();
  ASSERT_TRUE(probe.ok()) << probe.status();
  EXPECT_EQ(probe->digest(), Sha256Hex("no-op"));
  EXPECT_EQ(probe->samples_per_second(), 1000);

  probe = Run({"DFSWEEP_NOOP_WEIGHTS=other"});
  ASSERT_TRUE(probe.ok()) << probe.status();
  EXPECT_EQ(probe->digest(), Sha256Hex("other"));
}

TEST_F(ProbeTest, TrainerThatCannotIsAnError) {
  auto probe = Run({"DFSWEEP_NOOP_NO_START=1"});
  EXPECT_EQ(probe.status().code(), absl::StatusCode::kFailedPrecondition);
  EXPECT_THAT(MessageOf(probe.status()), ::testing::HasSubstr("--probe"));
}

TEST_F(ProbeTest, AnswerThatIsNoneIsAnError) {
  EXPECT_EQ(Run({"DFSWEEP_NOOP_GARBAGE=1"}).status().code(),
            absl::StatusCode::kFailedPrecondition);
}

TEST_F(ProbeTest, StopEndsIt) {
  stop_ = true;
  EXPECT_TRUE(absl::IsCancelled(Run({"DFSWEEP_NOOP_HANG=1"}).status()));
}

}  // namespace
}  // namespace dfsweep::worker
