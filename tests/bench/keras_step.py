"""Trains the published Keras model of Deep Fingerprinting for df_training.py.

Usage: KERAS_BACKEND=torch|tensorflow python keras_step.py LENGTH PRECISION
       BATCH THREADS [--xla]
Reads numbers of steps from its standard input, one a line, and answers each
with the seconds that they took. The model is written as its authors did; with
mixed_bfloat16 for bf16, Adamax 2e-3, batches gathered from int8 traces.
--xla lets Keras choose XLA, which is its default; without, it is off. Computes
on the GPU if it sees one.
"""

import os
import sys
import time

os.environ.setdefault("TF_CPP_MIN_LOG_LEVEL", "3")

import keras
import numpy as np

sys.path.insert(0, os.path.join(os.path.dirname(__file__), "..", "reference"))
from keras_df import deep_fingerprinting

CLASSES = 95
TRACES = 950


def use_threads(count):
    if keras.backend.backend() == "tensorflow":
        import tensorflow
        tensorflow.config.threading.set_intra_op_parallelism_threads(count)
        tensorflow.config.threading.set_inter_op_parallelism_threads(count)
    else:
        import torch
        torch.set_num_threads(count)


def main():
    length, precision, batch = int(sys.argv[1]), sys.argv[2], int(sys.argv[3])
    use_threads(int(sys.argv[4]))
    keras.utils.set_random_seed(0)
    keras.mixed_precision.set_global_policy(
        "mixed_bfloat16" if precision == "bf16" else "float32")
    if keras.backend.backend() == "torch":  # would take tf32 by itself on a GPU
        from df_training import allow_tf32
        allow_tf32(precision)
    model = deep_fingerprinting(length, CLASSES)
    model.add(keras.layers.Activation("softmax", dtype="float32"))
    model.compile(loss="sparse_categorical_crossentropy",
                  optimizer=keras.optimizers.Adamax(2e-3),
                  jit_compile="auto" if "--xla" in sys.argv else False)
    random = np.random.default_rng(0)
    x = random.choice(np.array([-1, 1], np.int8), (TRACES, length, 1))
    y = np.arange(TRACES) % CLASSES
    for line in sys.stdin:
        start = time.perf_counter()
        for _ in range(int(line)):
            rows = random.integers(0, TRACES, batch)
            model.train_on_batch(x[rows].astype(np.float32), y[rows])
        print(time.perf_counter() - start, flush=True)


if __name__ == "__main__":
    main()
