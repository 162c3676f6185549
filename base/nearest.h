// What somebody meant who mistyped a name. A header by itself, of the standard
// library alone, so that model/ can use it where it is built alone.
#ifndef DFSWEEP_BASE_NEAREST_H_
#define DFSWEEP_BASE_NEAREST_H_

#include <algorithm>
#include <numeric>
#include <string>
#include <string_view>
#include <vector>

namespace dfsweep {

// Levenshtein's, with two rows.
inline int EditDistance(std::string_view a, std::string_view b) {
  std::vector<int> previous(b.size() + 1);
  std::iota(previous.begin(), previous.end(), 0);
  for (size_t i = 0; i < a.size(); ++i) {
    std::vector<int> row(b.size() + 1);
    row[0] = static_cast<int>(i) + 1;
    for (size_t j = 0; j < b.size(); ++j) {
      row[j + 1] = std::min({row[j] + 1, previous[j + 1] + 1,
                             previous[j] + (a[i] == b[j] ? 0 : 1)});
    }
    previous = row;
  }
  return previous.back();
}

// The candidate nearest to `name` by edit distance; "" if none is near enough
// to be what was meant.
inline std::string Nearest(std::string_view name,
                           const std::vector<std::string>& candidates) {
  // Beyond this length a name is no typing error, and comparing it is slow.
  constexpr size_t kLongestName = 100;
  if (name.size() > kLongestName) return "";
  std::string best;
  int best_distance = std::max<int>(2, static_cast<int>(name.size()) / 3) + 1;
  for (const std::string& candidate : candidates) {
    int distance = EditDistance(name, candidate);
    // "lambda" means "ewc.lambda": the last part of a dotted name counts too.
    if (size_t dot = candidate.rfind('.'); dot != std::string::npos) {
      distance = std::min(
          distance,
          EditDistance(name, std::string_view(candidate).substr(dot + 1)) + 1);
    }
    if (distance < best_distance) {
      best_distance = distance;
      best = candidate;
    }
  }
  return best;
}

// "did you mean 'NAME'?" with the nearest of `known`, or else `otherwise`.
inline std::string DidYouMean(std::string_view name,
                              const std::vector<std::string>& known,
                              const std::string& otherwise) {
  const std::string nearest = Nearest(name, known);
  return nearest.empty() ? otherwise : "did you mean '" + nearest + "'?";
}

}  // namespace dfsweep

#endif  // DFSWEEP_BASE_NEAREST_H_
