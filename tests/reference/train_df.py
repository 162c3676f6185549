"""Trains Deep Fingerprinting from a trial file in PyTorch, independently of
dfsweep: its own network, split, Fisher information and loop. For comparing
accuracies; the random numbers differ, so they agree within seed noise only.

Usage: python train_df.py trial.json data.npz [--seed N] [--threads N]
Prints one line of JSON with the accuracy matrix. `data.npz` needs X, y and,
for data.split: group, group. A line of `dfsweep results SWEEP --format jsonl
--trials` is a trial file. Refuses a parameter, or a value of one, that it does
not train by.
"""

import argparse
import json
import time

import numpy as np
import torch
from torch import nn
from torch.nn import functional as F

DEFAULTS = {
    "strategy": "naive", "tasks.split": "equal", "tasks.count": 2,
    "active_classes": "all", "reset_optimizer": False,
    "sequence_length": 5000, "data.split": "stratified",
    "data.test_fraction": 0.1, "data.validation_fraction": 0.1,
    "data.duplicates": "keep", "data.train_per_class": 0, "bn_momentum": 0.99,
    "dropout.conv": 0.1, "dropout.fc1": 0.7, "dropout.fc2": 0.5, "epochs": 30,
    "batch_size": 128, "optimizer": "adamax", "learning_rate": 2e-3,
    "ewc.lambda": None, "ewc.fisher_labels": "all", "ewc.fisher_samples": 200,
    "buffer.size": 1000,
}
STRATEGIES = ("joint", "naive", "ewc", "er")
# What it does in one way only.
FIXED = {
    "scenario": "class-incremental", "active_classes": "all",
    "tasks.split": "equal", "tasks.class_order": "sorted",
    "model": "df", "bn": "train", "precision": "fp32", "steps_per_epoch": 0,
    "drop_last": False, "optimizer": "adamax", "beta1": 0.9, "beta2": 0.999,
    "epsilon": 1e-8, "weight_decay": 0, "data.representation": "direction",
    "data.image_form": "raw", "data.open_world": "standard",
    "buffer.fill": "reservoir", "buffer.batch": 0, "er.weighting": "examples",
}
# What changes no number here.
WITHOUT_EFFECT = {"deterministic", "forward_transfer"}


class SameConv(nn.Conv1d):
    """Padded as TensorFlow's "same": 3 left, 4 right for a kernel of 8."""

    def forward(self, x):
        k = self.kernel_size[0]
        return super().forward(F.pad(x, (k // 2 - 1, k // 2)))


def pool_same(x):
    length = x.shape[-1]
    pad = max((-(-length // 4) - 1) * 4 + 8 - length, 0)
    x = F.pad(x, (pad // 2, pad - pad // 2), value=float("-inf"))
    return F.max_pool1d(x, 8, 4)


class DF(nn.Module):
    def __init__(self, classes, p):
        super().__init__()
        norm = lambda n: nn.BatchNorm1d(n, eps=1e-3, momentum=1 - p["bn_momentum"])
        self.blocks = nn.ModuleList()
        channels, length = 1, p["sequence_length"]
        for filters in (32, 64, 128, 256):
            self.blocks.append(nn.ModuleList([
                SameConv(channels, filters, 8), norm(filters),
                SameConv(filters, filters, 8), norm(filters)]))
            channels, length = filters, -(-length // 4)
        self.fc1, self.n1 = nn.Linear(256 * length, 512), norm(512)
        self.fc2, self.n2 = nn.Linear(512, 512), norm(512)
        self.fc3 = nn.Linear(512, classes)
        self.drop = (p["dropout.conv"], p["dropout.fc1"], p["dropout.fc2"])
        for m in self.modules():
            if isinstance(m, (nn.Conv1d, nn.Linear)):
                nn.init.xavier_uniform_(m.weight)
                nn.init.zeros_(m.bias)

    def forward(self, x):
        x = x.unsqueeze(1)
        for i, (c1, n1, c2, n2) in enumerate(self.blocks):
            act = F.elu if i == 0 else F.relu
            x = act(n2(c2(act(n1(c1(x))))))
            x = F.dropout(pool_same(x), self.drop[0], self.training)
        x = x.transpose(1, 2).flatten(1)  # Keras's order
        x = F.dropout(F.relu(self.n1(self.fc1(x))), self.drop[1], self.training)
        x = F.dropout(F.relu(self.n2(self.fc2(x))), self.drop[2], self.training)
        return self.fc3(x)


def usable_rows(x, y, duplicates):
    if duplicates == "keep":
        return np.arange(len(x))
    groups = {}
    for i, row in enumerate(x):
        groups.setdefault(row.tobytes(), []).append(i)
    return np.array([g[0] for g in groups.values() if len(set(y[g])) == 1])


def split(x, y, group, p, rng):
    """Row numbers of each class: {class: (train, test)}."""
    rows = usable_rows(x, y, p["data.duplicates"])
    share = lambda name, n: max(1, round(p[name] * n)) if p[name] else 0
    if p["data.split"] == "group":
        groups = rng.permutation(np.unique(group))
        n_test = share("data.test_fraction", len(groups))
        n = n_test + share("data.validation_fraction", len(groups))
        sides = lambda r: (r[~np.isin(group[r], groups[:n])],
                           r[np.isin(group[r], groups[:n_test])])
    else:
        def sides(r):
            r = rng.permutation(r)
            test = share("data.test_fraction", len(r))
            n = test + share("data.validation_fraction", len(r))
            return r[n:], r[:test]
    result = {}
    for c in np.unique(y):
        train, test = sides(rows[y[rows] == c])
        train = rng.permutation(train)[:p["data.train_per_class"] or None]
        result[c] = train, test
    return result


def fisher(model, x, y, labels):
    """One backward pass for each example and label, in eval mode."""
    model.eval()
    parameters = list(model.parameters())
    total = [torch.zeros_like(q) for q in parameters]
    for n in range(len(x)):
        log_p = F.log_softmax(model(x[n:n + 1]), 1)[0]
        chosen = {"all": range(len(log_p)), "true": [int(y[n])],
                  "pred": [int(log_p.argmax())],
                  "sample": [int(torch.multinomial(log_p.exp(), 1))]}[labels]
        for c in chosen:
            weight = float(log_p[c].detach().exp()) if labels == "all" else 1.0
            grads = torch.autograd.grad(log_p[c], parameters, retain_graph=True)
            for t, g in zip(total, grads):
                t += weight * g * g / len(x)
    return total


def accuracy(model, x, y):
    model.eval()
    with torch.no_grad():
        predicted = torch.cat([model(b).argmax(1) for b in x.split(256)])
    return float((predicted == y).float().mean())


class Reservoir:
    """Vitter 1985: after n offers each is kept with probability size / n."""

    def __init__(self, size, rng):
        self.size, self.rng, self.offered, self.rows = size, rng, 0, []

    def offer(self, row):
        self.offered += 1
        if len(self.rows) < self.size:
            self.rows.append(row)
        elif (place := self.rng.integers(self.offered)) < self.size:
            self.rows[place] = row

    def draw(self, count):
        return torch.tensor(self.rng.choice(self.rows, count,
                                            replace=count > len(self.rows)))


def train_stage(model, optimizer, x, y, stage_rows, p, terms, buffer):
    """`buffer`: of rows, or None."""
    parameters = list(model.parameters())
    size = p["batch_size"]
    for epoch in range(p["epochs"]):
        model.train()
        batches = list(stage_rows[torch.randperm(len(stage_rows))].split(size))
        if len(batches) > 1 and len(batches[-1]) == 1:
            batches[-2:] = [torch.cat(batches[-2:])]
        for new in batches:
            rows = new
            if buffer is not None and buffer.rows:
                rows = torch.cat([new, buffer.draw(len(new))])
            loss = F.cross_entropy(model(x[rows]), y[rows])
            for importance, anchor in terms:
                loss = loss + p["ewc.lambda"] / 2 * sum(
                    (f * (q - a) ** 2).sum()
                    for q, f, a in zip(parameters, importance, anchor))
            optimizer.zero_grad()
            loss.backward()
            optimizer.step()
            if buffer is not None and epoch == 0:
                for row in new.tolist():
                    buffer.offer(row)


def run(p, path, seed):
    torch.manual_seed(seed)
    rng = np.random.default_rng(seed)
    with np.load(path, allow_pickle=False) as data:
        x, labels = data["X"][:, :p["sequence_length"]], data["y"]
        group = data["group"] if "group" in data else None
    classes, y = np.unique(labels, return_inverse=True)
    parts = split(x, y, group, p, rng)
    tasks = np.array_split(np.arange(len(classes)), p["tasks.count"])
    x = torch.tensor(np.pad(x, ((0, 0), (0, p["sequence_length"] - x.shape[1])))).float()
    y = torch.tensor(y)
    gather = lambda ts, side: torch.tensor(np.concatenate(
        [parts[c][side] for t in ts for c in tasks[t]]))
    joint = p["strategy"] == "joint"
    stages = [range(len(tasks))] if joint else [[t] for t in range(len(tasks))]
    model, optimizer, terms, matrix = DF(len(classes), p), None, [], []
    buffer = Reservoir(p["buffer.size"], rng) if p["strategy"] == "er" else None
    start = time.time()
    for s, stage in enumerate(stages):
        if optimizer is None or p["reset_optimizer"]:
            optimizer = torch.optim.Adamax(model.parameters(), lr=p["learning_rate"])
        rows = gather(stage, 0)
        train_stage(model, optimizer, x, y, rows, p, terms, buffer)
        if p["strategy"] == "ewc" and s + 1 < len(stages):
            sample = rows[torch.randperm(len(rows))[:p["ewc.fisher_samples"] or None]]
            terms.append((fisher(model, x[sample], y[sample], p["ewc.fisher_labels"]),
                          [q.detach().clone() for q in model.parameters()]))
        shown = range(len(tasks)) if joint else range(s + 1)
        matrix.append([accuracy(model, x[gather([t], 1)], y[gather([t], 1)]) for t in shown])
    return {"accuracy_matrix": matrix, "seconds": round(time.time() - start, 1)}


def main():
    parser = argparse.ArgumentParser()
    parser.add_argument("trial")
    parser.add_argument("data")
    parser.add_argument("--seed", type=int, default=0)
    parser.add_argument("--threads", type=int, default=1)
    arguments = parser.parse_args()
    torch.set_num_threads(arguments.threads)
    with open(arguments.trial) as file:
        given = json.load(file)["parameters"]
    refused = sorted(
        f"{name}: {value}" for name, value in given.items()
        if name not in DEFAULTS and name not in WITHOUT_EFFECT
        and FIXED.get(name, not value) != value)
    p = DEFAULTS | {k: v for k, v in given.items() if k in DEFAULTS}
    if refused or p["strategy"] not in STRATEGIES:
        raise SystemExit(f"{arguments.trial}: this script does not train by "
                         f"{', '.join(refused) or p['strategy']}")
    print(json.dumps(run(p, arguments.data, arguments.seed)))


if __name__ == "__main__":
    main()
