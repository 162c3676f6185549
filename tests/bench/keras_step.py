"""Trains the published Keras model of Deep Fingerprinting for df_training.py.

Usage: KERAS_BACKEND=torch|tensorflow python keras_step.py LENGTH PRECISION
       BATCH THREADS [--xla]
Reads numbers of steps from its standard input, one a line, and answers each
with the seconds that they took. The model is written as its authors did; with
mixed_bfloat16 for bf16, Adamax 2e-3, batches gathered from int8 traces.
--xla lets Keras choose XLA, which is its default; without, it is off.
"""

import os
import sys
import time

os.environ.setdefault("TF_CPP_MIN_LOG_LEVEL", "3")

import keras
import numpy as np
from keras import layers

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


def deep_fingerprinting(length):
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
    return model


def main():
    length, precision, batch, threads = sys.argv[1], sys.argv[2], int(sys.argv[3]), int(sys.argv[4])
    length = int(length)
    use_threads(threads)
    keras.utils.set_random_seed(0)
    keras.mixed_precision.set_global_policy(
        "mixed_bfloat16" if precision == "bf16" else "float32")
    model = deep_fingerprinting(length)
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
