#include "worker/agent.h"

#include <spdlog/spdlog.h>

#include <algorithm>
#include <cstdlib>
#include <utility>

#include "base/digest.h"
#include "worker/devices.h"
#include "worker/probe.h"

namespace dfsweep::worker {
namespace {

// What trainers get beside this worker's own environment.
std::vector<std::string> TrainerEnvironment(const std::string& devices) {
  std::vector<std::string> environment;
  if (devices == "cpu") environment.push_back("CUDA_VISIBLE_DEVICES=");
  // So that cuda:1 is the card that the driver, too, has as number 1.
  environment.push_back("CUDA_DEVICE_ORDER=PCI_BUS_ID");
  // Threads wait for one another at each of a hundred loops a step, and by
  // default spin for some milliseconds first: beside another program that takes
  // the processor from the very thread that is waited for. 6,000 times is about
  // a tenth of one, longer than most waits on an idle machine. What the owner
  // has set is left alone.
  if (std::getenv("GOMP_SPINCOUNT") == nullptr &&
      std::getenv("OMP_WAIT_POLICY") == nullptr) {
    environment.push_back("GOMP_SPINCOUNT=6000");
  }
  return environment;
}

}  // namespace

Agent::Agent(AgentOptions options, StateFolder state, const Clock& clock)
    : options_(std::move(options)),
      state_(std::move(state)),
      clock_(clock),
      incarnation_(RandomHex(16)),
      link_(clock),
      client_(options_.coordinator),
      spool_(state_.spool()),
      delivery_(state_.worker_id(), options_.backoff, spool_, client_, link_,
                attempts_),
      progress_(state_.worker_id(), incarnation_, options_.progress_interval,
                clock_, client_, link_, attempts_),
      room_(options_.free_disk ? options_.free_disk
                               : FreeBytesOf(state_.datasets()),
            clock),
      datasets_({.folder = state_.datasets(),
                 .worker_id = state_.worker_id(),
                 .backoff = options_.backoff,
                 .make_room_elsewhere =
                     [this](int64_t bytes) { checkpoints_.MakeRoom(bytes); }},
                room_, client_, link_),
      checkpoints_({.folder = state_.checkpoints(),
                    .worker_id = state_.worker_id(),
                    .limit_bytes = options_.checkpoints.limit_bytes,
                    .interval = options_.checkpoints.interval,
                    .travel = options_.checkpoints.travel},
                   room_, client_),
      sender_(state_.worker_id(), options_.backoff, checkpoints_, client_,
              link_),
      context_{.worker_id = state_.worker_id(),
               .incarnation = incarnation_,
               .lease_wait = options_.lease_wait,
               .backoff = options_.backoff,
               .client = client_,
               .link = link_,
               .attempts = attempts_,
               .datasets = datasets_,
               .checkpoints = checkpoints_,
               .sender = sender_,
               .room = room_,
               .progress = progress_,
               .delivery = delivery_,
               .memory_for = [this](const std::string& device, pid_t trainer) {
                 return machine_->MemoryFor(device, trainer);
               }} {}

Agent::~Agent() = default;

void Agent::Stop() {
  stop_ = true;
  link_.Stop();
  client_.InterruptHeartbeat();
  client_.InterruptLeases();
  attempts_.StopAll();
}

void Agent::Resumed() {
  link_.RegisterAgain();
  client_.InterruptHeartbeat();
}

// The first slot's trainer tells what this machine computes with.
absl::Status Agent::MakeSlots() {
  TrainerProcess::Options trainer = options_.trainer;
  trainer.log = state_.log_of_slot(0);
  for (std::string& setting : TrainerEnvironment(options_.devices)) {
    trainer.extra_environment.push_back(std::move(setting));
  }
  TrainerProcess probe(trainer);
  DFSWEEP_RETURN_IF_ERROR(probe.Start(stop_));
  environment_ = probe.environment();
  environment_.set_os(OperatingSystem());

  bool has_cuda = environment_.device() == "cuda";
  std::string wanted = !options_.devices.empty() ? options_.devices
                       : has_cuda                ? "cuda"
                                                 : "cpu";
  DFSWEEP_ASSIGN_OR_RETURN(
      std::vector<std::string> devices,
      ParseDevices(wanted, has_cuda ? CountCudaDevices() : 0));
  std::vector<std::string> dealt = DealSlots(devices, options_.slots);
  machine_ =
      std::make_unique<MachineWatch>(options_.machine, dealt, room_, clock_);
  int count = static_cast<int>(dealt.size());
  int cores = static_cast<int>(std::thread::hardware_concurrency());
  int threads = options_.trainer_threads > 0 ? options_.trainer_threads
                                             : std::max(1, cores / count);
  environment_.set_threads(threads);
  LookAtMachine();  // before the probe, and before any work is asked for
  probe_ = MakeProbe(trainer, dealt[0]);
  for (int i = 0; i < count; ++i) {
    trainer.log = state_.log_of_slot(i);
    slots_.push_back(std::make_unique<Slot>(
        i, dealt[i], threads,
        i == 0 ? std::move(probe) : TrainerProcess(trainer), context_));
  }
  spdlog::info("{} slot(s) on {} ({}), {} thread(s) each", count, wanted,
               environment_.device_name(), threads);
  return absl::OkStatus();
}

std::optional<v1::Probe> Agent::MakeProbe(
    const TrainerProcess::Options& trainer, const std::string& device) {
  if (!options_.makes_probe || !machine_->PauseReason().empty()) return {};
  absl::StatusOr<v1::Probe> probe =
      RunProbe(trainer, device, environment_.threads(), stop_);
  if (probe.ok()) return *std::move(probe);
  if (!stop_) {
    spdlog::warn("no probe: {}", PartsOf(MessageOf(probe.status())).what);
  }
  return {};
}

absl::Status Agent::Run() {
  absl::Status status = MakeSlots();
  if (absl::IsCancelled(status)) return absl::OkStatus();
  if (!status.ok()) return status;
  return Work();
}

absl::Status Agent::Work() {
  delivery_.LoadSpool();
  Heartbeat heartbeat({.worker_id = state_.worker_id(),
                       .incarnation = incarnation_,
                       .name = options_.name,
                       .slots = static_cast<int>(slots_.size()),
                       .environment = environment_,
                       .probe = probe_},
                      options_.backoff, *machine_, client_, link_, attempts_);
  std::thread watching([this] { WatchMachine(); });
  std::thread delivering([this] { delivery_.Run(); });
  std::thread reporting([this] { progress_.Run(); });
  std::thread sending([this] { sender_.Run(); });
  std::vector<std::thread> working;
  for (auto& slot : slots_) {
    working.emplace_back([&slot] { slot->Run(); });
  }

  absl::Status status = heartbeat.Run();
  Stop();  // also when the coordinator refuses this worker
  // A slot needs a second to end its trainer; the rest is for delivery.
  for (std::thread& thread : working) thread.join();
  delivery_.Finish(options_.farewell);
  sender_.Finish(options_.farewell);
  if (status.ok()) heartbeat.SayGoodbye();
  client_.Close();
  delivering.join();
  sending.join();
  reporting.join();
  watching.join();
  return status;
}

void Agent::WatchMachine() {
  while (!link_.AwaitStop(machine_->interval())) LookAtMachine();
}

void Agent::LookAtMachine() {
  datasets_.MakeRoom(0);
  if (!machine_->Look()) return;
  const std::string reason = machine_->PauseReason();
  link_.SetOwnPause(reason);
  if (!reason.empty()) {
    attempts_.HandBackAll();
    client_.InterruptLeases();
  }
  client_.InterruptHeartbeat();  // so that the coordinator learns it at once
}

}  // namespace dfsweep::worker
