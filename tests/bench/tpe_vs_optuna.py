"""dfsweep's random and tpe search beside Optuna's, on functions with a known
minimum. See tpe_vs_optuna.sh."""

import argparse
import math
import statistics
import subprocess

import optuna

FUNCTIONS = ("sphere", "branin", "conditional")


def scaled(trial, name, low, high):
    return low + trial.suggest_float(name, 0, 0.9) / 0.9 * (high - low)


def sphere(trial):
    return sum((scaled(trial, f"x{i}", -5, 5) - 1) ** 2 for i in range(4))


def branin(trial):
    x = scaled(trial, "x", -5, 10)
    y = scaled(trial, "y", 0, 15)
    a = y - 5.1 / (4 * math.pi**2) * x * x + 5 / math.pi * x - 6
    return (a * a + 10 * (1 - 1 / (8 * math.pi)) * math.cos(x) + 10
            - 0.397887357729739)


def conditional(trial):
    strategy = trial.suggest_categorical("strategy", ["naive", "ewc", "lwf"])
    rate = math.log10(trial.suggest_float("rate", 1e-5, 1, log=True)) + 2.5
    batch = math.log2(trial.suggest_int("batch", 16, 512, log=True)) - 6
    total = rate * rate + batch * batch / 8
    if strategy == "ewc":
        power = math.log10(trial.suggest_float("lambda", 1, 1e8, log=True)) - 5
        return total + power * power / 20
    if strategy == "lwf":
        heat = trial.suggest_float("temperature", 0.5, 10) - 3
        return total + 0.3 + heat * heat / 10
    return total + 1


def optuna_minima(function, sampler_of, trials, seeds):
    minima = []
    for seed in range(seeds):
        study = optuna.create_study(sampler=sampler_of(seed))
        study.optimize(globals()[function], n_trials=trials)
        minima.append(study.best_value)
    return minima


def dfsweep_minima(program, function, method, trials, seeds):
    output = subprocess.run(
        [program, function, method, str(trials), str(seeds)],
        check=True, capture_output=True, text=True).stdout
    return [float(line) for line in output.split()]


def summary(minima):
    """Mean and standard deviation of log10 of what is left above the minimum."""
    logs = [math.log10(max(value, 1e-12)) for value in minima]
    return statistics.mean(logs), statistics.stdev(logs)


def main():
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("program", help="tests/bin/tpe_bench of a build")
    parser.add_argument("--trials", type=int, default=100)
    parser.add_argument("--seeds", type=int, default=30)
    options = parser.parse_args()
    optuna.logging.set_verbosity(optuna.logging.ERROR)
    samplers = {
        "optuna random": lambda seed: optuna.samplers.RandomSampler(seed=seed),
        "optuna tpe, one parameter at a time": lambda seed:
            optuna.samplers.TPESampler(seed=seed, multivariate=False),
        "optuna tpe, its defaults": lambda seed:
            optuna.samplers.TPESampler(seed=seed),
    }
    print(f"Optuna {optuna.__version__}; {options.trials} points, "
          f"{options.seeds} seeds; log10 of the regret, mean ± sd; z: dfsweep's "
          "tpe minus it, in standard errors (negative: dfsweep is better)\n")
    print("| function | search | log10 regret | z |\n|---|---|---|---|")
    for function in FUNCTIONS:
        found = {
            f"dfsweep {method}": dfsweep_minima(
                options.program, function, method, options.trials,
                options.seeds)
            for method in ("random", "tpe")
        }
        for name, sampler_of in samplers.items():
            found[name] = optuna_minima(function, sampler_of, options.trials,
                                        options.seeds)
        mean, deviation = summary(found["dfsweep tpe"])
        for name, minima in found.items():
            its_mean, its_deviation = summary(minima)
            error = math.sqrt(
                (deviation**2 + its_deviation**2) / options.seeds)
            z = "" if name == "dfsweep tpe" else f"{(mean - its_mean) / error:+.1f}"
            print(f"| {function} | {name} | {its_mean:.2f} ± "
                  f"{its_deviation:.2f} | {z} |")


if __name__ == "__main__":
    main()
