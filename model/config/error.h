#ifndef DFSWEEP_MODEL_CONFIG_ERROR_H_
#define DFSWEEP_MODEL_CONFIG_ERROR_H_

#include <stdexcept>
#include <string>
#include <utility>

namespace dfsweep::config {

// The three-part error of model/, where exceptions carry errors (there is no
// Abseil there). Caught in the trainer's main and at the borders of sweeps/.
class Error : public std::runtime_error {
 public:
  Error(std::string what, std::string where, std::string remedy)
      : std::runtime_error(what + (where.empty() ? "" : " (" + where + ")") +
                           "; " + remedy),
        what_(std::move(what)),
        where_(std::move(where)),
        remedy_(std::move(remedy)) {}

  const std::string& what_happened() const { return what_; }
  const std::string& where() const { return where_; }
  const std::string& remedy() const { return remedy_; }

 private:
  std::string what_, where_, remedy_;
};

}  // namespace dfsweep::config

#endif  // DFSWEEP_MODEL_CONFIG_ERROR_H_
