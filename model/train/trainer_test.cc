#include "model/train/trainer.h"

#include <gtest/gtest.h>

#include <map>
#include <string>
#include <vector>

#include "model/protocol/protocol.h"
#include "model/protocol/result_parts.h"
#include "model/test_data.h"
#include "model/train/failure.h"

namespace dfsweep::model {
namespace {

using config::Json;

struct Event {
  std::string type;
  Json fields;
};

class TrainerTest : public testing::Test {
 protected:
  static void SetUpTestSuite() {
    file_ = new DatasetFile(EasyTraces(4, 30, 32));
  }
  static void TearDownTestSuite() { delete file_; }

  Json Run(Json config, uint64_t seed = 0) {
    Json all = {
        {"sequence_length", 32},   {"batch_size", 16},  {"epochs", 4},
        {"bn_momentum", .5},       {"dropout.fc1", .2}, {"dropout.fc2", .2},
        {"data.test_fraction", .2}};
    all.update(config);
    Trial trial{.id = "",
                .dataset = path_.empty() ? file_->path() : path_,
                .dataset_digest = "",
                .configuration = config::Configuration(all),
                .seed = seed};
    events_.clear();
    steps_ = 0;
    Json result = RunTrial(
        trial, {.device = device_,
                .datasets = datasets_,
                .emit =
                    [this](const char* type, Json fields) {
                      events_.push_back({type, std::move(fields)});
                    },
                .cancelled = [this] { return ++steps_ > steps_allowed_; },
                .replays_steps = replays_steps_});
    // Times differ between equal trainings.
    result.erase("train_seconds");
    return result;
  }

  static DatasetFile* file_;
  std::filesystem::path path_;  // of another dataset than file_
  DatasetCache datasets_;
  std::vector<Event> events_;
  c10::Device device_ = TestDevice();
  int steps_ = 0;
  int steps_allowed_ = 1'000'000;
  bool replays_steps_ = true;
};

DatasetFile* TrainerTest::file_ = nullptr;

TEST_F(TrainerTest, JointLearnsEveryTask) {
  Json result = Run({{"strategy", "joint"}, {"epochs", 8}});
  EXPECT_EQ(result["status"], "completed");
  ASSERT_EQ(result["accuracy_matrix"].size(), 1u);
  ASSERT_EQ(result["accuracy_matrix"][0].size(), 2u);
  EXPECT_GT(result["metrics"]["average_accuracy"], .8);  // chance: .25
  EXPECT_EQ(result["metrics"]["forgetting"], 0);
}

// Class-incremental, nothing kept: a value between says that labels leak.
TEST_F(TrainerTest, NaiveForgetsTheOldTaskWholly) {
  Json result = Run({{"strategy", "naive"}, {"epochs", 8}});
  Json matrix = result["accuracy_matrix"];
  EXPECT_GT(matrix[0][0], .9);
  EXPECT_EQ(matrix[1][0], 0);
  EXPECT_GT(matrix[1][1], .9);
  EXPECT_NEAR(result["metrics"]["forgetting"].get<double>(),
              matrix[0][0].get<double>(), 1e-12);
}

TEST_F(TrainerTest, EwcRemembersMoreWithALargerLambda) {
  auto lambda = [&](double value) {
    return Run({{"strategy", "ewc"}, {"ewc.lambda", value}, {"epochs", 8}});
  };
  Json weak = lambda(1), strong = lambda(1e12);
  EXPECT_EQ(weak["accuracy_matrix"][0], strong["accuracy_matrix"][0]);
  EXPECT_GT(strong["accuracy_matrix"][1][0].get<double>(),
            weak["accuracy_matrix"][1][0].get<double>() + .3);
  EXPECT_GT(strong["metrics"]["penalty_max_step"], 0);
  EXPECT_GT(weak["learning_curve"].back()["penalty"], 0);
}

// A penalty that is no part of the loss goes unnoticed otherwise.
TEST_F(TrainerTest, EwcPullsFromTheFirstStepOfTheSecondTask) {
  auto lambda = [&](double value) {
    return Run({{"strategy", "ewc"},
                {"ewc.lambda", value},
                {"batch_size", 64},  // one step an epoch
                {"epochs", {{"per_task", {1, 3}}}}})["learning_curve"];
  };
  Json none = lambda(0), strong = lambda(1e9);
  ASSERT_EQ(strong.size(), 4u);
  EXPECT_FALSE(strong[0].contains("penalty"));
  EXPECT_GT(strong[1]["penalty"], 0);
  EXPECT_EQ(none[1]["penalty"], 0);
  // The first step starts at the anchor, so that the second is the first to
  // differ, and the third the first to be told by its loss.
  EXPECT_EQ(strong[2]["train_loss"], none[2]["train_loss"]);
  EXPECT_NE(strong[3]["train_loss"], none[3]["train_loss"]);
}

TEST_F(TrainerTest, EwcWithLambdaZeroIsNaiveToTheBit) {
  Json naive = Run({{"strategy", "naive"}, {"dropout.fc1", .5}});
  Json ewc = Run({{"strategy", "ewc"}, {"ewc.lambda", 0}, {"dropout.fc1", .5}});
  EXPECT_EQ(ewc["accuracy_matrix"], naive["accuracy_matrix"]);
  for (Json& point : ewc["learning_curve"]) point.erase("penalty");
  EXPECT_EQ(ewc["learning_curve"], naive["learning_curve"]);
}

// Reference test 1: with nothing to add, no side pass may be felt. DF has batch
// normalisation and dropout, which would tell.
TEST_F(TrainerTest, StrategiesOfNoStrengthAreNaiveToTheBit) {
  const std::map<std::string, Json> settings = {
      {"ewc", {{"ewc.lambda", 0}}},
      {"online-ewc", {{"ewc.lambda", 0}}},
      {"si", {{"si.c", 0}}},
      {"ewc+si", {{"ewc.lambda", 0}, {"si.c", 0}}},
      {"mas", {{"mas.lambda", 0}}},
      {"l1", {{"l1.lambda", 0}}},
      {"l2", {{"l2.lambda", 0}}},
      {"lwf", {{"lwf.lambda", 0}}},
      {"derpp", {{"derpp.alpha", 0}, {"derpp.beta", 0}}}};
  Json naive = Run({{"strategy", "naive"}, {"epochs", 2}});
  for (auto [strategy, config] : settings) {
    SCOPED_TRACE(strategy);
    config["strategy"] = strategy;
    config["epochs"] = 2;
    Json result = Run(config);
    EXPECT_EQ(result["accuracy_matrix"], naive["accuracy_matrix"]);
    for (Json& point : result["learning_curve"]) point.erase("penalty");
    EXPECT_EQ(result["learning_curve"], naive["learning_curve"]);
  }
}

TEST_F(TrainerTest, StrategiesOfLaterTasksLeaveTheFirstAlone) {
  Json naive = Run({{"strategy", "naive"}, {"epochs", 2}});
  for (const char* strategy : {"agem", "freeze", "lwf", "cumulative"}) {
    SCOPED_TRACE(strategy);
    Json result = Run({{"strategy", strategy}, {"epochs", 2}});
    EXPECT_EQ(result["accuracy_matrix"][0], naive["accuracy_matrix"][0]);
    EXPECT_EQ(result["learning_curve"][1], naive["learning_curve"][1]);
    EXPECT_NE(result["learning_curve"][3], naive["learning_curve"][3]);
  }
}

// Reference test 2.
TEST_F(TrainerTest, TheLastStageOfCumulativeIsJointToTheBit) {
  Json joint = Run({{"strategy", "joint"}, {"tasks.count", 1}});
  Json cumulative = Run({{"strategy", "cumulative"},
                         {"cumulative.reinit", true},
                         {"tasks.count", 1}});
  EXPECT_EQ(joint["accuracy_matrix"], cumulative["accuracy_matrix"]);
  EXPECT_EQ(joint["learning_curve"], cumulative["learning_curve"]);
}

TEST_F(TrainerTest, WhatKeepsTracesForgetsLess) {
  for (const char* strategy :
       {"cumulative", "er", "derpp", "icarl", "bic", "gdumb"}) {
    SCOPED_TRACE(strategy);
    Json result = Run({{"strategy", strategy},
                       {"model", "mlp"},
                       {"buffer.size", 40},
                       {"epochs", 20}});
    EXPECT_GT(result["accuracy_matrix"][1][0], .7);
    EXPECT_GT(result["accuracy_matrix"][1][1], .7);
  }
}

// All strategies train on both networks in each scenario that is theirs.
TEST_F(TrainerTest, EveryStrategyTrainsEverywhere) {
  const config::Parameter& strategies = *config::FindParameter("strategy");
  for (const std::string& strategy : strategies.choices) {
    for (const char* scenario :
         {"class-incremental", "task-incremental", "domain-incremental"}) {
      for (const char* model : {"mlp", "df"}) {
        SCOPED_TRACE(strategy + " " + scenario + " " + model);
        Json config = {
            {"strategy", strategy}, {"scenario", scenario},   {"model", model},
            {"epochs", 1},          {"ewc.lambda", 1},        {"si.c", 1},
            {"mas.lambda", 1},      {"l1.lambda", 1e-3},      {"l2.lambda", 1},
            {"mas.samples", 8},     {"ewc.fisher_samples", 8}};
        const bool is_class_only = strategy == "icarl" || strategy == "bic";
        if (is_class_only && scenario != std::string("class-incremental")) {
          EXPECT_THROW(Run(config), config::Error);
          continue;
        }
        EXPECT_EQ(Run(config)["status"], "completed");
      }
    }
  }
}

TEST_F(TrainerTest, EveryDeviceComputesTheSame) {
  if (device_.is_cpu()) GTEST_SKIP() << "DFSWEEP_TEST_DEVICE names no other";
  for (const char* model : {"mlp", "df"}) {
    SCOPED_TRACE(model);
    const Json config = {{"model", model},     {"strategy", "ewc"},
                         {"ewc.lambda", 1e3},  {"epochs", 2},
                         {"dropout.conv", 0},  {"dropout.fc1", 0},
                         {"dropout.fc2", 0},   {"learning_rate", 1e-4},
                         {"optimizer", "sgd"}, {"ewc.fisher_samples", 0}};
    device_ = TestDevice();
    const Json there = Run(config)["learning_curve"];
    device_ = c10::kCPU;
    const Json here = Run(config)["learning_curve"];
    ASSERT_EQ(there.size(), here.size());
    for (size_t i = 0; i < here.size(); ++i) {
      EXPECT_NEAR(there[i]["train_loss"], here[i]["train_loss"], 1e-4) << i;
    }
  }
}

// Also of the last, smaller batch.
TEST_F(TrainerTest, ReplayedStepsAreTheSameToTheBit) {
  if (device_.is_cpu()) GTEST_SKIP() << "DFSWEEP_TEST_DEVICE names no GPU";
  auto compare = [&](const Json& config) {
    replays_steps_ = false;
    const Json one_by_one = Run(config);
    replays_steps_ = true;
    EXPECT_EQ(Run(config), one_by_one);
    EXPECT_EQ(one_by_one["status"], "completed");
  };
  const config::Parameter& strategies = *config::FindParameter("strategy");
  for (const std::string& strategy : strategies.choices) {
    for (const char* model : {"mlp", "df"}) {
      SCOPED_TRACE(strategy + " " + model);
      compare({{"strategy", strategy},
               {"model", model},
               {"epochs", 5},
               {"ewc.lambda", 1},
               {"si.c", 1},
               {"mas.lambda", 1},
               {"l1.lambda", 1e-3},
               {"l2.lambda", 1},
               {"mas.samples", 8},
               {"ewc.fisher_samples", 8}});
    }
  }
  for (const char* precision : {"tf32", "bf16"}) {
    for (const char* active : {"all", "current"}) {
      SCOPED_TRACE(std::string(precision) + active);
      compare({{"strategy", "lwf"},
               {"precision", precision},
               {"active_classes", active},
               {"optimizer", "adam"},
               {"epochs", 6}});
    }
  }
}

TEST_F(TrainerTest, EveryPrecisionTrainsAlike) {
  for (const char* precision : {"fp32", "tf32", "bf16"}) {
    SCOPED_TRACE(precision);
    Json result =
        Run({{"strategy", "joint"}, {"epochs", 8}, {"precision", precision}});
    EXPECT_GT(result["metrics"]["average_accuracy"], .8);
  }
}

TEST_F(TrainerTest, ForwardTransferComparesWithTheInitialWeights) {
  Json config = {{"scenario", "domain-incremental"},
                 {"forward_transfer", true}};
  Json with = Run(config);
  ASSERT_TRUE(with["metrics"].contains("fwt"));
  EXPECT_LE(std::abs(with["metrics"]["fwt"].get<double>()), 1);
  config["forward_transfer"] = false;
  Json without = Run(config);
  EXPECT_EQ(with["learning_curve"], without["learning_curve"]);
  EXPECT_FALSE(without["metrics"].contains("fwt"));
}

TEST_F(TrainerTest, TellsEachClassByItsLabel) {
  Json metrics = Run({{"epochs", 8}})["metrics"];
  EXPECT_EQ(metrics["class_accuracy_10"], 0);  // forgotten
  const double mean = (metrics["class_accuracy_30"].get<double>() +
                       metrics["class_accuracy_40"].get<double>()) /
                      2;
  EXPECT_NEAR(mean, metrics["accuracy_task_2_after_2"].get<double>(), 1e-12);
}

TEST_F(TrainerTest, AnUnmonitoredClassGivesOpenWorldMetrics) {
  data::Traces traces = EasyTraces(4, 30, 32);
  traces.unmonitored = 40;
  DatasetFile file(traces);
  path_ = file.path();
  Json result = Run({{"strategy", "joint"}, {"epochs", 8}});
  EXPECT_EQ(events_[0].fields["tasks"], Json({{10, 20, 40}, {30}}));
  EXPECT_GT(result["metrics"]["open_world_recall"], .8);
  EXPECT_LT(result["metrics"]["open_world_fpr"], .3);
  EXPECT_GT(result["metrics"]["open_world_auc"], .8);
  EXPECT_EQ(protocol::CheckedPart("open_world", result["open_world"]),
            result["open_world"]);
  const Json& points = result["open_world"]["points"];
  ASSERT_EQ(points.size(), 16u);  // the argmax and 15 thresholds
  EXPECT_EQ(points[0]["recall"], result["metrics"]["open_world_recall"]);
  EXPECT_EQ(points[0]["true_positives"].get<int>() +
                points[0]["false_negatives"].get<int>(),
            3 * 6);  // 20 % of 30 traces of three monitored sites
}

TEST_F(TrainerTest, TwoClassesTellMonitoredFromUnmonitoredTraces) {
  data::Traces traces = EasyTraces(4, 30, 32);
  traces.unmonitored = 40;
  DatasetFile file(traces);
  path_ = file.path();
  Json result = Run({{"strategy", "joint"},
                     {"epochs", 8},
                     {"tasks.split", "equal"},
                     {"tasks.count", 1},
                     {"data.open_world", "two_class"}});
  EXPECT_EQ(events_[0].fields["tasks"], Json({{10, 40}}));
  EXPECT_EQ(result["confusion_matrix"]["labels"], Json({10, 40}));
  EXPECT_GT(result["metrics"]["open_world_recall"], .8);
  EXPECT_EQ(result["open_world"]["points"][0]["wrong_site"], 0);
}

TEST_F(TrainerTest, ConfusionMatrixHasEveryTestTrace) {
  Json result = Run({{"epochs", 8}});
  const Json& matrix = result["confusion_matrix"];
  EXPECT_EQ(protocol::CheckedPart("confusion_matrix", matrix), matrix);
  EXPECT_EQ(matrix["labels"], Json({10, 20, 30, 40}));
  int64_t all = 0, right = 0;
  for (const Json& entry : matrix["counts"]) {
    all += entry[2].get<int64_t>();
    if (entry[0] == entry[1]) right += entry[2].get<int64_t>();
  }
  EXPECT_EQ(all, 4 * 6);
  EXPECT_DOUBLE_EQ(static_cast<double>(right) / static_cast<double>(all),
                   result["metrics"]["weighted_accuracy"].get<double>());
}

TEST_F(TrainerTest, StepsPerEpochGoOnOverPasses) {
  // 84 training rows in two tasks: 3 steps of 16 a pass.
  Json result = Run({{"steps_per_epoch", 5}, {"epochs", 2}});
  EXPECT_EQ(result["metrics"]["steps"], 2 * 2 * 5);
  // As many steps as a pass has is a pass.
  EXPECT_EQ(Run({{"steps_per_epoch", 3}})["learning_curve"],
            Run(Json::object())["learning_curve"]);
}

TEST_F(TrainerTest, TheSameTrialGivesTheSameBits) {
  Json config = {{"strategy", "ewc"},
                 {"ewc.lambda", 1e4},
                 {"ewc.fisher_labels", "sample"}};
  Json first = Run(config);
  at::rand({10});  // a global generator has no say
  EXPECT_EQ(first, Run(config));
  EXPECT_NE(first, Run(config, /*seed=*/1));
}

TEST_F(TrainerTest, EveryOptimizerAndPrecisionTrains) {
  for (Json config :
       {Json{{"optimizer", "adam"}},
        Json{{"optimizer", "sgd"}, {"momentum", .9}},
        Json{{"precision", "tf32"}}, Json{{"precision", "bf16"}}}) {
    config["strategy"] = "joint";
    Json result = Run(config);
    EXPECT_EQ(result["status"], "completed") << config;
    Json curve = result["learning_curve"];
    EXPECT_LT(curve.back()["train_loss"], curve[0]["train_loss"]) << config;
  }
}

// A parameter's other value, and what else must be given for it to matter.
struct Change {
  Json value;
  Json setting = Json::object();
};

std::map<std::string, Change> Changes() {
  Json ewc = {{"strategy", "ewc"}, {"ewc.lambda", 1e6}};
  Json si = {{"strategy", "si"}, {"si.c", 100}};
  Json swinging = si;
  swinging.update(
      Json{{"optimizer", "sgd"}, {"momentum", .95}, {"learning_rate", .05}});
  Json mas = {{"strategy", "mas"}, {"mas.lambda", 10}};
  Json lwf = {{"strategy", "lwf"}};
  Json er = {{"strategy", "er"}, {"buffer.size", 40}};
  Json first = {
      {"tasks.split", "first"}, {"tasks.first", 2}, {"tasks.step", 1}};
  auto three_tasks = [](Json config) {
    config["tasks.count"] = 3;
    return config;
  };
  Json labels = {{"tasks.split", "labels"},
                 {"tasks.labels", {"10,20", "30,40"}}};
  return {
      {"scenario", {"task-incremental"}},
      {"strategy", {"joint"}},
      {"tasks.split", {"labels", {{"tasks.labels", {"10", "20,30,40"}}}}},
      {"tasks.count", {4}},
      {"tasks.labels", {{"10", "20,30,40"}, labels}},
      {"active_classes", {"current"}},
      {"reset_optimizer", {true}},
      {"forward_transfer", {true}},
      {"tasks.first", {3, first}},
      {"tasks.step", {2, first}},
      {"tasks.class_order", {"shuffled"}},
      {"cumulative.reinit", {true, {{"strategy", "cumulative"}}}},
      {"ewc.gamma", {.1, {{"strategy", "online-ewc"}, {"ewc.lambda", 1e6}}}},
      {"si.c", {0, si}},
      {"si.damping", {1e-6, si}},
      {"si.clamp", {true, three_tasks(swinging)}},
      {"si.gradient", {"total", three_tasks(si)}},
      {"mas.lambda", {0, mas}},
      {"mas.samples", {5, mas}},
      {"l1.lambda", {0, {{"strategy", "l1"}, {"l1.lambda", 1}}}},
      {"l2.lambda", {0, {{"strategy", "l2"}, {"l2.lambda", 10}}}},
      {"lwf.lambda", {0, lwf}},
      {"lwf.temperature", {5, lwf}},
      {"lwf.t_squared", {true, lwf}},
      {"lwf.weighting", {"tasks", three_tasks(lwf)}},
      {"lwf.units", {"all", lwf}},
      {"buffer.size", {8, er}},
      {"buffer.fill", {"class_balanced", er}},
      {"buffer.batch", {3, er}},
      {"er.weighting", {"tasks", three_tasks(er)}},
      {"derpp.alpha", {0, {{"strategy", "derpp"}}}},
      {"derpp.beta", {0, {{"strategy", "derpp"}}}},
      {"icarl.temperature", {3, {{"strategy", "icarl"}}}},
      {"bic.validation", {.5, {{"strategy", "bic"}, {"buffer.size", 40}}}},
      {"ewc.lambda", {0, ewc}},
      {"ewc.fisher_labels", {"true", ewc}},
      {"ewc.fisher_samples", {5, ewc}},
      {"sequence_length", {16}},
      {"data.split", {"group"}},
      {"data.test_fraction", {.3}},
      {"data.validation_fraction", {.2}},
      {"data.duplicates", {"remove"}},
      {"data.train_per_class", {15}},
      {"data.representation", {"cumulative"}},
      {"model", {"mlp"}},
      {"mlp.hidden", {7, {{"model", "mlp"}}}},
      {"bn", {"freeze_after_first"}},
      {"bn_momentum", {.9}},
      {"dropout.conv", {0}},
      {"dropout.fc1", {0}},
      {"dropout.fc2", {0}},
      {"epochs", {2}},
      {"steps_per_epoch", {5}},
      {"batch_size", {8}},
      {"drop_last", {true}},
      {"optimizer", {"adam"}},
      {"learning_rate", {.01}},
      {"beta1", {.5}},
      {"beta2", {.5}},
      {"epsilon", {.1}},
      {"momentum", {.9, {{"optimizer", "sgd"}}}},
      {"weight_decay", {.1}},
      {"precision", {"bf16"}},
  };
}

TEST_F(TrainerTest, EveryParameterIsObeyed) {
  const std::map<std::string, Change> changes = Changes();
  std::map<Json, Json> unchanged;  // results by setting
  for (const config::Parameter& parameter : config::Parameters()) {
    SCOPED_TRACE(parameter.name);
    if (parameter.choices.size() == 1) continue;
    if (parameter.name == "deterministic") continue;    // GPUs only
    if (parameter.name == "data.image_form") continue;  // images only
    if (parameter.name == "data.open_world") continue;  // unmonitored only
    ASSERT_TRUE(changes.contains(parameter.name));
    auto [value, config] = changes.at(parameter.name);
    config["epochs"] = 1;
    auto [base, is_new] = unchanged.try_emplace(config);
    if (is_new) base->second = Run(config);
    config[parameter.name] = value;
    EXPECT_NE(base->second, Run(config));
  }
}

TEST_F(TrainerTest, ActiveClassesNarrowTheLoss) {
  // Two units can't be more wrong than log 2 in the mean before training.
  Json current = Run({{"active_classes", "current"}, {"epochs", 1}});
  Json all = Run({{"active_classes", "all"}, {"epochs", 1}});
  EXPECT_LT(current["learning_curve"][0]["train_loss"],
            all["learning_curve"][0]["train_loss"]);
  Json seen = Run({{"active_classes", "seen"}, {"epochs", 1}});
  EXPECT_EQ(seen["learning_curve"][0], current["learning_curve"][0]);
  EXPECT_NE(seen["learning_curve"][1], current["learning_curve"][1]);
}

TEST_F(TrainerTest, ResettingTheOptimizerChangesTheSecondTaskOnly) {
  Json kept = Run({{"reset_optimizer", false}});
  Json reset = Run({{"reset_optimizer", true}});
  EXPECT_EQ(kept["accuracy_matrix"][0], reset["accuracy_matrix"][0]);
  EXPECT_NE(kept["learning_curve"], reset["learning_curve"]);
}

TEST_F(TrainerTest, ALearningRateOutOfBoundsDiverges) {
  Json result = Run({{"optimizer", "sgd"}, {"learning_rate", 1e30}});
  EXPECT_EQ(result["status"], "diverged");
  EXPECT_NE(result["message"], "");
  EXPECT_FALSE(result["metrics"].contains("average_accuracy"));
  EXPECT_EQ(result.dump().find("null"), std::string::npos);
}

TEST_F(TrainerTest, DivergingInTheSecondTaskKeepsTheFirst) {
  Json result = Run({{"strategy", "ewc"},
                     {"ewc.lambda", 1e38},
                     {"optimizer", "sgd"},
                     {"learning_rate", .05}});
  EXPECT_EQ(result["status"], "diverged");
  EXPECT_EQ(result["accuracy_matrix"].size(), 1u);
  EXPECT_TRUE(result["metrics"].contains("accuracy_task_1_after_1"));
  EXPECT_GT(result["metrics"]["penalty_max_step"], 2);  // says why
}

TEST_F(TrainerTest, StopsBeforeTheNextStep) {
  steps_allowed_ = 3;
  EXPECT_THROW(Run(Json::object()), Cancelled);
  EXPECT_EQ(steps_, 4);
}

TEST_F(TrainerTest, StopsWithinTheFisherPass) {
  Run({{"strategy", "naive"}});
  int steps = steps_;
  Run({{"strategy", "ewc"}, {"ewc.lambda", 0}, {"ewc.fisher_samples", 32}});
  EXPECT_EQ(steps_, steps + 2);  // 4 rows an example, 64 rows at once
}

TEST_F(TrainerTest, ATaskWithoutABatchIsRefusedBeforeTraining) {
  EXPECT_THROW(Run({{"batch_size", 64}, {"drop_last", true}}), config::Error);
  EXPECT_TRUE(events_.empty());
}

TEST_F(TrainerTest, TellsItsProgress) {
  Json result = Run({{"epochs", {{"per_task", {2, 1}}}}});
  ASSERT_EQ(events_.size(), 1u + 3u + 2u + 4u);
  EXPECT_EQ(events_[0].type, protocol::event::kStarted);
  EXPECT_EQ(events_[0].fields["tasks"], Json({{10, 20}, {30, 40}}));
  EXPECT_EQ(events_[0].fields["epochs_total"], 3);
  EXPECT_EQ(events_[0].fields["examples"],
            Json({{"train", 84}, {"validation", 12}, {"test", 24}}));
  EXPECT_EQ(events_[1].type, protocol::event::kEpoch);
  EXPECT_EQ(events_[1].fields["epochs_done"], 1);
  EXPECT_EQ(events_[3].type, protocol::event::kEvaluation);
  EXPECT_EQ(events_[3].fields["split"], "test");
  EXPECT_EQ(events_[3].fields["examples"], 12);
  EXPECT_EQ(events_[4].fields["split"], "validation");
  EXPECT_EQ(events_[4].fields["examples"], 6);
  EXPECT_EQ(result["learning_curve"].size(), 3u);
  EXPECT_EQ(result["evaluations"].size(), 6u);
  EXPECT_EQ(result["metrics"]["steps"], 3 + 3 + 3);
  EXPECT_NEAR(result["metrics"]["average_accuracy"].get<double>(),
              result["metrics"]["weighted_accuracy"].get<double>(), 1e-12);
}

TEST_F(TrainerTest, ValidationMayBeAbsent) {
  Json result = Run({{"data.validation_fraction", 0}, {"epochs", 1}});
  EXPECT_FALSE(result.contains("validation_accuracy_matrix"));
  EXPECT_FALSE(result["learning_curve"][0].contains("validation_accuracy"));
}

TEST_F(TrainerTest, AMissingDatasetIsAFailureOfData) {
  Trial trial{.id = "",
              .dataset = "/nonexistent.npz",
              .dataset_digest = "",
              .configuration = config::Configuration(Json::object()),
              .seed = 0};
  try {
    datasets_.Load(trial, c10::kCPU);
    FAIL();
  } catch (const Failure& failure) {
    EXPECT_EQ(failure.cause(), protocol::cause::kData);
  }
}

}  // namespace
}  // namespace dfsweep::model
