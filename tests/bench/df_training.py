"""Compares the speed of dfsweep's training step of Deep Fingerprinting with
that of PyTorch (eager and torch.compile) and Keras, on the CPU or a GPU.

Usage: python df_training.py DF_TRAINING_BENCH [--quick] [--lengths 1000,5000]
           [--precisions fp32,bf16] [--peers eager,compile,keras] [--batch 128]
           [--compile-all] [--threads N] [--device cuda]
df_training.sh calls it. All contestants take turns in one run, a few steps
each, in several rounds; the fastest round of each counts, so that a machine
that does other things too is fair to all. Prints a Markdown table.

The peers are written as their users write them. PyTorch: tests/reference's
network (sequences as [batch, channels, length], padding by F.pad, activation
before the pool), torch.autocast for bf16. Keras: the published model, with the
PyTorch backend, mixed_bfloat16 for bf16. All train by Adamax 2e-3 on batches
that they gather from int8 traces in memory.
"""

import argparse
import os
import subprocess
import sys
import time
import warnings

os.environ.setdefault("KERAS_BACKEND", "torch")
os.environ.setdefault("TF_CPP_MIN_LOG_LEVEL", "3")

import numpy as np
import torch
from torch.nn import functional as F

sys.path.insert(0, os.path.join(os.path.dirname(__file__), "..", "reference"))
import train_df

CLASSES = 95
TRACES = 950
DETERMINISTIC = "true"


def forward_flops(length):
    """Of one trace through DF: a multiplication and an addition count as two."""
    convolutions, first, inputs = 0, 0, 1
    for filters in (32, 64, 128, 256):
        one = 2 * 8 * filters * inputs * length
        first = first or one
        convolutions += one + 2 * 8 * filters * filters * length
        inputs, length = filters, -(-length // 4)
    dense = 2 * (256 * length * 512 + 512 * 512 + 512 * CLASSES)
    return convolutions + dense, first


def training_flops(length):
    """Forward, and as much for each of the gradients of weights and inputs, but
    for the first layer, whose input needs none."""
    total, first = forward_flops(length)
    return 3 * total - first


def wait(device):
    if device != "cpu":
        torch.cuda.synchronize()


def allow_tf32(precision):
    torch.backends.cuda.matmul.allow_tf32 = precision == "tf32"
    torch.backends.cudnn.allow_tf32 = precision == "tf32"


def matmul_flops_per_second(precision, device):
    """The fastest of some large matrix products: what the machine gives now."""
    size = 2048 if device == "cpu" else 8192
    a = torch.randn(size, size, device=device,
                    dtype=torch.bfloat16 if precision == "bf16" else torch.float32)
    best = float("inf")
    for _ in range(8):
        start = time.perf_counter()
        a @ a
        wait(device)
        best = min(best, time.perf_counter() - start)
    return 2 * size ** 3 / best


class Dfsweep:
    name = "dfsweep"

    def __init__(self, program, length, precision, batch, device):
        self.process = subprocess.Popen(
            [program, "--length", str(length), "--precision", precision,
             "--device", device, "--deterministic", DETERMINISTIC,
             "--batch", str(batch), "--threads", str(torch.get_num_threads())],
            stdin=subprocess.PIPE, stdout=subprocess.PIPE, text=True)

    def steps(self, count):
        print(count, file=self.process.stdin, flush=True)
        return float(self.process.stdout.readline())

    def close(self):
        self.process.stdin.close()
        self.process.wait()


class PyTorch:
    name = "eager"

    def __init__(self, length, precision, batch, device):
        settings = dict(train_df.DEFAULTS, sequence_length=length)
        torch.manual_seed(0)
        self.x = (torch.randint(0, 2, (TRACES, length)) * 2 - 1).to(device, torch.int8)
        self.y = (torch.arange(TRACES) % CLASSES).to(device)
        self.model = self.wrap(train_df.DF(CLASSES, settings).to(device))
        self.device = device
        allow_tf32(precision)
        torch.backends.cudnn.benchmark = device != "cpu"
        self.optimizer = torch.optim.Adamax(self.model.parameters(), lr=2e-3)
        self.precision, self.batch = precision, batch
        self.model.train()

    def wrap(self, model):
        return model

    def step(self):
        rows = torch.randint(0, TRACES, (self.batch,), device=self.device)
        x, y = self.x[rows].float(), self.y[rows]
        with torch.autocast(self.device, torch.bfloat16, enabled=self.precision == "bf16"):
            logits = self.model(x)
        loss = F.cross_entropy(logits.float(), y)
        self.optimizer.zero_grad()
        loss.backward()
        self.optimizer.step()

    def steps(self, count):
        start = time.perf_counter()
        for _ in range(count):
            self.step()
        wait(self.device)
        return time.perf_counter() - start

    def close(self):
        pass


class Compiled(PyTorch):
    name = "compile"

    def wrap(self, model):
        torch._dynamo.reset()
        return torch.compile(model)


class Keras:
    name = "keras"

    def __init__(self, length, precision, batch, device):
        import keras
        from keras import layers

        keras.utils.set_random_seed(0)
        policy = "mixed_bfloat16" if precision == "bf16" else "float32"
        keras.mixed_precision.set_global_policy(policy)
        model = keras.Sequential([layers.Input((length, 1))])
        for block, filters in enumerate((32, 64, 128, 256)):
            for _ in range(2):
                model.add(layers.Conv1D(filters, 8, strides=1, padding="same"))
                model.add(layers.BatchNormalization(axis=-1))
                model.add(layers.ELU(1.0) if block == 0 else layers.Activation("relu"))
            model.add(layers.MaxPooling1D(8, strides=4, padding="same"))
            model.add(layers.Dropout(0.1))
        model.add(layers.Flatten())
        for rate in (0.7, 0.5):
            model.add(layers.Dense(512))
            model.add(layers.BatchNormalization())
            model.add(layers.Activation("relu"))
            model.add(layers.Dropout(rate))
        model.add(layers.Dense(CLASSES))
        model.add(layers.Activation("softmax", dtype="float32"))
        model.compile(loss="sparse_categorical_crossentropy",
                      optimizer=keras.optimizers.Adamax(2e-3))
        random = np.random.default_rng(0)
        self.x = random.choice(np.array([-1, 1], np.int8), (TRACES, length, 1))
        self.y = np.arange(TRACES) % CLASSES
        self.model, self.batch, self.random = model, batch, random

    def steps(self, count):
        start = time.perf_counter()
        for _ in range(count):
            rows = self.random.integers(0, TRACES, self.batch)
            self.model.train_on_batch(self.x[rows].astype(np.float32), self.y[rows])
        return time.perf_counter() - start

    def close(self):
        pass


def peers(names, compiles):
    chosen = [PyTorch] if "eager" in names else []
    if "compile" in names and compiles:
        chosen.append(Compiled)
    if "keras" in names:
        try:
            import keras  # noqa: F401
            chosen.append(Keras)
        except ImportError:
            print("no Keras here: left out", file=sys.stderr)
    return chosen


def race(contestants, rounds, seconds, most, warm_up):
    """The fewest seconds a step of each, by its name."""
    best, counts = {}, {}
    for c in contestants:
        c.steps(warm_up)  # compiles, tunes, allocates, records
    for turn in range(rounds):
        for c in contestants:
            count = counts.get(c.name, 1)
            spent = c.steps(count) / count
            best[c.name] = min(best.get(c.name, spent), spent)
            counts[c.name] = max(1, min(most, round(seconds / best[c.name])))
            print(f"  round {turn + 1} {c.name}: {count} steps, "
                  f"{spent * 1e3:.0f} ms each", file=sys.stderr)
    return best


def measure(arguments, length, precision):
    chosen = peers(arguments.peers, arguments.compile_all or length == 5000)
    device = arguments.device
    contestants = [Dfsweep(arguments.program, length, precision, arguments.batch, device)]
    contestants += [kind(length, precision, arguments.batch, device) for kind in chosen]
    print(f"length {length}, {precision}", file=sys.stderr)
    best = race(contestants, arguments.rounds, arguments.seconds,
                20 if device == "cpu" else 2000, 1 if device == "cpu" else 6)
    for c in contestants:
        c.close()
    peak = matmul_flops_per_second(precision, device)
    speed = {name: arguments.batch / spent for name, spent in best.items()}
    fastest = max((s for n, s in speed.items() if n != "dfsweep"), default=float("nan"))
    rate = speed["dfsweep"] * training_flops(length)
    cell = lambda name: f"{speed[name]:.0f}" if name in speed else "–"
    print(f"| {length} | {precision} | {cell('dfsweep')} | {cell('eager')} | "
          f"{cell('compile')} | {cell('keras')} | {speed['dfsweep'] / fastest:.2f} | "
          f"{rate / 1e9:.0f} | {peak / 1e9:.0f} | {100 * rate / peak:.0f} % |", flush=True)
    return speed["dfsweep"], fastest


def main():
    parser = argparse.ArgumentParser()
    parser.add_argument("program")
    parser.add_argument("--quick", action="store_true")
    parser.add_argument("--lengths", default="")
    parser.add_argument("--precisions", default="fp32,bf16")
    parser.add_argument("--peers", default="eager,compile,keras")
    parser.add_argument("--batch", type=int, default=128)
    parser.add_argument("--compile-all", action="store_true")
    parser.add_argument("--rounds", type=int, default=0)
    parser.add_argument("--seconds", type=float, default=0)
    parser.add_argument("--any-order", action="store_true",
                        help="dfsweep with deterministic: false")
    parser.add_argument("--device", default="cpu", choices=["cpu", "cuda"])
    parser.add_argument("--threads", type=int, default=torch.get_num_threads())
    arguments = parser.parse_args()
    arguments.lengths = arguments.lengths or ("1000,5000" if arguments.quick else "1000,5000,10000")
    arguments.peers = arguments.peers.split(",")
    if arguments.any_order:
        global DETERMINISTIC
        DETERMINISTIC = "false"
    if arguments.quick and "compile" in arguments.peers:
        arguments.peers.remove("compile")  # takes longer than all the rest
    rounds, seconds = (2, 1) if arguments.quick else (3, 3)
    arguments.rounds = arguments.rounds or rounds
    arguments.seconds = arguments.seconds or seconds
    warnings.filterwarnings("ignore")
    torch.set_num_threads(arguments.threads)

    if arguments.device != "cpu":
        print(f"GPU: {torch.cuda.get_device_name()}")
    print(f"PyTorch {torch.__version__}, {torch.get_num_threads()} threads, "
          f"batch {arguments.batch}; samples/s, and GFLOP/s of dfsweep and of a "
          "matrix product\n")
    print("| length | precision | dfsweep | eager | compile | keras | ratio to fastest "
          "| GFLOP/s | matmul | share |")
    print("|" + "---|" * 10)
    for length in map(int, arguments.lengths.split(",")):
        for precision in arguments.precisions.split(","):
            measure(arguments, length, precision)


if __name__ == "__main__":
    main()
