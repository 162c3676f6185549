#include "coordinator/results/curve_writer.h"

#include <gtest/gtest.h>

#include <vector>

namespace dfsweep::coordinator {
namespace {

TEST(CurveWriter, PointsHaveTheirMembersInTheOrderOfNames) {
  std::string curve = "[]";
  {
    CurveWriter writer;
    writer.Add(curve, 0, 0, "accuracy", 0.5);
    writer.Add(curve, 0, 0, "loss", 2);
    writer.Add(curve, 0, 0, "train_loss", 1.5);
    writer.Add(curve, 0, 1, "loss", 1);
    writer.Add(curve, 1, 1, "accuracy", 0.25);
  }
  EXPECT_EQ(curve, R"([{"accuracy":0.5,"epoch":0,"loss":2.0,"task":0,)"
                   R"("train_loss":1.5},{"epoch":1,"loss":1.0,"task":0},)"
                   R"({"accuracy":0.25,"epoch":1,"task":1}])");
}

TEST(CurveWriter, EveryCurveIsComplete) {
  std::vector<std::string> curves(3, "[]");
  {
    CurveWriter writer;
    writer.Add(curves[0], 0, 0, "loss", 2);
    writer.Add(curves[2], 0, 0, "loss", 1);
    EXPECT_EQ(curves[0], R"([{"epoch":0,"loss":2.0,"task":0}])");
  }
  EXPECT_EQ(curves[1], "[]");
  EXPECT_EQ(curves[2], R"([{"epoch":0,"loss":1.0,"task":0}])");
}

}  // namespace
}  // namespace dfsweep::coordinator
