#include "model/train/dataset_on_device.h"

#include <gtest/gtest.h>

#include <numeric>
#include <utility>

#include "model/data/representation.h"
#include "model/test_data.h"
#include "model/train/random.h"

namespace dfsweep::model {
namespace {

using config::Configuration;
using config::Json;
using data::Representation;

constexpr int64_t kLength = 40;

// Traces of random length with times, some of whose cells are zeros that are
// no padding.
data::Traces TimedTraces() {
  data::Traces traces = EasyTraces(3, 20, kLength);
  Stream stream(5, Purpose::kSplit);
  for (int64_t row = 0; row < traces.count; ++row) {
    const auto cells = static_cast<int64_t>(stream.Below(kLength + 1));
    for (int64_t i = 0; i < kLength; ++i) {
      int8_t& cell = traces.cells[row * kLength + i];
      if (i >= cells || stream.Below(8) == 0) cell = 0;
      traces.times.push_back(cell == 0 ? 0.0f
                                       : static_cast<float>(i) * .25f + row);
    }
  }
  return traces;
}

// What data::Represent makes of `rows`, [rows, length].
torch::Tensor Represented(const data::Dataset& dataset, Representation form,
                          const std::vector<int64_t>& rows, int64_t length) {
  torch::Tensor all =
      at::full({static_cast<int64_t>(rows.size()), length}, 99, at::kFloat);
  for (size_t i = 0; i < rows.size(); ++i) {
    data::Represent(
        form, dataset.row(rows[i]),
        dataset.times().subspan(rows[i] * kLength, kLength),
        {all.data_ptr<float>() + i * length, static_cast<size_t>(length)});
  }
  return all;
}

Configuration Of(Json config) {
  if (!config.contains("sequence_length")) config["sequence_length"] = 784;
  return Configuration(config);
}

// The error of asking for `config`, whose remedy must say something.
std::string ErrorOf(const data::Traces& traces, const Json& config) {
  DatasetFile file(traces);
  try {
    ChooseInputForm(data::Dataset(file.path()), Of(config));
  } catch (const config::Error& error) {
    EXPECT_NE(error.remedy(), "");
    return error.what_happened();
  }
  return "";
}

TEST(DatasetOnDevice, SeesTracesAsRepresentDoes) {
  DatasetFile file(TimedTraces());
  const data::Dataset dataset(file.path());
  std::vector<int64_t> rows(dataset.size());
  std::iota(rows.begin(), rows.end(), 0);
  std::swap(rows[3], rows[50]);  // not in the dataset's order
  for (auto [form, expected] :
       {std::pair{InputForm::kDirection, Representation::kDirection},
        std::pair{InputForm::kTimed, Representation::kTimed},
        std::pair{InputForm::kCumulative, Representation::kCumulative}}) {
    const DatasetOnDevice on_device(dataset, form, c10::kCPU);
    for (int64_t length : {16l, kLength, 64l}) {  // cut, as it is, padded
      SCOPED_TRACE(std::to_string(static_cast<int>(form)) + " at " +
                   std::to_string(length));
      const torch::Tensor inputs =
          on_device.Inputs(on_device.Rows(rows), length);
      EXPECT_TRUE(
          at::equal(inputs, Represented(dataset, expected, rows, length)));
    }
  }
}

TEST(DatasetOnDevice, PixelsAreFractions) {
  const data::Traces images = RandomImages(2, 3, 784);
  DatasetFile file(images);
  const data::Dataset dataset(file.path());
  const DatasetOnDevice on_device(dataset, InputForm::kPixels, c10::kCPU);
  const torch::Tensor inputs = on_device.Inputs(on_device.Rows({4, 1}), 784);
  ASSERT_EQ(inputs.sizes(), at::IntArrayRef({2, 784}));
  for (int64_t i : {0, 500, 783}) {
    EXPECT_FLOAT_EQ(inputs[0][i].item<float>(),
                    images.pixels[4 * 784 + i] / 255.f);
    EXPECT_FLOAT_EQ(inputs[1][i].item<float>(), images.pixels[784 + i] / 255.f);
  }
}

// The padding is black before it is normalised, and so not 0 after.
TEST(DatasetOnDevice, NormalisedPixelsStandInAFrame) {
  const data::Traces images = RandomImages(2, 3, 784);
  DatasetFile file(images);
  const data::Dataset dataset(file.path());
  const DatasetOnDevice on_device(dataset, InputForm::kNormalisedPixels,
                                  c10::kCPU);
  const torch::Tensor inputs =
      on_device.Inputs(on_device.Rows({4}), 1024).view({32, 32});
  for (auto [y, x] : {std::pair{0, 0}, std::pair{1, 9}, std::pair{30, 20},
                      std::pair{9, 1}, std::pair{20, 30}}) {
    EXPECT_NEAR(inputs[y][x].item<double>(), -.1 / .2752, 1e-6);
  }
  for (auto [y, x] : {std::pair{0, 0}, std::pair{27, 27}, std::pair{3, 20}}) {
    const double pixel = images.pixels[4 * 784 + y * 28 + x] / 255.;
    EXPECT_NEAR(inputs[y + 2][x + 2].item<double>(), (pixel - .1) / .2752,
                1e-5);
  }
}

TEST(ChooseInputForm, RefusesWhatImagesDoNotHave) {
  const data::Traces images = RandomImages(2, 3, 784);
  const Json mlp = {{"model", "mlp"}};
  auto with = [&](const char* name, const Json& value) {
    Json config = mlp;
    config[name] = value;
    return config;
  };
  EXPECT_EQ(ErrorOf(images, mlp), "");
  EXPECT_NE(ErrorOf(images, {{"model", "df"}}).find("model df"),
            std::string::npos);
  for (const char* form : {"timed", "cumulative"}) {
    EXPECT_NE(ErrorOf(images, with("data.representation", form))
                  .find("'data.representation'"),
              std::string::npos);
  }
  EXPECT_NE(ErrorOf(images, with("sequence_length", 783)).find("784 inputs"),
            std::string::npos);
}

TEST(ChooseInputForm, PaddedImagesMustBe28PixelsWide) {
  Json config = {{"model", "mlp"},
                 {"data.image_form", "padded_normalised"},
                 {"sequence_length", 1024}};
  EXPECT_EQ(ErrorOf(RandomImages(2, 3, 784), config), "");
  EXPECT_NE(ErrorOf(RandomImages(2, 3, 400), config).find("400 pixels"),
            std::string::npos);
  config["sequence_length"] = 784;
  EXPECT_NE(ErrorOf(RandomImages(2, 3, 784), config).find("1024 inputs"),
            std::string::npos);
}

TEST(ChooseInputForm, RefusesWhatTracesDoNotHave) {
  const data::Traces timed = TimedTraces();
  data::Traces untimed = timed;
  untimed.times.clear();
  const Json config = {{"data.representation", "timed"}};
  EXPECT_EQ(ErrorOf(timed, config), "");
  EXPECT_NE(ErrorOf(untimed, config).find("no times"), std::string::npos);
  EXPECT_NE(ErrorOf(timed, {{"data.image_form", "padded_normalised"}})
                .find("'data.image_form'"),
            std::string::npos);
}

TEST(DatasetCache, KeepsADatasetInOneFormOnly) {
  DatasetFile file(TimedTraces());
  DatasetCache cache;
  auto load = [&](const char* representation) {
    const Trial trial{
        .id = "",
        .dataset = file.path(),
        .dataset_digest = "digest",
        .configuration = Of({{"data.representation", representation}}),
        .seed = 0};
    const DatasetOnDevice& data = *cache.Load(trial, c10::kCPU).device;
    return std::pair{&data, data.Inputs(data.Rows({0, 1, 2}), kLength)};
  };
  auto [first, directions] = load("direction");
  EXPECT_EQ(load("direction").first, first);
  EXPECT_FALSE(at::equal(load("cumulative").second, directions));
  EXPECT_FALSE(at::equal(load("timed").second, directions));
  EXPECT_TRUE(at::equal(load("direction").second, directions));
}

}  // namespace
}  // namespace dfsweep::model
