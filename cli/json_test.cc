#include "cli/json.h"

#include <gtest/gtest.h>

namespace dfsweep::cli {
namespace {

v1::Sweep SomeSweep() {
  v1::Sweep sweep;
  sweep.set_sweep_id("sw-01234567");
  sweep.set_name("quickstart");
  sweep.set_state(v1::Sweep::FINISHED);
  sweep.mutable_dataset()->set_name("tiny");
  sweep.mutable_counts()->set_completed(9'000'000'000);
  sweep.mutable_create_time()->set_seconds(1'700'000'000);
  sweep.mutable_best()->set_value(0.5);
  sweep.mutable_best()->set_varying_json("{\"strategy\":\"ewc\"}");
  sweep.add_overrides("seeds=2");
  return sweep;
}

TEST(ToJson, SweepHasTheProtosNames) {
  Json json = ToJson(SomeSweep());

  EXPECT_EQ(json["state"], "FINISHED");
  EXPECT_EQ(json["counts"]["completed"], 9'000'000'000);
  EXPECT_TRUE(json["counts"]["completed"].is_number_integer());
  EXPECT_EQ(json["counts"]["pending"], 0);
  EXPECT_EQ(json["create_time"], "2023-11-14T22:13:20.000Z");
  EXPECT_EQ(json["best"]["varying"]["strategy"], "ewc");
  EXPECT_EQ(json["overrides"], Json::array({"seeds=2"}));
  EXPECT_TRUE(json["time_left_seconds"].is_null());
}

TEST(ToJson, TrialHasItsConfigurationAsAnObject) {
  v1::Trial trial;
  trial.set_state(v1::RUNNING);
  trial.set_configuration_json("{\"ewc.lambda\":1e6}");
  (*trial.mutable_metrics())["train_loss"] = 0.25;

  Json json = ToJson(trial);

  EXPECT_EQ(json["state"], "RUNNING");
  EXPECT_EQ(json["configuration"]["ewc.lambda"], 1e6);
  EXPECT_EQ(json["metrics"]["train_loss"], 0.25);
  EXPECT_TRUE(json["cause"].is_null());
  EXPECT_TRUE(json["end_time"].is_null());
}

TEST(ToJson, WorkerListsItsTrials) {
  v1::Worker worker;
  worker.set_state(v1::Worker::QUARANTINED);
  EXPECT_EQ(ToJson(worker)["state"], "QUARANTINED");
  EXPECT_TRUE(ToJson(worker)["trial_ids"].empty());
  EXPECT_TRUE(ToJson(worker)["trial_ids"].is_array());
  worker.add_trial_ids("abc");
  EXPECT_EQ(ToJson(worker)["trial_ids"], Json::array({"abc"}));
}

TEST(ToJson, PlanHasItsWarningsInParts) {
  v1::SweepPlan plan;
  plan.set_distinct_trials(10);
  plan.add_warnings("one seed\nx.yaml:3:1\nuse three");

  Json json = ToJson(plan);

  EXPECT_EQ(json["distinct_trials"], 10);
  EXPECT_TRUE(json["expected_seconds"].is_null());
  EXPECT_EQ(json["warnings"][0]["what"], "one seed");
  EXPECT_EQ(json["warnings"][0]["where"], "x.yaml:3:1");
  EXPECT_EQ(json["warnings"][0]["fix"], "use three");
  plan.mutable_expected_time()->set_seconds(90);
  EXPECT_EQ(ToJson(plan)["expected_seconds"], 90);
}

TEST(ToJsonList, IsAnArrayEvenOfOneAndOfNone) {
  EXPECT_EQ(ToJsonList(std::vector<v1::Sweep>{}), Json::array());
  EXPECT_EQ(ToJsonList(std::vector<v1::Sweep>{SomeSweep()}).size(), 1u);
}

}  // namespace
}  // namespace dfsweep::cli
