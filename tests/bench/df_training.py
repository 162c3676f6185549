"""Compares the speed of dfsweep's training step of Deep Fingerprinting with
that of PyTorch (eager and torch.compile) and Keras (on PyTorch and on
TensorFlow), on the CPU or a GPU.

Usage: python df_training.py DF_TRAINING_BENCH [--quick] [--lengths 1000,5000]
           [--precisions fp32,bf16] [--batch 128] [--threads N] [--device cuda]
           [--peers eager,compile,keras,tensorflow,xla] [--compile-all]
           [--tensorflow-python PYTHON]
df_training.sh calls it. All contestants take turns in one run, a few steps
each, in several rounds; the fastest round of each counts, so that a machine
that does other things too is fair to all. Prints a Markdown table.

The peers are written as their users write them. PyTorch: tests/reference's
network (sequences as [batch, channels, length], padding by F.pad, activation
before the pool), torch.autocast for bf16. Keras: keras_step.py, with the
PyTorch backend (keras) and TensorFlow's, without XLA and with it (tensorflow,
xla); TensorFlow by the Python of --tensorflow-python, if it is not PyTorch's.
All train by Adamax 2e-3 on batches that they gather from int8 traces in memory.
"""

import argparse
import os
import subprocess
import sys
import time
import warnings

import torch
from torch.nn import functional as F

sys.path.insert(0, os.path.join(os.path.dirname(__file__), "..", "reference"))
import train_df

KERAS_STEP = os.path.join(os.path.dirname(__file__), "keras_step.py")
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


class Program:
    """A process that reads numbers of steps and answers with their seconds."""

    def __init__(self, command, env=None):
        self.process = subprocess.Popen(command, env=env, stdin=subprocess.PIPE,
                                        stdout=subprocess.PIPE, text=True)

    def steps(self, count):
        print(count, file=self.process.stdin, flush=True)
        return float(self.process.stdout.readline())

    def close(self):
        self.process.stdin.close()
        self.process.wait()


class Dfsweep(Program):
    name = "dfsweep"

    def __init__(self, program, length, precision, batch, device):
        super().__init__(
            [program, "--length", str(length), "--precision", precision,
             "--device", device, "--deterministic", DETERMINISTIC,
             "--batch", str(batch), "--threads", str(torch.get_num_threads())])


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


class Keras(Program):
    name, backend, options = "keras", "torch", []

    def __init__(self, length, precision, batch, device):
        super().__init__(
            [self.python, KERAS_STEP, str(length), precision, str(batch),
             str(torch.get_num_threads()), *self.options],
            env=self.environment(device))

    @classmethod
    def environment(cls, device="cpu"):
        hidden = {"CUDA_VISIBLE_DEVICES": ""} if device == "cpu" else {}
        return dict(os.environ, KERAS_BACKEND=cls.backend, **hidden)

    @classmethod
    def is_there(cls):
        return subprocess.run([cls.python, "-c", "import keras"], capture_output=True,
                              env=cls.environment()).returncode == 0


class TensorFlow(Keras):
    name, backend = "tensorflow", "tensorflow"


class TensorFlowXla(TensorFlow):
    name, options = "xla", ["--xla"]


PEERS = [PyTorch, Compiled, Keras, TensorFlow, TensorFlowXla]


def peers(names, compiles):
    chosen = []
    for kind in PEERS:
        if kind.name not in names or (kind is Compiled and not compiles):
            continue
        if issubclass(kind, Keras) and not kind.is_there():
            print(f"no {kind.name} here: left out", file=sys.stderr)
            continue
        chosen.append(kind)
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
    cells = [f"{speed[name]:.0f}" if name in speed else "–"
             for name in ["dfsweep"] + [kind.name for kind in PEERS]]
    print(f"| {length} | {precision} | {' | '.join(cells)} | "
          f"{speed['dfsweep'] / fastest:.2f} | {rate / 1e9:.0f} | {peak / 1e9:.0f} | "
          f"{100 * rate / peak:.0f} % |", flush=True)
    return speed["dfsweep"], fastest


def main():
    parser = argparse.ArgumentParser()
    parser.add_argument("program")
    parser.add_argument("--quick", action="store_true")
    parser.add_argument("--lengths", default="")
    parser.add_argument("--precisions", default="fp32,bf16")
    parser.add_argument("--peers", default="eager,compile,keras,tensorflow,xla")
    parser.add_argument("--tensorflow-python", default=sys.executable)
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
    unknown = set(arguments.peers) - {kind.name for kind in PEERS}
    if unknown:
        parser.error(f"no such peer: {', '.join(sorted(unknown))}")
    Keras.python, TensorFlow.python = sys.executable, arguments.tensorflow_python
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
    print(f"| length | precision | dfsweep | {' | '.join(kind.name for kind in PEERS)} "
          "| ratio to fastest | GFLOP/s | matmul | share |")
    print("|" + "---|" * (7 + len(PEERS)))
    for length in map(int, arguments.lengths.split(",")):
        for precision in arguments.precisions.split(","):
            measure(arguments, length, precision)


if __name__ == "__main__":
    main()
