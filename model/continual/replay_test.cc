// Of the strategies that keep rows, and what they are made of.
#include <gtest/gtest.h>

#include <algorithm>
#include <cmath>
#include <map>
#include <set>

#include "model/continual/agem.h"
#include "model/continual/bic.h"
#include "model/continual/class_rows.h"
#include "model/continual/derpp.h"
#include "model/continual/er.h"
#include "model/continual/gdumb.h"
#include "model/continual/herding.h"
#include "model/continual/icarl.h"
#include "model/continual/replay_buffer.h"
#include "model/continual/strategy_testing.h"

namespace dfsweep::model {
namespace {

using config::Json;

using RowsByClass = std::map<int64_t, std::vector<int64_t>>;

std::set<int64_t> Set(const std::vector<int64_t>& rows) {
  return {rows.begin(), rows.end()};
}

std::vector<int64_t> Range(int64_t end, int64_t from = 0) {
  std::vector<int64_t> rows(end - from);
  std::iota(rows.begin(), rows.end(), from);
  return rows;
}

// Reference test 18: with the usual off-by-one the last one always comes in.
TEST(ReplayBuffer, TheFifthOfFiveIsKeptInFourOfFiveReservoirs) {
  int kept = 0;
  for (uint64_t seed = 0; seed < 10'000; ++seed) {
    ReplayBuffer buffer(4);
    Stream stream(seed, Purpose::kBufferFill);
    for (int64_t row = 0; row < 5; ++row) buffer.Offer(row, stream);
    kept += std::count(buffer.rows().begin(), buffer.rows().end(), 4);
  }
  EXPECT_NEAR(kept / 1e4, .8, .016);
}

// Reference test 19.
TEST(ReplayBuffer, EveryPartOfTheStreamIsKeptAlike) {
  constexpr int kStream = 1000, kSize = 50, kRepeats = 400;
  std::vector<double> counts(10);
  for (uint64_t seed = 0; seed < kRepeats; ++seed) {
    ReplayBuffer buffer(kSize);
    Stream stream(seed, Purpose::kBufferFill);
    for (int64_t row = 0; row < kStream; ++row) buffer.Offer(row, stream);
    for (int64_t row : buffer.rows()) counts[row / (kStream / 10)] += 1;
  }
  double chi_squared = 0;
  const double expected = kSize * kRepeats / 10.;
  for (double count : counts) {
    chi_squared += std::pow(count - expected, 2) / expected;
  }
  chi_squared *= (kStream - 1.) / (kStream - kSize);
  EXPECT_LT(chi_squared, 27.9);  // 9 degrees of freedom, p = .001
}

TEST(ReplayBuffer, SamplesWithoutRepetition) {
  ReplayBuffer buffer(20);
  buffer.Append(Range(30));
  EXPECT_EQ(buffer.size(), 20);
  Stream stream(1, Purpose::kReplay);
  EXPECT_EQ(Set(buffer.Sample(20, stream)), Set(Range(20)));
  EXPECT_EQ(buffer.Sample(7, stream).size(), 7u);
  EXPECT_EQ(buffer.Sample(100, stream).size(), 20u);
}

// Reference test 20: every past sample exactly once, however many epochs.
template <typename Replaying>
void ExpectEveryRowOnce(const char* name) {
  LearnerForTest learner(config::Json{{"strategy", name}});
  Replaying strategy(learner.configuration());
  for (int64_t epoch = 0; epoch < 3; ++epoch) {
    learner.Train(strategy, learner.MakeStep(Range(12), epoch, 0));
    learner.Train(strategy, learner.MakeStep(Range(20, 12), epoch, 1));
  }
  const std::vector<int64_t> rows = learner.State(strategy).values.at("buffer");
  EXPECT_EQ(rows.size(), 20u);
  EXPECT_EQ(Set(rows), Set(Range(20)));
}

TEST(Er, ABufferThatIsLargeEnoughHasEveryRowOnce) {
  ExpectEveryRowOnce<Er>("er");
}

TEST(Derpp, ABufferThatIsLargeEnoughHasEveryRowOnce) {
  ExpectEveryRowOnce<Derpp>("derpp");
}

TEST(Er, WeighsExamplesOrTasks) {
  for (const char* weighting : {"examples", "tasks"}) {
    LearnerForTest learner(config::Json{{"strategy", "er"},
                                        {"buffer.fill", "class_balanced"},
                                        {"buffer.size", 8},
                                        {"buffer.batch", 4},
                                        {"er.weighting", weighting}});
    Er er(learner.configuration());
    learner.Enter(0, {0, 1, 4, 5});
    const Step first = learner.MakeStep({0, 1, 4, 5});
    EXPECT_FLOAT_EQ(er.Loss(*learner, first).loss.item<float>(),
                    Strategy().Loss(*learner, first).loss.item<float>());
    er.AfterTask(*learner);
    EXPECT_EQ(Set(learner.State(er).values.at("buffer")),
              (std::set<int64_t>{0, 1, 4, 5}));
    learner.Enter(1);
    const Step second = learner.MakeStep({2, 3, 6, 7, 10, 11, 14, 15});
    const double fresh = Strategy().Loss(*learner, second).loss.item<double>();
    const double old = Strategy().Loss(*learner, first).loss.item<double>();
    const double share = weighting == std::string("tasks") ? 1. / 2 : 8. / 12;
    EXPECT_NEAR(er.Loss(*learner, second).loss.item<double>(),
                share * fresh + (1 - share) * old, 1e-6);
  }
}

// Reference test 21.
TEST(Derpp, KeepsTheLogitsOfInsertion) {
  LearnerForTest learner(config::Json{
      {"strategy", "derpp"}, {"derpp.alpha", 3}, {"derpp.beta", 0}});
  Derpp derpp(learner.configuration());
  const Step step = learner.MakeStep(Range(12));
  torch::Tensor before =
      learner->EvalLogits(learner->network, step.rows_on_device);
  learner.Train(derpp, step, /*rate=*/.5);
  const Checkpoint state = learner.State(derpp);
  EXPECT_TRUE(at::equal(state.tensors.at("logits").narrow(0, 0, 12), before));
  EXPECT_EQ(state.values.at("buffer"), config::Json(Range(12)));
  // What it is pulled to: α · mean over rows and outputs.
  torch::Tensor after =
      learner->EvalLogits(learner->network, step.rows_on_device);
  const Step next = learner.MakeStep(Range(12), 0, 1);
  const double plain = Strategy().Loss(*learner, next).loss.item<double>();
  EXPECT_NEAR(derpp.Loss(*learner, next).loss.item<double>(),
              plain + 3 * (after - before).square().mean().item<double>(),
              1e-5);
}

TEST(Derpp, WithoutAStepTheKeptLogitsAreThoseOfNow) {
  LearnerForTest learner(config::Json{
      {"strategy", "derpp"}, {"derpp.alpha", 1e6}, {"derpp.beta", 0}});
  Derpp derpp(learner.configuration());
  learner.Train(derpp, learner.MakeStep(Range(12)), /*rate=*/0);
  const Step next = learner.MakeStep(Range(12), 0, 1);
  EXPECT_NEAR(derpp.Loss(*learner, next).loss.item<double>(),
              Strategy().Loss(*learner, next).loss.item<double>(), 1e-5);
}

// Reference test 17.
TEST(Agem, ProjectsWhatDisagrees) {
  at::manual_seed(1);
  auto random = [] {
    return std::vector<torch::Tensor>{at::randn({7}, at::kDouble),
                                      at::randn({3, 2}, at::kDouble)};
  };
  auto dot = [](const auto& a, const auto& b) {
    return ((a[0] * b[0]).sum() + (a[1] * b[1]).sum()).template item<double>();
  };
  int projected = 0;
  for (int i = 0; i < 20; ++i) {
    auto g = random(), reference = random();
    const std::vector<torch::Tensor> before = {g[0].clone(), g[1].clone()};
    ProjectGradient(g, reference);
    if (dot(before, reference) >= 0) {
      EXPECT_TRUE(at::equal(g[0], before[0]) && at::equal(g[1], before[1]));
      continue;
    }
    ++projected;
    EXPECT_NEAR(dot(g, reference), 0, 1e-12);
    EXPECT_LE(dot(g, g), dot(before, before));
  }
  EXPECT_GT(projected, 3);
}

TEST(Agem, LeavesRunningStatisticsAlone) {
  LearnerForTest learner(
      config::Json{{"strategy", "agem"}, {"model", "df"}, {"bn_momentum", .5}});
  Agem agem(learner.configuration());
  agem.AfterTask(*learner);
  learner.Enter(1);
  DropoutMasks masks(Stream(1, Purpose::kDropout));
  Step step = learner.MakeStep({2, 3, 6, 7});
  step.dropout = &masks;
  agem.Loss(*learner, step).loss.backward();
  std::vector<torch::Tensor> before;
  for (const auto& b : learner->network.buffers()) before.push_back(b.clone());
  agem.AfterBackward(*learner, step);
  for (size_t i = 0; i < before.size(); ++i) {
    EXPECT_TRUE(at::equal(learner->network.buffers()[i], before[i]));
  }
}

// Reference test 22.
TEST(Herding, BeginsNearestToTheMeanAndEndsAtIt) {
  at::manual_seed(2);
  torch::Tensor features = at::randn({12, 3}, at::kDouble);
  torch::Tensor mean = features.mean(0);
  std::vector<int64_t> all = Herd(features, 12);
  EXPECT_EQ(Set(all), Set(Range(12)));
  EXPECT_EQ(all[0], (features - mean).square().sum(1).argmin().item<int64_t>());
  // Each is the best continuation of those before.
  torch::Tensor sum = at::zeros({3}, at::kDouble);
  for (size_t k = 0; k < all.size(); ++k) {
    auto distance = [&](int64_t i) {
      return (mean - (sum + features[i]) / static_cast<double>(k + 1))
          .norm()
          .item<double>();
    };
    for (size_t later = k; later < all.size(); ++later) {
      EXPECT_LE(distance(all[k]), distance(all[later]) + 1e-12);
    }
    sum += features[all[k]];
  }
  std::vector<int64_t> few = Herd(features, 5);
  EXPECT_TRUE(std::equal(few.begin(), few.end(), all.begin()));
}

// Reference test 23.
TEST(Icarl, NearestMeanIsNearestCentroid) {
  at::manual_seed(3);
  torch::Tensor features = Normalised(at::randn({20, 5}, at::kDouble));
  torch::Tensor means = Normalised(at::randn({4, 5}, at::kDouble));
  torch::Tensor predicted = NearestMeanScores(features, means).argmax(1);
  for (int64_t row = 0; row < 20; ++row) {
    torch::Tensor distance = (means - features[row]).norm(2, 1);
    EXPECT_EQ(predicted[row].item<int64_t>(),
              distance.argmin().item<int64_t>());
  }
}

TEST(Icarl, TrainsOnExemplarsAndPredictsSeenClassesOnly) {
  LearnerForTest learner(
      config::Json{{"strategy", "icarl"}, {"buffer.size", 12}});
  Icarl icarl(learner.configuration());
  icarl.BeforeTask(*learner);
  EXPECT_EQ(icarl.TrainRows(*learner), learner->stage_rows);
  icarl.AfterTask(*learner);
  const std::vector<int64_t> kept =
      AllRows(learner.State(icarl).values.at("buffer").get<RowsByClass>());
  EXPECT_EQ(kept.size(), 6u);  // 3 of each class
  torch::Tensor predicted =
      icarl.Scores(*learner, learner->data.Rows(Range(40))).argmax(1);
  EXPECT_LT(predicted.max().item<int64_t>(), 2);
  learner.Enter(1);
  icarl.BeforeTask(*learner);
  std::vector<int64_t> rows = icarl.TrainRows(*learner);
  EXPECT_EQ(rows.size(), learner->stage_rows.size() + 6);
  for (int64_t row : kept) {
    EXPECT_EQ(std::count(rows.begin(), rows.end(), row), 1);
  }
}

TEST(Icarl, TheOldNetworkTeachesPastClasses) {
  LearnerForTest learner(
      config::Json{{"strategy", "icarl"}, {"buffer.size", 12}});
  Icarl icarl(learner.configuration());
  icarl.BeforeTask(*learner);
  icarl.AfterTask(*learner);
  learner.Enter(1);
  icarl.BeforeTask(*learner);
  const Step step = learner.MakeStep({2, 3, 6});
  torch::Tensor z = learner->EvalLogits(learner->network, step.rows_on_device);
  torch::Tensor targets =
      at::one_hot(learner->scenario.Targets(step.rows_on_device), 4)
          .to(at::kFloat);
  targets.narrow(1, 0, 2).copy_(at::sigmoid(z.narrow(1, 0, 2)));
  torch::Tensor p = at::sigmoid(z);
  torch::Tensor expected =
      -(targets * p.log() + (1 - targets) * (1 - p).log()).sum(1).mean();
  EXPECT_NEAR(icarl.Loss(*learner, step).loss.item<double>(),
              expected.item<double>(), 1e-5);
}

// Reference test 25.
TEST(Bic, UndoesAShiftOfTheNewLogits) {
  at::manual_seed(4);
  // Calibrated: the labels are drawn from the softmax, so that 1, 0 is best.
  torch::Tensor logits = at::randn({200'000, 6}, at::kDouble);
  torch::Tensor targets = at::softmax(logits, 1).multinomial(1).squeeze(1);
  torch::Tensor units = torch::tensor({3, 4, 5}, at::kLong);
  torch::Tensor shifted = logits.clone();
  shifted.narrow(1, 3, 3).mul_(2).add_(3);
  BiasCorrection fit = FitBias(shifted, targets, units);
  EXPECT_NEAR(fit.alpha, .5, .01);
  EXPECT_NEAR(fit.beta, -1.5, .03);
}

TEST(Bic, SetsAsideWhatItFitsOn) {
  LearnerForTest learner(config::Json{
      {"strategy", "bic"}, {"buffer.size", 16}, {"bic.validation", .25}});
  Bic bic(learner.configuration());
  for (int64_t task : {0, 1}) {
    learner.Enter(task);
    bic.BeforeTask(*learner);
    std::vector<int64_t> rows = bic.TrainRows(*learner);
    const config::Json kept = learner.State(bic).values;
    const std::vector<int64_t> aside =
        AllRows(kept.at("aside").get<RowsByClass>());
    EXPECT_EQ(aside.size(), 2u * (task + 1));  // 1 of 4 a class
    for (int64_t row : aside) {
      EXPECT_EQ(std::count(rows.begin(), rows.end(), row), 0);
    }
    EXPECT_EQ(AllRows(kept.at("buffer").get<RowsByClass>()).size(),
              6u * (task + 1));
    bic.AfterTask(*learner);
    EXPECT_EQ(learner.State(bic).values.at("fits").size(), task);
  }
  // Old classes' scores are as they were.
  torch::Tensor rows = learner->data.Rows(Range(8));
  torch::Tensor plain = learner->EvalLogits(learner->network, rows);
  torch::Tensor scores = bic.Scores(*learner, rows);
  EXPECT_TRUE(at::equal(scores.narrow(1, 0, 2), plain.narrow(1, 0, 2)));
  EXPECT_FALSE(at::equal(scores.narrow(1, 2, 2), plain.narrow(1, 2, 2)));
}

// Reference test 26.
TEST(Gdumb, MemoryIsBalanced) {
  LearnerForTest learner(
      config::Json{{"strategy", "gdumb"}, {"buffer.size", 11}});
  Gdumb gdumb(learner.configuration());
  for (int64_t task : {0, 1}) {
    learner.Enter(task);
    std::vector<int64_t> rows = gdumb.TrainRows(*learner);
    EXPECT_EQ(rows.size(), 11u);
    EXPECT_EQ(Set(rows).size(), 11u);
    std::map<int64_t, int> counts;
    for (int64_t row : rows) ++counts[learner->scenario.ClassOf(row)];
    EXPECT_EQ(counts.size(), 2u * (task + 1));
    auto [low, high] = std::minmax_element(
        counts.begin(), counts.end(),
        [](const auto& a, const auto& b) { return a.second < b.second; });
    EXPECT_LE(high->second - low->second, 1);
  }
}

}  // namespace
}  // namespace dfsweep::model
