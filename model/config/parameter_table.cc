// The table itself; see parameters.h. Defaults are the published settings of
// Sirinam et al., Deep Fingerprinting, CCS 2018, unless the meaning says more.
#include "model/config/parameters.h"

namespace dfsweep::config {
namespace {

std::vector<Parameter> MakeTable() {
  const std::vector<Condition> sequential = {{"strategy", {"naive", "ewc"}}};
  const std::vector<Condition> ewc = {{"strategy", {"ewc"}}};
  std::vector<Parameter> table;

  // Continual learning.
  table.push_back({.name = "scenario",
                   .type = Type::kChoice,
                   .default_value = "class-incremental",
                   .choices = {"class-incremental"},
                   .meaning = "What is known about the task at test time (van "
                              "de Ven & Tolias 2019)."});
  table.push_back({.name = "strategy",
                   .type = Type::kChoice,
                   .default_value = "naive",
                   .choices = {"joint", "naive", "ewc"},
                   .meaning = "How forgetting is fought: joint trains once on "
                              "all tasks, naive fine-tunes task after task "
                              "(non-base), ewc adds elastic weight "
                              "consolidation (Kirkpatrick 2017)."});
  table.push_back({.name = "tasks.split",
                   .type = Type::kChoice,
                   .default_value = "equal",
                   .choices = {"equal", "labels"},
                   .meaning =
                       "How the classes are dealt to tasks: in label "
                       "order into equal parts, or by explicit labels."});
  table.push_back({.name = "tasks.count",
                   .type = Type::kInteger,
                   .default_value = 2,
                   .minimum = 1,
                   .maximum = 100,
                   .unit = "tasks",
                   .when = {{"tasks.split", {"equal"}}},
                   .meaning = "Number of tasks; earlier tasks get the extra "
                              "classes when it does not divide evenly."});
  table.push_back({.name = "tasks.labels",
                   .type = Type::kLabelSets,
                   .default_value = nullptr,
                   .when = {{"tasks.split", {"labels"}}},
                   .meaning =
                       "The labels of each task, one string a task, e.g. "
                       "[\"0-42\", \"43-94\"]."});
  table.push_back({.name = "active_classes",
                   .type = Type::kChoice,
                   .default_value = "all",
                   .choices = {"all", "seen", "current"},
                   .when = sequential,
                   .meaning = "Output units in the training loss of a task: "
                              "all classes of the dataset, those of the tasks "
                              "so far, or the current task's."});
  table.push_back({.name = "reset_optimizer",
                   .type = Type::kBoolean,
                   .default_value = false,
                   .when = sequential,
                   .meaning = "Whether the optimizer's state starts anew with "
                              "each task."});
  table.push_back({.name = "ewc.lambda",
                   .type = Type::kReal,
                   .default_value = nullptr,
                   .minimum = 0,
                   .when = ewc,
                   .meaning = "Strength λ of the penalty (λ/2) Σ_k Σ_i "
                              "F_ki (θ_i − θ*_ki)²; its useful range lies "
                              "decades apart between datasets and Fisher "
                              "recipes, so it has no default."});
  table.push_back({.name = "ewc.fisher_labels",
                   .type = Type::kChoice,
                   .default_value = "all",
                   .choices = {"all", "sample", "pred", "true"},
                   .when = ewc,
                   .meaning = "Labels of the log-likelihood in the Fisher "
                              "information: the exact expectation over the "
                              "model's classes, one drawn from the model, the "
                              "predicted one, or the true one (empirical)."});
  table.push_back({.name = "ewc.fisher_samples",
                   .type = Type::kInteger,
                   .default_value = 200,
                   .minimum = 0,
                   .unit = "traces",
                   .when = ewc,
                   .meaning = "How many training traces of the finished task "
                              "the Fisher information is averaged over, drawn "
                              "without replacement; 0 means all."});

  // Data as the network sees it.
  table.push_back({.name = "sequence_length",
                   .type = Type::kInteger,
                   .default_value = 5000,
                   .minimum = 16,
                   .maximum = 1'000'000,
                   .unit = "cells",
                   .meaning =
                       "Length of the network's input; longer traces are "
                       "cut, shorter ones padded with 0 at the end."});
  table.push_back({.name = "data.split",
                   .type = Type::kChoice,
                   .default_value = "stratified",
                   .choices = {"stratified", "group"},
                   .meaning =
                       "How traces are dealt to training, validation and "
                       "test: at random within each class, or whole "
                       "groups (the dataset's `group` array, e.g. "
                       "crawl runs)."});
  table.push_back({.name = "data.test_fraction",
                   .type = Type::kReal,
                   .default_value = 0.1,
                   .minimum = 0,
                   .maximum = 1,
                   .minimum_exclusive = true,
                   .maximum_exclusive = true,
                   .meaning = "Share of each class's traces (or of the groups) "
                              "kept for testing."});
  table.push_back({.name = "data.validation_fraction",
                   .type = Type::kReal,
                   .default_value = 0.1,
                   .minimum = 0,
                   .maximum = 1,
                   .maximum_exclusive = true,
                   .meaning = "Share of each class's traces (or of the groups) "
                              "kept for choosing parameters; 0 means none."});
  table.push_back({.name = "data.duplicates",
                   .type = Type::kChoice,
                   .default_value = "keep",
                   .choices = {"keep", "remove"},
                   .meaning =
                       "What happens to traces that are identical as the "
                       "network sees them: remove keeps one of each, and "
                       "none where their labels differ; keep reports "
                       "how many test traces were trained on."});
  table.push_back({.name = "data.train_per_class",
                   .type = Type::kInteger,
                   .default_value = 0,
                   .minimum = 0,
                   .unit = "traces",
                   .meaning =
                       "At most this many training traces a class, drawn "
                       "at random; 0 means all."});

  // The network.
  table.push_back({.name = "model",
                   .type = Type::kChoice,
                   .default_value = "df",
                   .choices = {"df"},
                   .meaning = "The network: df is Deep Fingerprinting as "
                              "published."});
  table.push_back({.name = "bn_momentum",
                   .type = Type::kReal,
                   .default_value = 0.99,
                   .minimum = 0,
                   .maximum = 1,
                   .maximum_exclusive = true,
                   .meaning =
                       "Share of the old running statistics that a batch "
                       "normalisation keeps each step (Keras's "
                       "convention; PyTorch's momentum is 1 minus "
                       "this); .99 needs several hundred steps."});
  for (const auto& [name, value, where] :
       {std::tuple{"dropout.conv", 0.1, "after each convolution block"},
        std::tuple{"dropout.fc1", 0.7, "after the first dense layer"},
        std::tuple{"dropout.fc2", 0.5, "after the second dense layer"}}) {
    table.push_back(
        {.name = name,
         .type = Type::kReal,
         .default_value = value,
         .minimum = 0,
         .maximum = 1,
         .maximum_exclusive = true,
         .meaning = std::string("Share of units dropped ") + where + "."});
  }

  // Training.
  table.push_back({.name = "epochs",
                   .type = Type::kEpochs,
                   .default_value = 30,
                   .minimum = 1,
                   .maximum = 10'000,
                   .unit = "epochs",
                   .meaning =
                       "Passes over a task's training traces; one number "
                       "for every task (joint: over all tasks' traces), "
                       "or {per_task: [30, 10]}; at most 10,000 over "
                       "all tasks."});
  table.push_back({.name = "batch_size",
                   .type = Type::kInteger,
                   .default_value = 128,
                   .minimum = 2,
                   .maximum = 1'000'000,
                   .unit = "traces",
                   .meaning = "Traces a step; a last batch of one is merged "
                              "into the one before."});
  table.push_back({.name = "drop_last",
                   .type = Type::kBoolean,
                   .default_value = false,
                   .meaning =
                       "Whether an epoch's incomplete last batch is left "
                       "out."});
  table.push_back({.name = "optimizer",
                   .type = Type::kChoice,
                   .default_value = "adamax",
                   .choices = {"adamax", "adam", "sgd"},
                   .meaning = "The update rule (Adamax and Adam: Kingma & Ba "
                              "2015)."});
  table.push_back({.name = "learning_rate",
                   .type = Type::kReal,
                   .default_value = 2e-3,
                   .minimum = 0,
                   .minimum_exclusive = true,
                   .meaning = "Step size of the optimizer."});
  const std::vector<Condition> adaptive = {{"optimizer", {"adamax", "adam"}}};
  table.push_back({.name = "beta1",
                   .type = Type::kReal,
                   .default_value = 0.9,
                   .minimum = 0,
                   .maximum = 1,
                   .maximum_exclusive = true,
                   .when = adaptive,
                   .meaning = "Decay of the first moment."});
  table.push_back({.name = "beta2",
                   .type = Type::kReal,
                   .default_value = 0.999,
                   .minimum = 0,
                   .maximum = 1,
                   .maximum_exclusive = true,
                   .when = adaptive,
                   .meaning = "Decay of the second moment or infinity norm."});
  table.push_back({.name = "epsilon",
                   .type = Type::kReal,
                   .default_value = 1e-8,
                   .minimum = 0,
                   .minimum_exclusive = true,
                   .when = adaptive,
                   .meaning = "Added to the denominator (PyTorch's default; "
                              "Keras has 1e-7)."});
  table.push_back({.name = "momentum",
                   .type = Type::kReal,
                   .default_value = 0.0,
                   .minimum = 0,
                   .maximum = 1,
                   .maximum_exclusive = true,
                   .when = {{"optimizer", {"sgd"}}},
                   .meaning = "Momentum of plain gradient descent."});
  table.push_back({.name = "weight_decay",
                   .type = Type::kReal,
                   .default_value = 0.0,
                   .minimum = 0,
                   .meaning = "Added to the gradient as this times the weight; "
                              "it also pulls weights that EWC protects."});

  // The machine.
  table.push_back({.name = "precision",
                   .type = Type::kChoice,
                   .default_value = "fp32",
                   .choices = {"fp32", "tf32", "bf16"},
                   .meaning = "Arithmetic of convolutions and matrix products; "
                              "weights and optimizer stay fp32; tf32 is fp32 "
                              "where the device has none."});
  table.push_back({.name = "deterministic",
                   .type = Type::kBoolean,
                   .default_value = true,
                   .meaning =
                       "Whether only kernels are used that give the same "
                       "bits each time on the same kind of device; on a "
                       "CPU they also depend on the number of threads."});
  return table;
}

}  // namespace

const std::vector<Parameter>& Parameters() {
  static const std::vector<Parameter>& table = *new auto(MakeTable());
  return table;
}

}  // namespace dfsweep::config
