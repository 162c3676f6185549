#include "model/train/dataset_on_device.h"

#include <algorithm>
#include <span>
#include <string>
#include <vector>

#include "model/protocol/protocol.h"
#include "model/train/failure.h"

namespace dfsweep::model {

namespace {

constexpr int64_t kImageSide = 28;
constexpr int64_t kPaddedSide = 32;
constexpr double kPixelMean = .1000, kPixelDeviation = .2752;

// A tensor over `values`, which nothing writes to: from_blob wants a mutable
// pointer.
template <typename T>
torch::Tensor View(std::span<const T> values, int64_t rows, int64_t width,
                   at::ScalarType type) {
  return at::from_blob(const_cast<T*>(values.data()), {rows, width}, type);
}

// Cells of each row before the padding, [n]. On the host: a device would need
// eight bytes a cell for it.
torch::Tensor TraceLengths(const data::Dataset& dataset) {
  std::vector<int64_t> lengths;
  lengths.reserve(dataset.size());
  for (int64_t index = 0; index < dataset.size(); ++index) {
    const std::span<const int8_t> row = dataset.row(index);
    const auto last = std::find_if(row.rbegin(), row.rend(),
                                   [](int8_t cell) { return cell != 0; });
    lengths.push_back(row.rend() - last);
  }
  return torch::tensor(lengths, at::kLong);
}

config::Error Unfit(const std::string& what, const std::string& remedy) {
  return config::Error(what, "", remedy);
}

InputForm ChooseImageForm(const data::Dataset& dataset,
                          const config::Configuration& configuration) {
  if (configuration.Choice("model") != "mlp") {
    throw Unfit("model df takes traces, but the dataset has images",
                "set model: mlp");
  }
  if (configuration.Choice("data.representation") != "direction") {
    throw Unfit(
        "'data.representation' is for traces, but the dataset has "
        "images",
        "leave it out");
  }
  const bool padded =
      configuration.Choice("data.image_form") == "padded_normalised";
  if (padded && dataset.length() != kImageSide * kImageSide) {
    throw Unfit(
        "'data.image_form' padded_normalised is for images of 28×28 "
        "pixels, but these have " +
            std::to_string(dataset.length()) + " pixels",
        "set data.image_form: raw");
  }
  const int64_t inputs = padded ? kPaddedSide * kPaddedSide : dataset.length();
  if (configuration.Integer("sequence_length") != inputs) {
    throw Unfit("an image is " + std::to_string(inputs) +
                    " inputs, but 'sequence_length' is " +
                    std::to_string(configuration.Integer("sequence_length")),
                "set sequence_length: " + std::to_string(inputs));
  }
  return padded ? InputForm::kNormalisedPixels : InputForm::kPixels;
}

}  // namespace

InputForm ChooseInputForm(const data::Dataset& dataset,
                          const config::Configuration& configuration) {
  if (dataset.kind() == data::Kind::kImages) {
    return ChooseImageForm(dataset, configuration);
  }
  if (configuration.Choice("data.image_form") != "raw") {
    throw Unfit("'data.image_form' is for images, but the dataset has traces",
                "leave it out");
  }
  const std::string name = configuration.Choice("data.representation");
  if (name == "cumulative") return InputForm::kCumulative;
  if (name != "timed") return InputForm::kDirection;
  if (dataset.times().empty()) {
    throw Unfit("'data.representation' is timed, but the dataset has no times",
                "import it from a source with times, or set "
                "data.representation: direction");
  }
  return InputForm::kTimed;
}

DatasetOnDevice::DatasetOnDevice(const data::Dataset& dataset, InputForm form,
                                 c10::Device device)
    : form_(form) {
  const int64_t rows = dataset.size(), width = dataset.length();
  if (dataset.kind() == data::Kind::kImages) {
    values_ = View(dataset.pixels(), rows, width, at::kByte).to(device);
    return;
  }
  values_ = View(dataset.cells(), rows, width, at::kChar).to(device);
  if (form == InputForm::kTimed) {
    values_ =
        values_ * View(dataset.times(), rows, width, at::kFloat).to(device);
  }
  if (form == InputForm::kCumulative) {
    lengths_ = TraceLengths(dataset).to(device);
  }
}

torch::Tensor DatasetOnDevice::Inputs(const torch::Tensor& rows,
                                      int64_t length) const {
  const int64_t present = std::min(length, values_.size(1));
  torch::Tensor inputs =
      Form(values_.narrow(1, 0, present).index_select(0, rows), rows);
  return inputs.size(1) < length
             ? at::constant_pad_nd(inputs, {0, length - inputs.size(1)})
             : inputs;
}

torch::Tensor DatasetOnDevice::Form(const torch::Tensor& values,
                                    const torch::Tensor& rows) const {
  switch (form_) {
    case InputForm::kDirection:
    case InputForm::kTimed:
      return values.to(at::kFloat);
    case InputForm::kCumulative: {
      // A zero between cells keeps the sum; only the padding is 0.
      const torch::Tensor inside =
          at::arange(values.size(1), lengths_.options()) <
          lengths_.index_select(0, rows).unsqueeze(1);
      return (values.cumsum(1, at::kInt) * inside).to(at::kFloat);
    }
    case InputForm::kPixels:
      return values.to(at::kFloat).div_(255);
    case InputForm::kNormalisedPixels: {
      const int64_t edge = (kPaddedSide - kImageSide) / 2;
      torch::Tensor padded = at::constant_pad_nd(
          values.view({-1, kImageSide, kImageSide}), {edge, edge, edge, edge});
      return padded.flatten(1)
          .to(at::kFloat)
          .div_(255)
          .sub_(kPixelMean)
          .div_(kPixelDeviation);
    }
  }
  return {};
}

torch::Tensor DatasetOnDevice::Rows(const std::vector<int64_t>& rows) const {
  return torch::tensor(rows, at::kLong).to(device());
}

const DatasetCache::Entry& DatasetCache::Load(const Trial& trial,
                                              c10::Device device) {
  std::string key = trial.dataset.string() + "\n" + trial.dataset_digest +
                    "\n" + device.str();
  for (const char* name :
       {"data.representation", "data.image_form", "data.open_world"}) {
    key += "\n" + trial.configuration.Choice(name);
  }
  // Without a digest the file may be another dataset since.
  if (key == key_ && !trial.dataset_digest.empty() &&
      entry_.host->IsUnchanged()) {
    ChooseInputForm(*entry_.host, trial.configuration);  // may still refuse
    return entry_;
  }
  key_.clear();
  entry_ = {};
  try {
    entry_.host = std::make_unique<data::Dataset>(
        trial.dataset,
        trial.configuration.Choice("data.open_world") == "two_class"
            ? data::Labels::kTwoClass
            : data::Labels::kSites);
  } catch (const config::Error& error) {
    throw Failure(protocol::cause::kData, error);
  }
  entry_.device = std::make_unique<DatasetOnDevice>(
      *entry_.host, ChooseInputForm(*entry_.host, trial.configuration), device);
  key_ = key;
  return entry_;
}

}  // namespace dfsweep::model
