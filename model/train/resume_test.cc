// A training that is stopped and goes on, or takes up a stage that another
// trial has trained, ends with the bits of one that was left alone.
#include <gtest/gtest.h>
#include <unistd.h>

#include <cstdlib>
#include <fstream>
#include <set>
#include <string>
#include <vector>

#include "model/config/stages.h"
#include "model/protocol/protocol.h"
#include "model/test_data.h"
#include "model/train/failure.h"
#include "model/train/trainer.h"

namespace dfsweep::model {
namespace {

using config::Json;

class ResumeTest : public testing::Test {
 protected:
  static void SetUpTestSuite() {
    file_ = new DatasetFile(EasyTraces(4, 20, 32));
  }
  static void TearDownTestSuite() { delete file_; }

  void SetUp() override { ClearFolder(); }
  void TearDown() override { std::filesystem::remove_all(folder_); }

  void ClearFolder() {
    std::filesystem::remove_all(folder_);
    std::string folder =
        (std::filesystem::temp_directory_path() / "dfsweep-XXXXXX").string();
    ASSERT_NE(mkdtemp(folder.data()), nullptr);
    folder_ = folder;
  }

  enum class Keep { kNothing, kProgress, kStages };

  // Throws Cancelled after `allowed` questions whether to stop.
  Json Run(const Json& config, Keep keep, int allowed = 1'000'000) {
    Json all = {{"sequence_length", 32}, {"batch_size", 8},
                {"epochs", 2},           {"mlp.hidden", 16},
                {"bn_momentum", .5},     {"data.test_fraction", .2},
                {"ewc.lambda", 10},      {"si.c", 1},
                {"mas.lambda", 1},       {"l1.lambda", 1e-3},
                {"l2.lambda", 1},        {"mas.samples", 8},
                {"buffer.size", 20},     {"ewc.fisher_samples", 8}};
    all.update(config);
    Trial trial{.id = "trial",
                .dataset = file_->path(),
                .dataset_digest = "digest",
                .configuration = config::Configuration(all),
                .seed = 0};
    CheckpointOptions options;
    if (keep != Keep::kNothing) options.folder = folder_;
    if (keep == Keep::kStages) options.stages = StageNames(trial);
    options.records_path = records_path_;
    options.interval = interval_;
    log_.clear();
    int asked = 0;
    Json result =
        RunTrial(trial, {.device = TestDevice(),
                         .datasets = datasets_,
                         .emit =
                             [this](const char* type, const Json& fields) {
                               if (type == std::string("log")) {
                                 log_ += fields["message"];
                               }
                               if (type == std::string("epoch")) at_epoch_();
                             },
                         .cancelled = [&] { return ++asked > allowed; },
                         .checkpoints = options});
    asked_ = asked;
    epochs_reused_ = result["epochs_reused"];
    result.erase("epochs_reused");
    result.erase("train_seconds");
    return result;
  }

  // As a worker names them, but readable.
  std::vector<std::string> StageNames(const Trial& trial) const {
    const Json& config = trial.configuration.json();
    std::vector<std::string> names;
    for (int64_t stage = 0; stage < config::StageCount(config); ++stage) {
      names.push_back(std::to_string(std::hash<std::string>()(
          config::StagePrefix(config, stage, records_path_).dump())));
    }
    return names;
  }

  // Kills the training at `allowed`, then lets it end.
  Json RunInTwoParts(const Json& config, Keep keep, int allowed) {
    ClearFolder();
    EXPECT_THROW(Run(config, keep, allowed), Cancelled);
    return Run(config, keep);
  }

  int Files() const {
    return static_cast<int>(
        std::distance(std::filesystem::directory_iterator(folder_), {}));
  }

  static DatasetFile* file_;
  DatasetCache datasets_;
  std::filesystem::path folder_;
  std::chrono::duration<double> interval_ = std::chrono::hours(1);
  bool records_path_ = false;
  std::string log_;
  std::function<void()> at_epoch_ = [] {};
  int asked_ = 0;
  int epochs_reused_ = 0;
};

DatasetFile* ResumeTest::file_ = nullptr;

std::vector<std::string> Strategies() {
  return config::FindParameter("strategy")->choices;
}

// In the traces of a dataset, on the disk.
void FlipABit(const std::filesystem::path& path) {
  constexpr int kByte = 1000;
  std::fstream file(path, std::ios::binary | std::ios::in | std::ios::out);
  file.seekg(kByte);
  const char flipped = static_cast<char>(file.get() ^ 1);
  file.seekp(kByte);
  file.put(flipped);
}

TEST_F(ResumeTest, NothingOfADatasetThatChangedMeanwhileIsSavedOrReported) {
  const Json naive = {{"strategy", "naive"}, {"model", "mlp"}};
  const Json sound = Run(naive, Keep::kNothing);
  at_epoch_ = [this] {
    at_epoch_ = [] {};
    FlipABit(file_->path());
  };

  try {
    Run(naive, Keep::kProgress);
    ADD_FAILURE() << "it trained on";
  } catch (const Failure& failure) {
    EXPECT_EQ(failure.cause(), protocol::cause::kData);
  }
  EXPECT_EQ(Files(), 0);

  EXPECT_THROW(Run(naive, Keep::kProgress), Failure);
  FlipABit(file_->path());  // back, as if it was fetched again
  EXPECT_EQ(Run(naive, Keep::kProgress), sound);
}

// Reference test 33.
TEST_F(ResumeTest, EveryStrategyGoesOnToTheBit) {
  // Batch normalisation and dropout are DF's; its steps are slow.
  const std::set<std::string> with_df = {"naive", "lwf", "icarl", "agem",
                                         "freeze"};
  for (const std::string& strategy : Strategies()) {
    for (const char* model : {"mlp", "df"}) {
      if (model == std::string("df") && !with_df.contains(strategy)) continue;
      SCOPED_TRACE(strategy + " " + model);
      const Json config = {{"strategy", strategy},
                           {"model", model},
                           {"epochs", strategy == "joint" ? 4 : 2}};
      const Json undisturbed = Run(config, Keep::kNothing);
      // Somewhere in each of the two tasks, and in what lies between.
      for (const int percent : {30, 55, 80}) {
        const int allowed = asked_ * percent / 100;
        for (const Keep keep : {Keep::kProgress, Keep::kStages}) {
          EXPECT_EQ(RunInTwoParts(config, keep, allowed), undisturbed)
              << percent;
        }
        EXPECT_EQ(log_, "");
      }
    }
  }
}

TEST_F(ResumeTest, AnyMomentWillDo) {
  const Json config = {
      {"strategy", "ewc+si"},     {"model", "mlp"},
      {"forward_transfer", true}, {"scenario", "domain-incremental"},
      {"steps_per_epoch", 5},     {"tasks.count", 2}};
  const Json undisturbed = Run(config, Keep::kNothing);
  const int asked = asked_;
  for (int allowed = 1; allowed < asked; ++allowed) {
    EXPECT_EQ(RunInTwoParts(config, Keep::kStages, allowed), undisturbed)
        << allowed;
  }
}

TEST_F(ResumeTest, EveryOptimizerAndNormalisationGoesOn) {
  for (Json config : {Json{{"optimizer", "adam"}},
                      Json{{"optimizer", "sgd"}, {"momentum", .9}},
                      Json{{"bn", "freeze_after_first"}},
                      Json{{"bn", "group_norm"}}, Json{{"precision", "bf16"}},
                      Json{{"strategy", "freeze"}, {"weight_decay", .01}},
                      Json{{"reset_optimizer", true}},
                      Json{{"tasks.count", 4}, {"strategy", "online-ewc"}}}) {
    SCOPED_TRACE(config.dump());
    const Json undisturbed = Run(config, Keep::kNothing);
    EXPECT_EQ(RunInTwoParts(config, Keep::kProgress, asked_ * 3 / 4),
              undisturbed);
    EXPECT_EQ(log_, "");
  }
}

// A kill leaves no time to save: what was saved before must do.
TEST_F(ResumeTest, SavesWhenTheIntervalHasPassed) {
  interval_ = std::chrono::seconds(0);
  const Json config = {{"strategy", "er"}};
  const Json undisturbed = Run(config, Keep::kNothing);
  EXPECT_THROW(Run(config, Keep::kProgress, asked_ / 2), Cancelled);
  ASSERT_EQ(Files(), 2);  // the last two
  EXPECT_EQ(Run(config, Keep::kProgress), undisturbed);
  EXPECT_EQ(Files(), 0);  // nothing is left to go on with
}

TEST_F(ResumeTest, ADamagedCheckpointIsPassedOver) {
  const Json config = {{"strategy", "ewc"}};
  const Json undisturbed = Run(config, Keep::kNothing);
  EXPECT_THROW(Run(config, Keep::kStages, asked_ * 4 / 5), Cancelled);
  ASSERT_EQ(Files(), 2);  // the first stage, and within the second
  for (const auto& entry : std::filesystem::directory_iterator(folder_)) {
    if (entry.path().extension() != ".progress") continue;
    std::ofstream(entry.path()) << "DFSWEEP";
  }
  EXPECT_EQ(Run(config, Keep::kStages), undisturbed);
  EXPECT_NE(log_.find("is cut off"), std::string::npos) << log_;
  EXPECT_EQ(epochs_reused_, 2);
}

TEST_F(ResumeTest, AnotherTrialsProgressIsPassedOver) {
  const Json config = {{"strategy", "ewc"}};
  EXPECT_THROW(Run(config, Keep::kProgress, asked_ + 20), Cancelled);
  Json other = config;
  other["learning_rate"] = 1e-3;
  const Json result = Run(other, Keep::kProgress);
  EXPECT_NE(log_.find("is of another training"), std::string::npos) << log_;
  EXPECT_EQ(result, Run(other, Keep::kNothing));
}

// Whatever strategy trained the first task, the others go on from it.
TEST_F(ResumeTest, SharedStagesGiveTheSameBits) {
  int reused = 0;
  for (const std::string& strategy : Strategies()) {
    SCOPED_TRACE(strategy);
    const Json config = {{"strategy", strategy},
                         {"model", strategy == "lwf" ? "df" : "mlp"},
                         {"buffer.fill", "class_balanced"},
                         {"active_classes", "seen"}};
    const Json alone = Run(config, Keep::kNothing);
    EXPECT_EQ(Run(config, Keep::kStages), alone);
    reused += epochs_reused_;
  }
  // cumulative, ewc, online-ewc, mas, l1, l2, er, agem and freeze took naive's;
  // ewc+si took si's, which has a path; lwf trained another network.
  EXPECT_EQ(reused, 10 * 2);
}

// Si goes on from what any other has trained and recorded for it, also if that
// was stopped on the way; and the others from what si has trained.
TEST_F(ResumeTest, RecordedStagesAreForAll) {
  records_path_ = true;
  for (const char* first : {"naive", "ewc", "agem", "si"}) {
    for (const char* second : {"si", "ewc+si", "naive", "mas"}) {
      SCOPED_TRACE(std::string(first) + " " + second);
      ClearFolder();
      const Json config = {{"strategy", first}, {"model", "mlp"}};
      EXPECT_THROW(Run(config, Keep::kStages, asked_ / 5), Cancelled);
      Run(config, Keep::kStages);
      const Json other = {{"strategy", second}, {"model", "mlp"}};
      const Json shared = Run(other, Keep::kStages);
      EXPECT_EQ(epochs_reused_, first == std::string(second) ? 4 : 2);
      EXPECT_EQ(shared, Run(other, Keep::kNothing));
      EXPECT_EQ(log_, "");
    }
  }
}

TEST_F(ResumeTest, StrengthsAndLaterEpochsShareTheFirstTask) {
  Run({{"strategy", "ewc"}, {"ewc.lambda", 1}}, Keep::kStages);
  EXPECT_EQ(epochs_reused_, 0);
  for (const Json& config :
       {Json{{"strategy", "ewc"}, {"ewc.lambda", 100}},
        Json{{"strategy", "ewc"}, {"ewc.fisher_labels", "true"}},
        Json{{"strategy", "ewc"}, {"epochs", {{"per_task", {2, 3}}}}},
        Json{{"strategy", "si"}, {"reset_optimizer", true}}}) {
    SCOPED_TRACE(config.dump());
    const Json shared = Run(config, Keep::kStages);
    EXPECT_EQ(epochs_reused_, config["strategy"] == "ewc" ? 2 : 0);
    EXPECT_EQ(shared, Run(config, Keep::kNothing));
  }
}

TEST_F(ResumeTest, FewerEpochsAreThePrefixOfMore) {
  for (const int epochs : {1, 2, 4}) {
    const Json config = {{"strategy", "joint"}, {"epochs", epochs}};
    const Json shared = Run(config, Keep::kStages);
    EXPECT_EQ(epochs_reused_, epochs / 2);
    EXPECT_EQ(shared, Run(config, Keep::kNothing));
  }
}

// Of the same trial, by another seed or on other data, nothing is shared.
TEST_F(ResumeTest, WhatDiffersFromTheBeginningIsNotShared) {
  Run({{"strategy", "naive"}}, Keep::kStages);
  for (const Json& config :
       {Json{{"learning_rate", 1e-3}}, Json{{"data.test_fraction", .3}},
        Json{{"tasks.count", 4}}, Json{{"strategy", "derpp"}},
        Json{{"strategy", "joint"}}}) {
    SCOPED_TRACE(config.dump());
    Run(config, Keep::kStages);
    EXPECT_EQ(epochs_reused_, 0);
  }
}

TEST_F(ResumeTest, ADiskThatRefusesDoesNotStopTheTraining) {
  const Json config = {{"strategy", "naive"}};
  const Json undisturbed = Run(config, Keep::kNothing);
  // Folders in the place of the temporary files stand for what fails.
  for (int steps = 0; steps < 100; ++steps) {
    std::filesystem::create_directory(
        folder_ / ("trial." + std::to_string(steps) + ".progress." +
                   std::to_string(getpid()) + ".part"));
  }
  EXPECT_EQ(Run(config, Keep::kProgress), undisturbed);
  EXPECT_NE(log_.find("the training goes on without it"), std::string::npos);
}

}  // namespace
}  // namespace dfsweep::model
