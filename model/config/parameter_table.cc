// The table itself; see parameters.h. Defaults are the published settings of
// Sirinam et al., Deep Fingerprinting, CCS 2018, unless the meaning says more.
#include "model/config/parameters.h"

namespace dfsweep::config {
namespace {

std::vector<Parameter> MakeTable() {
  const std::vector<std::string> strategies = {
      "joint",  "naive", "cumulative", "ewc", "online-ewc", "si",
      "ewc+si", "mas",   "l1",         "l2",  "lwf",        "er",
      "derpp",  "agem",  "icarl",      "bic", "gdumb",      "freeze"};
  const std::vector<Condition> sequential = {
      {"strategy", {strategies.begin() + 1, strategies.end()}}};
  const std::vector<Condition> fisher = {
      {"strategy", {"ewc", "online-ewc", "ewc+si"}}};
  const std::vector<Condition> si = {{"strategy", {"si", "ewc+si"}}};
  const std::vector<Condition> class_incremental = {
      {"scenario", {"class-incremental"}}};
  auto of = [](const char* strategy) {
    return std::vector<Condition>{{"strategy", {strategy}}};
  };
  auto both = [](std::vector<Condition> a, const std::vector<Condition>& b) {
    a.insert(a.end(), b.begin(), b.end());
    return a;
  };
  std::vector<Parameter> table;

  // Continual learning.
  table.push_back({.name = "scenario",
                   .type = Type::kChoice,
                   .default_value = "class-incremental",
                   .choices = {"class-incremental", "task-incremental",
                               "domain-incremental"},
                   .meaning = "What is known about the task at test time (van "
                              "de Ven & Tolias 2019): nothing, and classes of "
                              "all tasks compete; the task, and its classes "
                              "compete; or nothing, and all tasks share the "
                              "same output units."});
  table.push_back({.name = "strategy",
                   .type = Type::kChoice,
                   .default_value = "naive",
                   .choices = strategies,
                   .meaning =
                       "How forgetting is fought: joint trains once on all "
                       "tasks; naive fine-tunes task after task (non-base); "
                       "cumulative keeps all data; ewc, online-ewc, si, "
                       "ewc+si, mas, l1 and l2 pull weights to where past "
                       "tasks left them; lwf distils; er, derpp, agem, icarl, "
                       "bic and gdumb keep some traces; freeze trains the "
                       "last layer only after the first task."});
  table.push_back({.name = "tasks.split",
                   .type = Type::kChoice,
                   .default_value = "equal",
                   .choices = {"equal", "first", "labels"},
                   .meaning =
                       "How the classes are dealt to tasks: into equal parts, "
                       "into a first task of tasks.first classes and others "
                       "of tasks.step, or by explicit labels."});
  table.push_back({.name = "tasks.count",
                   .type = Type::kInteger,
                   .default_value = 2,
                   .minimum = 1,
                   .maximum = 100,
                   .unit = "tasks",
                   .when = {{"tasks.split", {"equal", "first"}}},
                   .meaning = "Number of tasks; earlier tasks get the extra "
                              "classes when equal parts don't come out even."});
  table.push_back({.name = "tasks.first",
                   .type = Type::kInteger,
                   .default_value = nullptr,
                   .minimum = 1,
                   .unit = "classes",
                   .when = {{"tasks.split", {"first"}}},
                   .meaning = "Number of classes of the first task."});
  table.push_back({.name = "tasks.step",
                   .type = Type::kInteger,
                   .default_value = nullptr,
                   .minimum = 1,
                   .unit = "classes",
                   .when = {{"tasks.split", {"first"}}},
                   .meaning = "Number of classes of each task after the "
                              "first."});
  table.push_back({.name = "tasks.class_order",
                   .type = Type::kChoice,
                   .default_value = "sorted",
                   .choices = {"sorted", "shuffled"},
                   .when = {{"tasks.split", {"equal", "first"}}},
                   .meaning = "The order in which classes are dealt: by label, "
                              "or at random by the trial's seed."});
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
                   .when = both(sequential, class_incremental),
                   .meaning = "Output units in the training loss of a task: "
                              "all classes of the dataset, those of the tasks "
                              "so far, or the current task's (a replayed "
                              "trace: those so far)."});
  table.push_back({.name = "forward_transfer",
                   .type = Type::kBoolean,
                   .default_value = false,
                   .when = sequential,
                   .meaning = "Whether each task is also tested before it is "
                              "trained, for the metric fwt (Lopez-Paz 2017)."});
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
                   .when = fisher,
                   .meaning = "Strength λ of the penalty (λ/2) Σ_k Σ_i "
                              "F_ki (θ_i − θ*_ki)²; its useful range lies "
                              "decades apart between datasets and Fisher "
                              "recipes, so it has no default."});
  table.push_back({.name = "ewc.fisher_labels",
                   .type = Type::kChoice,
                   .default_value = "all",
                   .choices = {"all", "sample", "pred", "true"},
                   .when = fisher,
                   .meaning = "Labels of the log-likelihood in the Fisher "
                              "information: the exact expectation over the "
                              "model's classes, one drawn from the model, the "
                              "predicted one, or the true one (empirical)."});
  table.push_back({.name = "ewc.fisher_samples",
                   .type = Type::kInteger,
                   .default_value = 200,
                   .minimum = 0,
                   .unit = "traces",
                   .when = fisher,
                   .meaning = "How many training traces of the finished task "
                              "the Fisher information is averaged over, drawn "
                              "without replacement; 0 means all."});

  table.push_back({.name = "cumulative.reinit",
                   .type = Type::kBoolean,
                   .default_value = false,
                   .when = of("cumulative"),
                   .meaning = "Whether each task begins from the initial "
                              "weights, with a new optimizer."});
  table.push_back(
      {.name = "ewc.gamma",
       .type = Type::kReal,
       .default_value = 1.0,
       .minimum = 0,
       .maximum = 1,
       .when = of("online-ewc"),
       .meaning = "Decay γ of the running Fisher information, F̄ ← γ F̄ + F, and "
                  "factor of the penalty (Schwarz 2018)."});
  table.push_back(
      {.name = "si.c",
       .type = Type::kReal,
       .default_value = nullptr,
       .minimum = 0,
       .when = si,
       .meaning =
           "Strength c of the penalty c Σ_i Ω_i (θ_i − θ*_i)² (Zenke 2017)."});
  table.push_back({.name = "si.damping",
                   .type = Type::kReal,
                   .default_value = 0.1,
                   .minimum = 0,
                   .minimum_exclusive = true,
                   .when = si,
                   .meaning = "Damping ξ in Ω_i += ω_i / (Δ_i² + ξ)."});
  table.push_back(
      {.name = "si.clamp",
       .type = Type::kBoolean,
       .default_value = false,
       .when = si,
       .meaning = "Whether negative contributions to Ω count as 0."});
  table.push_back(
      {.name = "si.gradient",
       .type = Type::kChoice,
       .default_value = "loss",
       .choices = {"loss", "total"},
       .when = si,
       .meaning = "Which gradient the path integral takes: that of the loss "
                  "alone, or with the penalty (van de Ven 2022)."});
  table.push_back({.name = "mas.lambda",
                   .type = Type::kReal,
                   .default_value = nullptr,
                   .minimum = 0,
                   .when = of("mas"),
                   .meaning = "Strength λ of the penalty λ Σ_i Ω_i (θ_i − "
                              "θ*_i)² (Aljundi 2018)."});
  table.push_back({.name = "mas.samples",
                   .type = Type::kInteger,
                   .default_value = 200,
                   .minimum = 0,
                   .unit = "traces",
                   .when = of("mas"),
                   .meaning =
                       "How many training traces of the finished task the "
                       "importances are averaged over; 0 means all."});
  table.push_back({.name = "l1.lambda",
                   .type = Type::kReal,
                   .default_value = nullptr,
                   .minimum = 0,
                   .when = of("l1"),
                   .meaning = "Strength λ of the penalty λ Σ_i |θ_i − θ*_i| "
                              "around the last task's weights."});
  table.push_back({.name = "l2.lambda",
                   .type = Type::kReal,
                   .default_value = nullptr,
                   .minimum = 0,
                   .when = of("l2"),
                   .meaning = "Strength λ of the penalty λ Σ_i (θ_i − θ*_i)² "
                              "around the last task's weights (Hsu 2018)."});
  table.push_back({.name = "lwf.lambda",
                   .type = Type::kReal,
                   .default_value = 1.0,
                   .minimum = 0,
                   .when = of("lwf"),
                   .meaning = "Strength λ of the distillation."});
  table.push_back({.name = "lwf.temperature",
                   .type = Type::kReal,
                   .default_value = 2.0,
                   .minimum = 0,
                   .minimum_exclusive = true,
                   .when = of("lwf"),
                   .meaning = "Temperature T of the distillation."});
  table.push_back(
      {.name = "lwf.t_squared",
       .type = Type::kBoolean,
       .default_value = false,
       .when = of("lwf"),
       .meaning =
           "Whether the distillation is multiplied by T² (Hinton 2015)."});
  table.push_back(
      {.name = "lwf.weighting",
       .type = Type::kChoice,
       .default_value = "constant",
       .choices = {"constant", "tasks"},
       .when = of("lwf"),
       .meaning =
           "Strength of the distillation: λ, or λ times the number of past "
           "tasks (van de Ven 2022, task- and domain-incremental)."});
  table.push_back(
      {.name = "lwf.units",
       .type = Type::kChoice,
       .default_value = "past",
       .choices = {"past", "all"},
       .when = both(of("lwf"), class_incremental),
       .meaning =
           "Output units that are distilled: those of past classes, or all."});
  table.push_back(
      {.name = "buffer.size",
       .type = Type::kInteger,
       .default_value = 1000,
       .minimum = 1,
       .unit = "traces",
       .when = {{"strategy", {"er", "derpp", "agem", "icarl", "bic", "gdumb"}}},
       .meaning = "How many traces are kept in all; where each class gets the "
                  "same, this divided by the number of classes of all tasks."});
  table.push_back(
      {.name = "buffer.fill",
       .type = Type::kChoice,
       .default_value = "reservoir",
       .choices = {"reservoir", "class_balanced"},
       .when = of("er"),
       .meaning = "Which traces are kept: a reservoir of those trained on in "
                  "each task's first epoch, or equally many of each class at "
                  "the end of each task."});
  table.push_back(
      {.name = "buffer.batch",
       .type = Type::kInteger,
       .default_value = 0,
       .minimum = 0,
       .unit = "traces",
       .when = {{"strategy", {"er", "derpp", "agem"}}},
       .meaning =
           "Kept traces a step; 0 means as many as the step has new ones."});
  table.push_back(
      {.name = "er.weighting",
       .type = Type::kChoice,
       .default_value = "examples",
       .choices = {"examples", "tasks"},
       .when = of("er"),
       .meaning =
           "How new and kept traces are weighed: each trace alike, or new ones "
           "by 1/t and kept ones by 1 − 1/t in task t (van de Ven 2022)."});
  table.push_back({.name = "derpp.alpha",
                   .type = Type::kReal,
                   .default_value = 0.5,
                   .minimum = 0,
                   .when = of("derpp"),
                   .meaning = "Strength α of the mean squared distance to the "
                              "kept logits (Buzzega 2020)."});
  table.push_back(
      {.name = "derpp.beta",
       .type = Type::kReal,
       .default_value = 0.5,
       .minimum = 0,
       .when = of("derpp"),
       .meaning = "Strength β of the cross-entropy of kept traces."});
  table.push_back({.name = "icarl.temperature",
                   .type = Type::kReal,
                   .default_value = 1.0,
                   .minimum = 0,
                   .minimum_exclusive = true,
                   .when = of("icarl"),
                   .meaning =
                       "Temperature T of the old network's sigmoids that are "
                       "targets of past classes; van de Ven 2022 has 2."});
  table.push_back({.name = "bic.validation",
                   .type = Type::kReal,
                   .default_value = 0.1,
                   .minimum = 0,
                   .maximum = 1,
                   .minimum_exclusive = true,
                   .maximum_exclusive = true,
                   .when = of("bic"),
                   .meaning = "Share of each class's kept traces that is set "
                              "aside to fit the correction."});

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
                   .choices = {"stratified", "group", "source"},
                   .meaning =
                       "How traces are dealt to training, validation and "
                       "test: at random within each class, whole groups (the "
                       "dataset's `group` array, e.g. crawl runs), or as the "
                       "dataset's source did; without a validation part there, "
                       "it is taken from training."});
  table.push_back({.name = "data.test_fraction",
                   .type = Type::kReal,
                   .default_value = 0.1,
                   .minimum = 0,
                   .maximum = 1,
                   .minimum_exclusive = true,
                   .maximum_exclusive = true,
                   .when = {{"data.split", {"stratified", "group"}}},
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
  table.push_back({.name = "data.open_world",
                   .type = Type::kChoice,
                   .default_value = "standard",
                   .choices = {"standard", "two_class"},
                   .meaning = "With unmonitored traces: standard tells the "
                              "monitored sites apart; two_class trains on two "
                              "labels, monitored and not (Sirinam 2018)."});
  table.push_back({.name = "data.train_per_class",
                   .type = Type::kInteger,
                   .default_value = 0,
                   .minimum = 0,
                   .unit = "traces",
                   .meaning =
                       "At most this many training traces a class, drawn "
                       "at random; 0 means all."});

  table.push_back({.name = "data.representation",
                   .type = Type::kChoice,
                   .default_value = "direction",
                   .choices = {"direction", "timed", "cumulative"},
                   .when = {},
                   .meaning = "What the network sees of a cell: its direction, "
                              "seconds × direction (Rahman 2020), or the sum "
                              "of directions so far (Panchenko 2016)."});
  table.push_back(
      {.name = "data.image_form",
       .type = Type::kChoice,
       .default_value = "raw",
       .choices = {"raw", "padded_normalised"},
       .when = {},
       .meaning = "What the network sees of an image: pixels / 255 (van de Ven "
                  "2022), or those padded from 28×28 to 32×32 and normalised "
                  "by mean .1 and deviation .2752 (Hsu 2018)."});

  // The network.
  table.push_back({.name = "model",
                   .type = Type::kChoice,
                   .default_value = "df",
                   .choices = {"df", "mlp"},
                   .meaning = "The network: df is Deep Fingerprinting as "
                              "published, mlp the fully connected one of the "
                              "Split MNIST tables."});
  table.push_back({.name = "mlp.hidden",
                   .type = Type::kInteger,
                   .default_value = 400,
                   .minimum = 1,
                   .maximum = 100'000,
                   .unit = "units",
                   .when = {{"model", {"mlp"}}},
                   .meaning = "Units of each of the two hidden layers."});
  table.push_back({.name = "bn",
                   .type = Type::kChoice,
                   .default_value = "train",
                   .choices = {"train", "freeze_after_first", "group_norm"},
                   .when = {{"model", {"df"}}},
                   .meaning = "Batch normalisation: by each batch, by the "
                              "first task's running statistics from the second "
                              "task on, or group normalisation in its "
                              "place."});
  table.push_back(
      {.name = "bn_momentum",
       .type = Type::kReal,
       .default_value = 0.99,
       .minimum = 0,
       .maximum = 1,
       .maximum_exclusive = true,
       .when = {{"model", {"df"}}, {"bn", {"train", "freeze_after_first"}}},
       .meaning = "Share of the old running statistics that a batch "
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
         .when = {{"model", {"df"}}},
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
  table.push_back({.name = "steps_per_epoch",
                   .type = Type::kInteger,
                   .default_value = 0,
                   .minimum = 0,
                   .maximum = 1'000'000,
                   .unit = "steps",
                   .meaning = "Steps that count as an epoch, over as many "
                              "passes as they need; 0 means one pass."});
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
