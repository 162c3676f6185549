// Names of the JSON lines between worker and trainer; PROTOCOL.md explains
// them. Free of LibTorch and Abseil, so that both sides include it.
#ifndef DFSWEEP_MODEL_PROTOCOL_PROTOCOL_H_
#define DFSWEEP_MODEL_PROTOCOL_PROTOCOL_H_

#include <cstddef>

namespace dfsweep::protocol {

inline constexpr int kVersion = 1;
inline constexpr size_t kMaxLineBytes = 4u << 20;

// What a confusion matrix may have, so that with all else of a result it fits a
// line: its entries take at most 1.2 MB.
inline constexpr size_t kMaxConfusionLabels = 10'000;
inline constexpr size_t kMaxConfusionEntries = 50'000;
inline constexpr size_t kMaxOpenWorldPoints = 100;

namespace command {
inline constexpr char kRun[] = "run";
inline constexpr char kCancel[] = "cancel";
}  // namespace command

namespace event {
inline constexpr char kReady[] = "ready";
inline constexpr char kStarted[] = "started";
inline constexpr char kEpoch[] = "epoch";
inline constexpr char kEvaluation[] = "evaluation";
inline constexpr char kCheckpoint[] = "checkpoint";
inline constexpr char kLog[] = "log";
inline constexpr char kResult[] = "result";
inline constexpr char kFailed[] = "failed";
inline constexpr char kCancelled[] = "cancelled";
}  // namespace event

namespace cause {
inline constexpr char kBadConfig[] = "bad_config";
inline constexpr char kData[] = "data";
inline constexpr char kOutOfMemory[] = "oom";
inline constexpr char kEnvironment[] = "environment";
inline constexpr char kCrash[] = "crash";
}  // namespace cause

enum ExitCode {
  kExitDone = 0,
  kExitUsage = 2,
  kExitBadConfig = 64,
  kExitData = 65,
  kExitOutOfMemory = 66,
  kExitEnvironment = 67,
  kExitCrash = 70,
  kExitInterrupted = 130,
};

}  // namespace dfsweep::protocol

#endif  // DFSWEEP_MODEL_PROTOCOL_PROTOCOL_H_
