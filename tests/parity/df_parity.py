"""Checks that another framework's Deep Fingerprinting computes the same.

Usage: python df_parity.py logits-torch|logits-keras|training-torch FOLDER
FOLDER holds .npy files, among them each parameter and buffer of the C++ network
by its name and `input` [n, length].

logits-*: `logits_eval`, `logits_train` (batch statistics, no dropout) and, for
PyTorch, gradients `grad.<name>` of the mean cross-entropy with label i mod
classes of row i.
training-torch: `losses` (penalty included) of training without dropout;
check_training says how. EWC_LAMBDA is the strength of EWC, if it is that.

Exit status 0: equal; 1: not; 77: the framework is not installed.
"""

import os
import sys

import numpy as np

sys.path.insert(0, os.path.join(os.path.dirname(__file__), "..", "reference"))

TOLERANCE = 1e-4
NAMES = [(f"block{b}_conv{c}", f"block{b}_norm{c}")
         for b in (1, 2, 3, 4) for c in (1, 2)]


class Folder:
    def __init__(self, path):
        self.path = path

    def __getitem__(self, name):
        return np.load(os.path.join(self.path, name + ".npy"), allow_pickle=False)

    def norm(self, name):
        return [self[f"{name}.{part}"] for part in
                ("weight", "bias", "running_mean", "running_var")]


def check(what, got, expected):
    error = float(np.abs(got - expected).max())
    scale = max(1.0, float(np.abs(expected).max()))
    print(f"{what}: largest difference {error:.2e}, largest value {scale:.2e}")
    return error <= TOLERANCE * scale


def torch_model(folder, length, classes):
    """The reference network with the weights of `folder`, without dropout, and
    its modules by their C++ names."""
    import torch

    import train_df

    settings = dict(train_df.DEFAULTS, sequence_length=length)
    settings.update({"dropout.conv": 0, "dropout.fc1": 0, "dropout.fc2": 0})
    model = train_df.DF(classes, settings)
    pairs = []
    for i, (conv, norm) in enumerate(NAMES):
        block = model.blocks[i // 2]
        pairs += [(conv, block[i % 2 * 2]), (norm, block[i % 2 * 2 + 1])]
    pairs += [("fc1", model.fc1), ("fc1_norm", model.n1), ("fc2", model.fc2),
              ("fc2_norm", model.n2), ("fc3", model.fc3)]
    for name, module in pairs:
        for part, value in list(module.named_parameters()) + list(module.named_buffers()):
            if part != "num_batches_tracked":
                given = torch.tensor(folder[f"{name}.{part}"])
                value.data.copy_(given.reshape(value.shape))
    return model, pairs


def check_torch(folder):
    import torch
    from torch.nn import functional as F

    x = torch.tensor(folder["input"])
    expected = folder["logits_eval"]
    model, pairs = torch_model(folder, x.shape[1], expected.shape[1])
    model.eval()
    same = check("PyTorch, eval mode", model(x).detach().numpy(), expected)
    model.train()
    logits = model(x)
    same &= check("PyTorch, train mode", logits.detach().numpy(), folder["logits_train"])
    F.cross_entropy(logits, torch.arange(len(x)) % logits.shape[1]).backward()
    for name, module in pairs:
        for part, value in module.named_parameters():
            given = folder[f"grad.{name}.{part}"].reshape(value.shape)
            same &= check(f"gradient of {name}.{part}", value.grad.numpy(), given)
    return same


def check_training(folder):
    """Two tasks of equally many steps, each with a fresh SGD. A step trains on
    `batches`, and `replayed` rows of earlier ones in the same pass where there
    are any; if `losses` holds a penalty, it is EWC's, with the exact Fisher of
    the first task's rows in eval mode. Biases before a batch normalisation are
    left alone."""
    import torch
    from torch.nn import functional as F

    import train_df

    x = torch.tensor(folder["input"]).double()
    y = torch.tensor(folder["labels"]).long()
    batches, replayed = (torch.tensor(folder[name]).long()
                         for name in ("batches", "replayed"))
    expected = folder["losses"]
    model, pairs = torch_model(folder, x.shape[1], int(y.max()) + 1)
    model.double()
    idle = [module.bias for name, module in pairs
            if "norm" not in name and name != "fc3"]
    parameters = list(model.parameters())
    strength = float(os.environ.get("EWC_LAMBDA", 0))
    losses, terms = [], []
    for task in range(2):
        optimizer = torch.optim.SGD(parameters, lr=0.002)
        half = len(batches) // 2
        for step in range(task * half, (task + 1) * half):
            model.train()
            rows = torch.cat([batches[step], replayed[step][replayed[step] >= 0]])
            loss = F.cross_entropy(model(x[rows]), y[rows])
            for importance, anchor in terms:
                loss = loss + strength / 2 * sum(
                    (f * (q - a) ** 2).sum()
                    for q, f, a in zip(parameters, importance, anchor))
            optimizer.zero_grad()
            loss.backward()
            for bias in idle:
                bias.grad.zero_()
            optimizer.step()
            losses.append(loss.item())
        if task == 0 and strength:
            seen = batches[:half].unique()
            terms.append((train_df.fisher(model, x[seen], y[seen], "all"),
                          [q.detach().clone() for q in parameters]))
    print(f"{len(losses)} steps, first loss {losses[0]:.4f}, last {losses[-1]:.4f}")
    return check("losses", np.array(losses), expected)


def check_keras(folder):
    from keras_df import deep_fingerprinting

    x, expected = folder["input"], folder["logits_eval"]

    model = deep_fingerprinting(x.shape[1], expected.shape[1], dropout=(0, 0, 0))
    weighted = iter([layer for layer in model.layers if layer.weights])
    for conv, norm in NAMES:
        # [out, in, 1, kernel] -> [kernel, in, out]
        kernel = folder[conv + ".weight"].squeeze(2).transpose(2, 1, 0)
        next(weighted).set_weights([kernel, folder[conv + ".bias"]])
        next(weighted).set_weights(folder.norm(norm))
    for name in ("fc1", "fc2", "fc3"):
        next(weighted).set_weights([folder[name + ".weight"].T, folder[name + ".bias"]])
        if name != "fc3":
            next(weighted).set_weights(folder.norm(name + "_norm"))
    inputs = x[..., None]
    evaluated = np.asarray(model(inputs, training=False).detach())
    trained = np.asarray(model(inputs, training=True).detach())
    same = check("Keras, eval mode", evaluated, expected)
    return check("Keras, train mode", trained, folder["logits_train"]) and same


def main(what, path):
    os.environ.setdefault("KERAS_BACKEND", "torch")
    framework = what.split("-")[1]
    try:
        __import__("torch")
        __import__(framework)
    except ImportError as error:
        print(f"SKIPPED: {error}; run: pip install {framework}")
        return 77
    sys.modules["torch"].set_num_threads(1)
    checks = {"logits-torch": check_torch, "logits-keras": check_keras,
              "training-torch": check_training}
    return 0 if checks[what](Folder(path)) else 1


if __name__ == "__main__":
    sys.exit(main(*sys.argv[1:]))
