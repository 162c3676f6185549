#include "coordinator/results/curve_writer.h"

#include "base/json_text.h"

namespace dfsweep::coordinator {
namespace {

constexpr std::string_view kEpoch = "epoch";
constexpr std::string_view kTask = "task";
constexpr std::string_view kBehindAll = "\xff";

}  // namespace

void CurveWriter::Add(std::string& curve, int64_t task, int64_t epoch,
                      std::string_view name, double value) {
  if (&curve != curve_ || task != task_ || epoch != epoch_) {
    BeginPoint(curve, task, epoch);
  }
  AddPlace(name);
  AddName(name);
  AppendJson(value, *curve_);
}

void CurveWriter::BeginPoint(std::string& curve, int64_t task, int64_t epoch) {
  if (&curve == curve_) {
    EndPoint();
    *curve_ += ',';
  } else {
    EndCurve();
    curve_ = &curve;
    *curve_ = "[";
  }
  *curve_ += '{';
  task_ = task;
  epoch_ = epoch;
  has_epoch_ = has_task_ = false;
}

void CurveWriter::AddPlace(std::string_view name) {
  if (!has_epoch_ && kEpoch < name) {
    AddName(kEpoch);
    *curve_ += std::to_string(epoch_);
    has_epoch_ = true;
  }
  if (!has_task_ && kTask < name) {
    AddName(kTask);
    *curve_ += std::to_string(task_);
    has_task_ = true;
  }
}

void CurveWriter::AddName(std::string_view name) {
  if (curve_->back() != '{') *curve_ += ',';
  AppendJson(name, *curve_);
  *curve_ += ':';
}

void CurveWriter::EndPoint() {
  AddPlace(kBehindAll);
  *curve_ += '}';
}

void CurveWriter::EndCurve() {
  if (curve_ == nullptr) return;
  EndPoint();
  *curve_ += ']';
}

}  // namespace dfsweep::coordinator
