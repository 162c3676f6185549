"""Makes wikipedia20.npz out of wikipedia100.npz: the first 20 pages, all of
their traces, unchanged; `run` is called `group`.

Usage: python make_sample.py wikipedia100.npz wikipedia20.npz
"""

import sys

import numpy as np

PAGES = 20


def main(source, target):
    with np.load(source, allow_pickle=False) as data:
        chosen = data["y"] < PAGES
        np.savez_compressed(
            target,
            X=data["X"][chosen],
            y=data["y"][chosen].astype(np.int64),
            group=data["run"][chosen].astype(np.int64),
        )


if __name__ == "__main__":
    main(*sys.argv[1:])
