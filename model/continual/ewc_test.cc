#include "model/continual/ewc.h"

#include <gtest/gtest.h>

#include "model/net/deep_fingerprinting.h"
#include "model/test_data.h"

namespace dfsweep::model {
namespace {

using config::Json;

constexpr int64_t kLength = 16;
constexpr int64_t kClasses = 4;

class EwcTest : public testing::Test {
 protected:
  Ewc MakeEwc(Json options) {
    options["strategy"] = "ewc";
    options["ewc.lambda"] = 10;
    return Ewc(config::Configuration(options));
  }

  StageContext Stage(int64_t stage, const std::vector<int64_t>& rows,
                     bool last = false) {
    return {.seed = 3,
            .stage = stage,
            .last = last,
            .network = network_,
            .data = data_,
            .sequence_length = kLength,
            .train_rows = rows,
            .active_units = at::arange(kClasses, at::kLong),
            .before_batch = [this] { ++batches_; }};
  }

  // By definition, without Ewc.
  std::vector<torch::Tensor> Fisher(FisherLabels kind,
                                    const std::vector<int64_t>& rows) {
    FisherSum sum(network_, kind, at::arange(kClasses, at::kLong),
                  Stream(3, Purpose::kFisherLabels));
    torch::Tensor chosen = data_.Rows(rows);
    sum.Add(data_.Inputs(chosen, kLength), data_.Units(chosen));
    return sum.Mean();
  }

  void Move(double distance) {
    torch::NoGradGuard no_grad;
    for (auto& p : network_.parameters()) p.add_(distance);
  }

  void ExpectImportance(const Ewc& ewc,
                        const std::vector<torch::Tensor>& expected) {
    auto state = ewc.State();
    for (size_t i = 0; i < expected.size(); ++i) {
      EXPECT_TRUE(at::allclose(state.at("importance_" + std::to_string(i)),
                               expected[i], 1e-4, 1e-7))
          << i;
    }
  }

  DatasetFile file_{EasyTraces(kClasses, 10, kLength)};
  data::Dataset dataset_{file_.path()};
  DatasetOnDevice data_{dataset_, c10::kCPU};
  Stream weights_{1, Purpose::kInitialWeights};
  DeepFingerprinting network_{{.sequence_length = kLength, .classes = kClasses},
                              weights_};
  int batches_ = 0;
};

TEST_F(EwcTest, EachLabelKindIsTheOneItsNameSays) {
  std::vector<int64_t> rows = {0, 1, 2, 3, 4, 5};
  for (auto [name, kind] : {std::pair{"all", FisherLabels::kAll},
                            std::pair{"pred", FisherLabels::kPredicted},
                            std::pair{"true", FisherLabels::kTrue}}) {
    SCOPED_TRACE(name);
    Ewc ewc = MakeEwc({{"ewc.fisher_labels", name}, {"ewc.fisher_samples", 0}});
    ewc.BeforeTask(Stage(0, rows));
    ewc.AfterTask(Stage(0, rows));
    ExpectImportance(ewc, Fisher(kind, rows));
  }
}

TEST_F(EwcTest, AddsATermForEveryPastTask) {
  std::vector<int64_t> first = {0, 4, 8}, second = {1, 5, 9};
  Ewc ewc = MakeEwc({{"ewc.fisher_samples", 0}});
  ewc.BeforeTask(Stage(0, first));
  EXPECT_FALSE(ewc.LossPenalty().defined());
  ewc.AfterTask(Stage(0, first));
  std::vector<torch::Tensor> sum = Fisher(FisherLabels::kAll, first);
  EXPECT_EQ(ewc.LossPenalty().item<double>(), 0);  // at the anchor
  Move(.01);
  double penalty = 0;
  for (const auto& f : sum) penalty += 10. / 2 * f.sum().item<double>() * 1e-4;
  EXPECT_NEAR(ewc.LossPenalty().item<double>(), penalty, 1e-3 * penalty);

  ewc.AfterTask(Stage(1, second));
  auto added = Fisher(FisherLabels::kAll, second);
  for (size_t i = 0; i < sum.size(); ++i) sum[i] = sum[i] + added[i];
  ExpectImportance(ewc, sum);
  // The second anchor is where the network is, so only the first term counts.
  EXPECT_NEAR(ewc.LossPenalty().item<double>(), penalty, 1e-3 * penalty);
}

TEST_F(EwcTest, AveragesOverAsManyTracesAsAsked) {
  std::vector<int64_t> rows(40);
  for (int64_t i = 0; i < 40; ++i) rows[i] = i;
  Ewc ewc = MakeEwc({{"ewc.fisher_samples", 17}});
  ewc.BeforeTask(Stage(0, rows));
  ewc.AfterTask(Stage(0, rows));
  EXPECT_EQ(batches_, 2);  // 16 examples of 4 labels at once
}

TEST_F(EwcTest, KeepsNothingOfTheLastTask) {
  Ewc ewc = MakeEwc({});
  ewc.BeforeTask(Stage(0, {0, 1}, /*last=*/true));
  ewc.AfterTask(Stage(0, {0, 1}, /*last=*/true));
  EXPECT_TRUE(ewc.State().empty());
  EXPECT_TRUE(ewc.Metrics().empty());
  EXPECT_EQ(batches_, 0);
}

TEST_F(EwcTest, TellsTheLargestStep) {
  std::vector<int64_t> rows = {0, 1, 2, 3};
  Ewc ewc = MakeEwc({{"learning_rate", .5}, {"ewc.fisher_samples", 0}});
  ewc.BeforeTask(Stage(0, rows));
  ewc.AfterTask(Stage(0, rows));
  double largest = 0;
  for (const auto& f : Fisher(FisherLabels::kAll, rows)) {
    largest = std::max(largest, f.max().item<double>());
  }
  EXPECT_NEAR(ewc.Metrics().at("penalty_max_step"), 10 * .5 * largest,
              1e-4 * largest);
}

}  // namespace
}  // namespace dfsweep::model
