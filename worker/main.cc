// dfsweep-worker: the daemon of a machine that trains. --help has the usage.
#include <poll.h>
#include <spdlog/spdlog.h>
#include <sys/eventfd.h>
#include <unistd.h>

#include <CLI/CLI.hpp>
#include <chrono>
#include <cstdio>
#include <string>
#include <thread>

#include "base/build_id.h"
#include "base/clock.h"
#include "base/files.h"
#include "base/log.h"
#include "base/stop_signals.h"
#include "base/usage.h"
#include "base/version.h"
#include "proto/endpoint.h"
#include "worker/agent.h"
#include "worker/install.h"
#include "worker/join.h"
#include "worker/suspend_watch.h"

namespace dfsweep::worker {
namespace {

constexpr int kExitFailed = 2;
constexpr absl::Duration kNoticedSleep = absl::Seconds(30);
constexpr int kTickMs = 1000;

std::string HostName() {
  char name[256] = {};
  return ::gethostname(name, sizeof name - 1) == 0 ? name : "worker";
}

struct CommandLine {
  AgentOptions agent;
  std::string coordinator;  // "": the one that was joined
  std::string state;
  Invitation invitation;    // of `join`
  bool install = false;     // of `join`
  double hang_after = 300;  // seconds
  std::string quiet_hours;
  double yield_gpu_gib = 1;
  bool no_probe = false;
  double checkpoint_gib = 20;
  double checkpoint_minutes = 5;
  bool keep_checkpoints_here = false;
  bool exit_with_stdin = false;
};

// When this machine is left to its owner.
void AddManners(CLI::App& app, CommandLine& line) {
  MachineWatch::Options& machine = line.agent.machine;
  app.add_option("--allow-battery", machine.manners.battery_floor_percent,
                 "Train on battery, too, while more than PERCENT are left "
                 "(default: not at all)")
      ->check(CLI::Range(0, 100))
      ->type_name("PERCENT");
  app.add_option("--quiet-hours", line.quiet_hours,
                 "Local times without training, as in 08:00-12:00,13:00-18:00 "
                 "or 22:00-07:00")
      ->check([](const std::string& spans) {
        auto hours = QuietHours::Parse(spans);
        return hours.ok() ? "" : PartsOf(MessageOf(hours.status())).what;
      })
      ->type_name("SPANS");
  app.add_option("--pause-above", machine.manners.pause_above_celsius,
                 "Pause while a GPU is hotter than this; 0: never")
      ->check(CLI::Range(0, 150))
      ->type_name("CELSIUS")
      ->capture_default_str();
  app.add_option("--yield-gpu-gib", line.yield_gpu_gib,
                 "Pause while other programs use this much memory of a GPU; 0: "
                 "never")
      ->check(CLI::Range(0.0, 1e6))
      ->type_name("GIB")
      ->capture_default_str();
  app.add_option("--sys", machine.sys, "Where the kernel shows the battery")
      ->type_name("DIR")
      ->capture_default_str();
  app.add_option("--nvml", machine.nvml_library,
                 "NVIDIA's management library (default: the driver's)")
      ->type_name("FILE");
}

void AddOptions(CLI::App& app, CommandLine& line) {
  line.agent.name = HostName();
  line.agent.trainer.program = ProgramFolder() / "dfsweep-trainer";
  app.add_option("--coordinator", line.coordinator,
                 "Where the coordinator listens (or DFSWEEP_COORDINATOR; "
                 "default: the one that was joined)")
      ->envname("DFSWEEP_COORDINATOR")
      ->type_name("HOST:PORT");
  app.add_option("--name", line.agent.name, "Name for people")
      ->check([](const std::string& name) {
        bool valid = !name.empty() && name.size() <= 128 && name[0] != '.' &&
                     name.find_first_not_of(
                         "ABCDEFGHIJKLMNOPQRSTUVWXYZabcdefghijklmnopqrstuvwxyz"
                         "0123456789._-") == std::string::npos;
        return valid ? "" : "use at most 128 characters of A-Z a-z 0-9 . _ -";
      })
      ->capture_default_str();
  app.add_option("--slots", line.agent.slots,
                 "Trials at the same time, dealt to the devices in turn "
                 "(default: one a device)")
      ->check(CLI::Range(1, 64));
  app.add_option("--devices", line.agent.devices,
                 "cpu, cuda or cuda:0,1 (default: every CUDA device, else the "
                 "CPU)");
  app.add_option("--trainer-threads", line.agent.trainer_threads,
                 "CPU threads of a trainer (default: cores / slots)")
      ->check(CLI::Range(1, 1024));
  app.add_option(
      "--state", line.state,
      "Folder for results not yet delivered, datasets, checkpoints and logs "
      "(default: ~/.local/state/dfsweep/NAME)");
  app.add_option("--trainer", line.agent.trainer.program,
                 "The trainer program (default: beside this one)");
  app.add_option("--hang-after", line.hang_after,
                 "Seconds of silence after which a trainer counts as hanging; "
                 "ten of its epochs if that is longer")
      ->check(CLI::Range(1.0, 1e6))
      ->capture_default_str();
  app.add_option("--checkpoint-gib", line.checkpoint_gib,
                 "Disk space for checkpoints, by which a trial that was "
                 "stopped goes on and trials share stages; 0 keeps none")
      ->check(CLI::Range(0.0, 1e6))
      ->capture_default_str();
  app.add_option("--checkpoint-minutes", line.checkpoint_minutes,
                 "How often a trial is saved within a task")
      ->check(CLI::Range(0.0, 1e6))
      ->capture_default_str();
  app.add_flag("--keep-checkpoints-here", line.keep_checkpoints_here,
               "Neither send checkpoints to the coordinator nor fetch them");
  AddManners(app, line);
  app.add_flag("--no-probe", line.no_probe,
               "Don't compare this machine's numbers with the others'");
  app.add_flag("--exit-with-stdin", line.exit_with_stdin,
               "Stop when standard input ends");
  app.set_version_flag("--version", std::string("dfsweep-worker ") + kVersion +
                                        " (" + BuildId() + ")");
}

void AddJoin(CLI::App& app, CommandLine& line) {
  CLI::App* join = app.add_subcommand(
      "join", "Be let in by a coordinator, once; then work for it");
  join->fallthrough();  // the options above may follow, and are remembered
  join->add_option("ADDRESS", line.invitation.address, "HOST:PORT")
      ->required()
      ->type_name("");
  join->add_option("--token", line.invitation.token,
                   "From `dfsweep token create --worker`")
      ->required()
      ->type_name("TOKEN");
  join->add_option("--ca-fingerprint", line.invitation.fingerprint,
                   "Of the coordinator's certificate authority")
      ->required()
      ->type_name("sha256:HEX");
  join->add_flag("--install", line.install,
                 "Make it a service that starts with this machine (systemd)");
}

// The options that were given, for the file that --config reads.
std::string ConfigurationOf(const CLI::App& app) {
  std::string text = "# Written by `dfsweep-worker join`.\n";
  for (const CLI::Option* option : app.get_options()) {
    const std::string name = option->get_single_name();
    if (option->count() == 0 || name == "config" || name == "coordinator") {
      continue;
    }
    text += name + " = \"" + option->results().front() + "\"\n";
  }
  return text;
}

std::filesystem::path ConfigurationPath(const CLI::App& app) {
  const CLI::Option* config = app.get_config_ptr();
  return config->count() > 0 ? config->results().front()
                             : rpc::ConfigurationFile("worker.toml").string();
}

// Returns when `done` is readable. The first signal, or the end of standard
// input, stops the agent; a second signal ends the process at once (its
// trainers see their input end).
void Attend(Agent& agent, StopSignals& signals, int done,
            bool exit_with_stdin) {
  SuspendWatch sleep([] { return Clock::Real().Elapsed(); },
                     [] {
                       return absl::FromChrono(
                           std::chrono::steady_clock::now().time_since_epoch());
                     });
  bool stopping = false;
  auto stop = [&](const char* why) {
    if (!stopping) spdlog::info("stopping: {}", why);
    stopping = true;
    agent.Stop();
  };
  pollfd events[] = {{done, POLLIN, 0},
                     {signals.descriptor(), POLLIN, 0},
                     {exit_with_stdin ? STDIN_FILENO : -1, POLLIN, 0}};
  while (true) {
    ::poll(events, 3, kTickMs);
    if (events[0].revents != 0) return;
    if (int signal = signals.Take(); signal != 0) {
      if (stopping) ::_exit(128 + signal);
      stop("a signal; a second one ends it at once");
    }
    if (events[2].revents != 0 && InputHasEnded()) {
      events[2].fd = -1;
      stop("standard input has ended");
    }
    absl::Duration slept = sleep.SleptSinceLastCall();
    if (slept > kNoticedSleep) {
      spdlog::info("the machine slept for {}",
                   absl::FormatDuration(absl::Trunc(slept, absl::Seconds(1))));
      agent.Resumed();
    }
  }
}

absl::StatusOr<StateFolder> OpenState(const CommandLine& line) {
  return StateFolder::Open(line.state.empty()
                               ? StateFolder::DefaultPath(line.agent.name)
                               : std::filesystem::path(line.state));
}

absl::Status Serve(const CommandLine& line, StateFolder state,
                   StopSignals& signals) {
  AgentOptions options = line.agent;
  options.trainer.hang_limit = absl::Seconds(line.hang_after);
  options.checkpoints.limit_bytes =
      static_cast<int64_t>(line.checkpoint_gib * (1 << 30));
  options.checkpoints.interval = absl::Minutes(line.checkpoint_minutes);
  options.checkpoints.travel = !line.keep_checkpoints_here;
  options.makes_probe = !line.no_probe;
  DFSWEEP_ASSIGN_OR_RETURN(options.machine.manners.quiet_hours,
                           QuietHours::Parse(line.quiet_hours));
  options.machine.manners.yield_bytes =
      static_cast<int64_t>(line.yield_gpu_gib * (1 << 30));
  DFSWEEP_ASSIGN_OR_RETURN(options.coordinator,
                           CoordinatorOf(line.coordinator, state));
  Agent agent(options, std::move(state), Clock::Real());
  int done = ::eventfd(0, EFD_CLOEXEC);
  absl::Status status;
  std::thread running([&] {
    status = agent.Run();
    ::eventfd_write(done, 1);
  });
  Attend(agent, signals, done, line.exit_with_stdin);
  running.join();
  ::close(done);
  return status;
}

// Lets this machine in and remembers its options; then serves, or has the
// service do so.
absl::Status JoinAndServe(const CLI::App& app, const CommandLine& line,
                          StopSignals& signals) {
  const std::filesystem::path configuration = ConfigurationPath(app);
  {
    DFSWEEP_ASSIGN_OR_RETURN(StateFolder state, OpenState(line));
    DFSWEEP_ASSIGN_OR_RETURN(rpc::Endpoint endpoint,
                             Join(line.invitation, line.agent.name, state));
    std::error_code error;
    std::filesystem::create_directories(configuration.parent_path(), error);
    DFSWEEP_RETURN_IF_ERROR(
        WriteFileDurably(configuration, ConfigurationOf(app), 0600));
    std::fprintf(stderr,
                 "%s has joined %s; from now on `dfsweep-worker` is enough\n",
                 line.agent.name.c_str(), endpoint.address.c_str());
    if (!line.install) return Serve(line, std::move(state), signals);
  }
  return InstallService(ProgramFolder() / "dfsweep-worker", configuration);
}

absl::Status Run(const CLI::App& app, const CommandLine& line,
                 StopSignals& signals) {
  if (app.got_subcommand("join")) return JoinAndServe(app, line, signals);
  DFSWEEP_ASSIGN_OR_RETURN(StateFolder state, OpenState(line));
  return Serve(line, std::move(state), signals);
}

int Main(int argc, char** argv) {
  CLI::App app("Trains what a dfsweep coordinator has to do.",
               "dfsweep-worker");
  CommandLine line;
  AddOptions(app, line);
  AddJoin(app, line);
  app.set_config("--config", rpc::ConfigurationFile("worker.toml").string(),
                 "Options from a file, which `join` writes");
  // A mistyped name there is a mistake as it is on the command line.
  app.allow_config_extras(CLI::config_extras_mode::error);
  if (auto ended = ParseOrExplain(app, argc, argv)) return *ended;
  StopSignals signals;  // before threads start: they inherit the mask
  StartLogging("worker");
  absl::Status status = Run(app, line, signals);
  if (status.ok()) return 0;
  std::fputs(FormatForPerson(status).c_str(), stderr);
  return kExitFailed;
}

}  // namespace
}  // namespace dfsweep::worker

int main(int argc, char** argv) { return dfsweep::worker::Main(argc, argv); }
