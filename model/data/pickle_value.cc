#include "model/data/pickle_value.h"

#include <algorithm>
#include <limits>
#include <type_traits>

namespace dfsweep::data {
namespace {

using Type = PickleValue::Type;

// Places in PickleList::Items.
enum Width : size_t { kInt8, kInt16, kInt64, kDouble, kValues };

PickleValue Reference(Type type, size_t index) {
  PickleValue value;
  value.type = type;
  value.index = static_cast<uint32_t>(index);
  return value;
}

template <typename T>
bool Fits(int64_t value) {
  return value >= std::numeric_limits<T>::min() &&
         value <= std::numeric_limits<T>::max();
}

// The narrowest width that holds the value beside what has width `least`.
size_t WidthFor(const PickleValue& value, size_t least) {
  if (value.Is(Type::kReal)) return std::max<size_t>(least, kDouble);
  if (!value.Is(Type::kInteger)) return kValues;
  const size_t own = Fits<int8_t>(value.integer)    ? kInt8
                     : Fits<int16_t>(value.integer) ? kInt16
                                                    : kInt64;
  return std::max(least, own);
}

template <typename T>
T As(const PickleValue& value) {
  if constexpr (std::is_same_v<T, PickleValue>) {
    return value;
  } else {
    return static_cast<T>(value.Is(Type::kReal) ? value.real : value.integer);
  }
}

PickleValue ToValue(int64_t number) { return PickleValue::Integer(number); }
PickleValue ToValue(double number) { return PickleValue::Real(number); }
PickleValue ToValue(PickleValue value) { return value; }

template <typename To, typename From>
std::vector<To> Widened(const std::vector<From>& from) {
  if constexpr (std::is_same_v<To, PickleValue>) {
    std::vector<To> to;
    to.reserve(from.size());
    for (const From& item : from) {
      if constexpr (std::is_integral_v<From>) {
        to.push_back(ToValue(static_cast<int64_t>(item)));
      } else {
        to.push_back(ToValue(item));
      }
    }
    return to;
  } else if constexpr (std::is_same_v<From, PickleValue>) {
    return {};  // never narrows
  } else {
    return {from.begin(), from.end()};
  }
}

}  // namespace

int64_t PickleList::size() const {
  return std::visit([](const auto& items) -> int64_t { return items.size(); },
                    items_);
}

PickleValue PickleList::at(int64_t index) const {
  return std::visit(
      [&](const auto& items) {
        using T = std::decay_t<decltype(items[0])>;
        if constexpr (std::is_integral_v<T>) {
          return ToValue(static_cast<int64_t>(items[index]));
        } else {
          return ToValue(items[index]);
        }
      },
      items_);
}

void PickleList::WidenTo(size_t kind) {
  items_ = std::visit(
      [&](const auto& items) -> Items {
        switch (kind) {
          case kInt16:
            return Widened<int16_t>(items);
          case kInt64:
            return Widened<int64_t>(items);
          case kDouble:
            return Widened<double>(items);
          default:
            return Widened<PickleValue>(items);
        }
      },
      items_);
}

void PickleList::Append(const PickleValue* begin, const PickleValue* end) {
  size_t width = items_.index();
  for (const PickleValue* value = begin; value != end && width < kValues;
       ++value) {
    width = WidthFor(*value, width);
  }
  if (width != items_.index()) WidenTo(width);
  std::visit(
      [&](auto& items) {
        using T = typename std::decay_t<decltype(items)>::value_type;
        for (const PickleValue* value = begin; value != end; ++value) {
          items.push_back(As<T>(*value));
        }
      },
      items_);
}

int64_t PickleArray::Elements() const {
  int64_t product = 1;
  for (int64_t size : shape) product *= size;
  return product;
}

PickleValue PickleHeap::NewList(Type list_or_tuple) {
  lists_.emplace_back();
  return Reference(list_or_tuple, lists_.size() - 1);
}

PickleValue PickleHeap::NewArray() {
  arrays_.emplace_back();
  return Reference(Type::kArray, arrays_.size() - 1);
}

PickleValue PickleHeap::NewDtype(PickleDtype dtype) {
  dtypes_.push_back(dtype);
  return Reference(Type::kDtype, dtypes_.size() - 1);
}

PickleValue PickleHeap::NewString(Type text_or_bytes, std::string_view text) {
  strings_.push_back(text);
  return Reference(text_or_bytes, strings_.size() - 1);
}

PickleValue PickleHeap::NewOwnedString(Type text_or_bytes, std::string text) {
  owned_.push_back(std::move(text));
  return NewString(text_or_bytes, owned_.back());
}

}  // namespace dfsweep::data
