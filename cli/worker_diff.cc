#include "cli/worker_diff.h"

#include <fmt/format.h>
#include <string.h>

#include <utility>

#include "base/display_text.h"
#include "cli/text.h"

namespace dfsweep::cli {
namespace {

constexpr char kSetUp[] =
    "run ./deploy/setup.sh from the same commit on both: it installs the one "
    "LibTorch wheel that dfsweep is made for, with its CUDA and cuDNN";

std::string Or(const std::string& text, const char* otherwise) {
  return text.empty() ? otherwise : Printable(text);
}

// Which of two versions is older, part by part ("2.9" before "2.10").
bool IsOlder(const std::string& a, const std::string& b) {
  return ::strverscmp(a.c_str(), b.c_str()) < 0;
}

class Comparison {
 public:
  Comparison(const v1::Worker& a, const v1::Worker& b) : a_(a), b_(b) {}

  void Compare(const std::string& what, const std::string& a,
               const std::string& b, bool changes_numbers,
               const std::string& remedy) {
    if (a == b) return;
    differences_.push_back(
        {what, Or(a, "none"), Or(b, "none"), changes_numbers, remedy});
  }
  // Of the one that is behind.
  std::string Older(const std::string& a, const std::string& b) const {
    return Printable(IsOlder(a, b) ? a_.name() : b_.name());
  }
  std::vector<WorkerDifference> Take() { return std::move(differences_); }

 private:
  const v1::Worker& a_;
  const v1::Worker& b_;
  std::vector<WorkerDifference> differences_;
};

void CompareSoftware(const v1::Environment& a, const v1::Environment& b,
                     Comparison& comparison) {
  comparison.Compare("torch", a.torch_version(), b.torch_version(), true,
                     kSetUp);
  comparison.Compare("CUDA", a.cuda_version(), b.cuda_version(), true, kSetUp);
  comparison.Compare("cuDNN", a.cudnn_version(), b.cudnn_version(), true,
                     kSetUp);
  comparison.Compare("dfsweep", a.build(), b.build(), true,
                     "git pull and ./deploy/quickstart.sh on both, then "
                     "restart dfsweep-worker");
}

void CompareHardware(const v1::Environment& a, const v1::Environment& b,
                     Comparison& comparison) {
  comparison.Compare("device", a.device(), b.device(), true,
                     "in `requires` of the sweep file, name one kind of "
                     "device");
  comparison.Compare("bf16", a.bf16() ? "yes" : "no", b.bf16() ? "yes" : "no",
                     true, "leave `precision` at fp32, in which both compute");
  comparison.Compare("card", a.device_name(), b.device_name(), true,
                     "cards of other names differ in the last digits: nothing "
                     "to install; results say which card they are from");
  if (a.device() == "cpu" && b.device() == "cpu") {
    comparison.Compare("CPU", a.cpu(), b.cpu(), true,
                       "CPUs differ in the last digits: nothing to install");
    comparison.Compare("threads", std::to_string(a.threads()),
                       std::to_string(b.threads()), true,
                       "start both with the same --trainer-threads");
  }
}

void CompareProbes(const v1::Worker& a, const v1::Worker& b,
                   Comparison& comparison) {
  if (!a.has_probe() || !b.has_probe()) return;
  const bool is_same_card =
      a.environment().device_name() == b.environment().device_name();
  comparison.Compare("probe", a.probe().digest().substr(0, 16),
                     b.probe().digest().substr(0, 16), is_same_card,
                     is_same_card
                         ? "align what else differs; if nothing does, `dfsweep "
                           "doctor` on both: one of them computes wrongly"
                         : "");
  comparison.Compare(
      "speed", fmt::format("{:.0f}/s", a.probe().samples_per_second()),
      fmt::format("{:.0f}/s", b.probe().samples_per_second()), false, "");
}

void CompareTheRest(const v1::Environment& a, const v1::Environment& b,
                    Comparison& comparison) {
  comparison.Compare(
      "driver", a.driver_version(), b.driver_version(), false,
      fmt::format("update NVIDIA's driver on {} (in Windows, if it is WSL2)",
                  comparison.Older(a.driver_version(), b.driver_version())));
  comparison.Compare("memory", BytesText(a.device_memory_bytes()),
                     BytesText(b.device_memory_bytes()), false, "");
  comparison.Compare("system", a.os(), b.os(), false, "");
}

}  // namespace

std::vector<WorkerDifference> DifferencesBetween(const v1::Worker& a,
                                                 const v1::Worker& b) {
  Comparison comparison(a, b);
  CompareSoftware(a.environment(), b.environment(), comparison);
  CompareHardware(a.environment(), b.environment(), comparison);
  CompareProbes(a, b, comparison);
  CompareTheRest(a.environment(), b.environment(), comparison);
  return comparison.Take();
}

}  // namespace dfsweep::cli
