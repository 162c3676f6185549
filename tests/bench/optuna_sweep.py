"""Runs the trials of a table as an Optuna study whose objective is the PyTorch
script, as a user would who does not write a shell loop.

Usage: python optuna_sweep.py ROWS.jsonl SCRIPT_PYTHON SCRIPT DATA JOBS
whole_sweep.sh calls it. JOBS trials run at once, each on one thread; the grid
sampler goes through the rows.
"""

import json
import os
import subprocess
import sys
import tempfile

import optuna


def main():
    rows_file, python, script, data, jobs = sys.argv[1:]
    rows = [line for line in open(rows_file)]
    optuna.logging.set_verbosity(optuna.logging.WARNING)

    def objective(trial):
        row = trial.suggest_categorical("row", list(range(len(rows))))
        with tempfile.NamedTemporaryFile("w", suffix=".json", delete=False) as file:
            file.write(rows[row])
        try:
            output = subprocess.run(
                [python, script, file.name, data, "--seed", str(row + 1), "--threads", "1"],
                check=True, capture_output=True, text=True).stdout
        finally:
            os.remove(file.name)
        matrix = json.loads(output.splitlines()[-1])["accuracy_matrix"]
        return sum(matrix[-1]) / len(matrix[-1])

    study = optuna.create_study(
        direction="maximize",
        sampler=optuna.samplers.GridSampler({"row": list(range(len(rows)))}))
    study.optimize(objective, n_trials=len(rows), n_jobs=int(jobs))
    print(f"{len(study.trials)} trials, best {study.best_value:.3f}")


if __name__ == "__main__":
    main()
