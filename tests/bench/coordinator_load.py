"""Coordinator under load beside its peers; see coordinator_load.sh."""

import argparse
import contextlib
import json
import multiprocessing
import os
import pathlib
import socket
import subprocess
import sys
import tempfile
import threading
import time

ROOT = pathlib.Path(__file__).resolve().parents[2]

SWEEP = """\
name: load
dataset: {data}
method: grid
seeds: {seeds}
parameters:
  strategy: joint
  learning_rate: {{min: 1e-6, max: {count}e-6, step: 1e-6}}
  sequence_length: 100
  epochs: 1
"""


def arguments():
    parser = argparse.ArgumentParser()
    parser.add_argument("build", type=pathlib.Path)
    parser.add_argument("--workers", type=int, default=500)
    parser.add_argument("--trials", type=int, default=20000)
    parser.add_argument("--seeds", type=int, default=100,
                        help="seeds of a configuration; divides the trials")
    parser.add_argument("--training", type=float, default=0,
                        help="seconds that a trial takes")
    parser.add_argument("--results-meanwhile", action="store_true",
                        help="ask for the table again and again during the load")
    parser.add_argument("--status-meanwhile", action="store_true",
                        help="ask for the status likewise")
    parser.add_argument("--watchers", type=int, default=0,
                        help="how many watch the sweep during the load")
    parser.add_argument("--optuna-workers", type=int, default=8)
    parser.add_argument("--optuna-trials", type=int, default=400)
    parser.add_argument("--ray-trials", type=int, default=200)
    parser.add_argument("--hyperqueue-tasks", type=int, default=5000)
    parser.add_argument("--no-peers", action="store_true")
    return parser.parse_args()


def memory_mib(pid, field):
    """Such as VmRSS, of a process or of "self"."""
    for line in open(f"/proc/{pid}/status"):
        if line.startswith(field):
            return int(line.split()[1]) / 1024
    return 0.0


def cpu_seconds(pid):
    """Of a process, or of one of this one's threads, as in "self/task/7"."""
    fields = open(f"/proc/{pid}/stat").read().rsplit(")", 1)[1].split()
    return (int(fields[11]) + int(fields[12])) / os.sysconf("SC_CLK_TCK")


def folder_mib(folder):
    files = [path for path in pathlib.Path(folder).rglob("*") if path.is_file()]
    return sum(path.stat().st_size for path in files) / 2**20


class Coordinator:
    """The real program on an empty store, and the commands that use it."""

    def __init__(self, build, folder):
        self.bin = build / "bin"
        self.store = folder / "store"
        self.process = subprocess.Popen(
            [self.bin / "dfsweep-coordinator", "--listen", "127.0.0.1:0",
             "--store", self.store, "--exit-with-stdin"],
            stdin=subprocess.PIPE, stdout=subprocess.PIPE,
            stderr=open(folder / "coordinator.log", "w"), text=True)
        self.address = self.process.stdout.readline().split()[-1]

    def start(self, *words):
        """A `dfsweep` command as a process."""
        environment = dict(os.environ, DFSWEEP_COORDINATOR=self.address)
        return subprocess.Popen([self.bin / "dfsweep", *words],
                                env=environment, stdout=subprocess.DEVNULL)

    def run(self, *words):
        """Seconds that a `dfsweep` command takes."""
        start = time.monotonic()
        code = self.start(*words).wait()
        if code != 0:
            raise subprocess.CalledProcessError(code, words)
        return time.monotonic() - start

    def close(self):
        self.process.stdin.close()
        self.process.wait(30)


class Meanwhile:
    """Somebody who runs a command on the sweep again and again."""

    def __init__(self, coordinator, command):
        self.coordinator = coordinator
        self.command = command
        self.count = 0
        self.is_over = threading.Event()
        self.thread = threading.Thread(target=self.ask)

    def ask(self):
        while not self.is_over.is_set():
            self.coordinator.run(self.command, "load")
            self.count += 1

    def __enter__(self):
        self.thread.start()
        return self

    def __exit__(self, *_):
        self.is_over.set()
        self.thread.join()


class Watcher:
    """Somebody who has `dfsweep watch` on the screen."""

    def __init__(self, coordinator):
        self.process = coordinator.start("watch", "load")

    def __enter__(self):
        return self

    def __exit__(self, *_):
        self.process.terminate()
        self.process.wait(30)


def sweep_file(folder, trials, seeds):
    if trials % seeds:
        sys.exit(f"{trials} trials can't be of {seeds} seeds each")
    path = folder / "load.yaml"
    data = ROOT / "sweeps" / "data" / "wikipedia20.npz"
    path.write_text(SWEEP.format(data=data, seeds=seeds, count=trials // seeds))
    return path


def commands_meanwhile(options):
    wanted = {"results": options.results_meanwhile,
              "status": options.status_meanwhile}
    return [command for command, is_wanted in wanted.items() if is_wanted]


def measure_dfsweep(options, folder):
    coordinator = Coordinator(options.build, folder)
    pid = coordinator.process.pid
    path = sweep_file(folder, options.trials, options.seeds)
    submit = coordinator.run("submit", str(path))
    before = memory_mib(pid, "VmRSS"), folder_mib(coordinator.store), cpu_seconds(pid)
    with contextlib.ExitStack() as others:
        for _ in range(options.watchers):
            others.enter_context(Watcher(coordinator))
        asking = [others.enter_context(Meanwhile(coordinator, command))
                  for command in commands_meanwhile(options)]
        load = subprocess.run(
            [options.build / "tests" / "bin" / "coordinator_load",
             coordinator.address, "--workers", str(options.workers),
             "--training", str(options.training),
             "--trials", str(options.trials)],
            stdout=subprocess.PIPE, text=True)
    report = json.loads(load.stdout)
    report |= {
        "watchers": options.watchers,
        "meanwhile": {one.command: one.count for one in asking},
        "submit_seconds": submit,
        "cpu_seconds": cpu_seconds(pid) - before[2],
        "memory_before_mib": before[0],
        "memory_mib": memory_mib(pid, "VmRSS"),
        "memory_peak_mib": memory_mib(pid, "VmHWM"),
        "store_before_mib": before[1],
        "store_mib": folder_mib(coordinator.store),
        "status_seconds": coordinator.run("status", "load"),
        "table_seconds": coordinator.run("results", "load"),
        "csv_seconds": coordinator.run("results", "load", "--trials",
                                       "--format", "csv"),
        "rows_seconds": coordinator.run("results", "load", "--trials",
                                        "--format", "jsonl"),
        "json_seconds": coordinator.run("results", "load", "--json"),
    }
    report["memory_results_mib"] = memory_mib(pid, "VmHWM")
    coordinator.close()
    if load.returncode != 0:
        sys.exit(f"the load stalled: {report}")
    return report


def optuna_worker(make_storage, trials):
    """Asks for trials and tells results until its share is done."""
    import optuna
    optuna.logging.set_verbosity(optuna.logging.ERROR)
    study = optuna.load_study(
        study_name="load", storage=make_storage(),
        sampler=optuna.samplers.RandomSampler())
    waits = []
    for _ in range(trials):
        start = time.monotonic()
        trial = study.ask({"learning_rate": optuna.distributions.FloatDistribution(0, 1)})
        waits.append(time.monotonic() - start)
        trial.report(0.5, 1)
        study.tell(trial, 0.5)
    return waits


class RdbStorage:
    """Workers that share a database file."""

    def __init__(self, folder):
        self.url = f"sqlite:///{folder}/optuna.db"

    def __call__(self):
        import optuna
        return optuna.storages.RDBStorage(
            self.url, engine_kwargs={"connect_args": {"timeout": 300}})


class GrpcStorage:
    """Workers that call a server, which has the database file."""

    def __init__(self, port):
        self.port = port

    def __call__(self):
        import optuna
        storage = optuna.storages.GrpcStorageProxy(host="localhost", port=self.port)
        storage.wait_server_ready(timeout=60)
        return storage


def serve_optuna(make_storage, port):
    import optuna
    optuna.storages.run_grpc_proxy_server(make_storage(), host="localhost", port=port)


def free_port():
    with socket.socket() as listener:
        listener.bind(("127.0.0.1", 0))
        return listener.getsockname()[1]


def measure_optuna(make_storage, options):
    import optuna
    optuna.logging.set_verbosity(optuna.logging.ERROR)
    optuna.create_study(study_name="load", storage=make_storage())
    share = options.optuna_trials // options.optuna_workers
    context = multiprocessing.get_context("spawn")
    with context.Pool(options.optuna_workers) as pool:
        pool.map(time.sleep, [0.1] * options.optuna_workers)  # they are up
        start = time.monotonic()
        waits = pool.starmap(optuna_worker,
                             [(make_storage, share)] * options.optuna_workers,
                             chunksize=1)
        seconds = time.monotonic() - start
    flat = sorted(wait for waits_of_one in waits for wait in waits_of_one)
    return {"trials_per_second": len(flat) / seconds,
            "p50_ms": 1000 * flat[len(flat) // 2],
            "p99_ms": 1000 * flat[int(len(flat) * 0.99)]}


def compare_with_optuna(options):
    import optuna
    print(f"\nOptuna {optuna.__version__}, {options.optuna_workers} processes, "
          f"{options.optuna_trials} trials, random search")
    with tempfile.TemporaryDirectory() as folder:
        print_optuna("SQLite file", measure_optuna(RdbStorage(folder), options))
    with tempfile.TemporaryDirectory() as folder:
        port = free_port()
        rdb = RdbStorage(folder)
        rdb()  # makes the tables
        context = multiprocessing.get_context("spawn")
        server = context.Process(target=serve_optuna, args=(rdb, port))
        server.start()
        try:
            print_optuna("gRPC to a server with SQLite",
                         measure_optuna(GrpcStorage(port), options))
        finally:
            server.kill()


def print_optuna(name, report):
    print(f"| {name} | {report['trials_per_second']:.0f} trials/s | ask p50 "
          f"{report['p50_ms']:.1f} ms, p99 {report['p99_ms']:.1f} ms |")


def compare_with_ray(options):
    import ray
    from ray import tune

    def trial(config):
        return {"score": config["learning_rate"]}

    # More of its processes than cores, as of Optuna's: they only wait.
    ray.init(num_cpus=options.optuna_workers, include_dashboard=False,
             logging_level="ERROR", log_to_driver=False)
    with tempfile.TemporaryDirectory() as folder:
        tuner = tune.Tuner(
            trial, param_space={"learning_rate": tune.uniform(0, 1)},
            tune_config=tune.TuneConfig(
                num_samples=options.ray_trials, reuse_actors=True,
                max_concurrent_trials=options.optuna_workers),
            run_config=tune.RunConfig(storage_path=folder, verbose=0))
        start = time.monotonic()
        results = tuner.fit()
        seconds = time.monotonic() - start
    done = len(results) - results.num_errors
    ray.shutdown()
    print(f"\nRay Tune {ray.__version__}, {options.optuna_workers} processes, "
          f"{done} trials, random search\n"
          f"| its own storage | {done / seconds:.1f} trials/s |")


def threads_of_this_process():
    return set(os.listdir("/proc/self/task"))


def no_op_job(tasks, folder):
    import hyperqueue
    job = hyperqueue.Job(default_workdir=folder)
    for _ in range(tasks):
        job.program(["true"], stdout=None, stderr=None)
    return job


def hyperqueue_cluster(workers, tasks):
    """A cluster in this process, which runs a process for each task."""
    # What it prints itself is no part of the table.
    os.environ["TQDM_DISABLE"] = "1"
    os.dup2(os.open(os.devnull, os.O_WRONLY), 1)
    import hyperqueue
    from hyperqueue.cluster import WorkerConfig

    others = threads_of_this_process()
    with (tempfile.TemporaryDirectory() as folder,
          hyperqueue.LocalCluster(server_dir=folder) as cluster):
        server = threads_of_this_process() - others
        for _ in range(workers):
            cluster.start_worker(WorkerConfig(cores=1))
        job = no_op_job(tasks, folder)
        client = cluster.client()
        before = memory_mib("self", "VmRSS")
        start = time.monotonic()
        client.wait_for_jobs([client.submit(job)])  # asks once a second
        seconds = time.monotonic() - start
        server_seconds = sum(cpu_seconds(f"self/task/{thread}")
                             for thread in server)
        return {"tasks_per_second": tasks / seconds,
                "server_us": 1e6 * server_seconds / tasks,
                "memory_before_mib": before,
                "memory_peak_mib": memory_mib("self", "VmHWM")}


def processes_per_second(at_once, count):
    """How fast this machine starts the processes that HyperQueue's tasks are."""
    start = time.monotonic()
    subprocess.run(["xargs", "-P", str(at_once), "-n", "1", "true"], check=True,
                   input="\n".join(map(str, range(count))), text=True)
    return count / (time.monotonic() - start)


def compare_with_hyperqueue(options):
    try:
        from hyperqueue import get_version
    except ImportError:
        print("\nHyperQueue is not installed: left out")
        return
    workers, tasks = options.optuna_workers, options.hyperqueue_tasks
    with multiprocessing.get_context("spawn").Pool(1) as pool:
        report = pool.apply(hyperqueue_cluster, (workers, tasks))
    print(f"\nHyperQueue {get_version()}, {workers} workers, {tasks} tasks, "
          "a process for each")
    print("| a local cluster, no journal | {tasks_per_second:.0f} tasks/s | "
          "server's CPU time a task {server_us:.0f} µs | memory before, peak, with "
          "its workers {memory_before_mib:.0f}, {memory_peak_mib:.0f} MiB |".format(**report))
    print(f"| the processes alone, by xargs | "
          f"{processes_per_second(workers, tasks):.0f} processes/s |")


def print_dfsweep(report):
    if report["errors"]:
        print(f"{report['errors']} errors, the first: {report['first_error']}")
    print(f"dfsweep, {report['workers']} workers, {report['trials']} trials")
    for what, value in [
            ("trials/s", f"{report['trials_per_second']:.0f}"),
            ("lease p50, p99, longest",
             "{p50_ms:.1f} ms, {p99_ms:.1f} ms, {max_ms:.1f} ms".format(**report["lease"])),
            ("completion p50, p99", "{p50_ms:.1f} ms, {p99_ms:.1f} ms".format(**report["completion"])),
            ("coordinator's CPU time a trial",
             f"{1e6 * report['cpu_seconds'] / report['trials']:.0f} µs"),
            ("watchers", report["watchers"]),
            *((f"{command}, asked meanwhile", count)
              for command, count in report["meanwhile"].items()),
            ("memory before, after, peak, peak with results",
             "{memory_before_mib:.0f}, {memory_mib:.0f}, {memory_peak_mib:.0f}, "
             "{memory_results_mib:.0f} MiB".format(**report)),
            ("store before, after",
             "{store_before_mib:.1f}, {store_mib:.1f} MiB".format(**report)),
            ("submit", f"{report['submit_seconds']:.2f} s"),
            ("status", f"{report['status_seconds']:.2f} s"),
            ("results, the table", f"{report['table_seconds']:.2f} s"),
            ("results, all rows as CSV", f"{report['csv_seconds']:.2f} s"),
            ("results, all rows as JSONL", f"{report['rows_seconds']:.2f} s"),
            ("results, all rows as JSON", f"{report['json_seconds']:.2f} s")]:
        print(f"| {what} | {value} |")


def main():
    options = arguments()
    with tempfile.TemporaryDirectory() as folder:
        print_dfsweep(measure_dfsweep(options, pathlib.Path(folder)))
    if not options.no_peers:
        compare_with_optuna(options)
        compare_with_ray(options)
        compare_with_hyperqueue(options)


if __name__ == "__main__":
    main()
