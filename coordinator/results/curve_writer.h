#ifndef DFSWEEP_COORDINATOR_RESULTS_CURVE_WRITER_H_
#define DFSWEEP_COORDINATOR_RESULTS_CURVE_WRITER_H_

#include <cstdint>
#include <string>
#include <string_view>

namespace dfsweep::coordinator {

// Writes learning curves as JSON (ResultRow::learning_curve), value by value:
// [{"epoch":0,"loss":2.5,"task":0},…], a point's members ordered by name. As
// JSON values the curves of a large sweep took ten times the memory.
class CurveWriter {
 public:
  CurveWriter() = default;
  CurveWriter(const CurveWriter&) = delete;
  CurveWriter& operator=(const CurveWriter&) = delete;
  ~CurveWriter() { EndCurve(); }

  // Adds to `curve`, which is complete once another one is added to or the
  // writer is gone, and until then must stay where it is. Values come in the
  // order of curve, task, epoch and name.
  void Add(std::string& curve, int64_t task, int64_t epoch,
           std::string_view name, double value);

 private:
  void BeginPoint(std::string& curve, int64_t task, int64_t epoch);
  // Those of "epoch" and "task" that come before `name` and are not there yet.
  void AddPlace(std::string_view name);
  void AddName(std::string_view name);
  void EndPoint();
  void EndCurve();

  std::string* curve_ = nullptr;
  int64_t task_ = 0;
  int64_t epoch_ = 0;
  bool has_epoch_ = false;  // in the point
  bool has_task_ = false;
};

}  // namespace dfsweep::coordinator

#endif  // DFSWEEP_COORDINATOR_RESULTS_CURVE_WRITER_H_
