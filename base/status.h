#ifndef DFSWEEP_BASE_STATUS_H_
#define DFSWEEP_BASE_STATUS_H_

#include <string>
#include <string_view>

#include "absl/status/status.h"
#include "absl/status/statusor.h"

namespace dfsweep {

// The three parts that every error of dfsweep has.
struct ErrorParts {
  std::string what;    // what happened
  std::string where;   // file:line:column, trial, worker or address; may be ""
  std::string remedy;  // what to do next
};

// An error whose message has three lines: what, where, remedy. `code` tells the
// caller's duty: kUnavailable retry; kFailedPrecondition the state has moved
// on; kInvalidArgument never retry; kResourceExhausted back off; kNotFound,
// kAlreadyExists, kPermissionDenied as they say; kUnimplemented a later
// version.
absl::Status MakeError(absl::StatusCode code, std::string_view what,
                       std::string_view where, std::string_view remedy);

// The parts of a message made by MakeError; a foreign message becomes `what`.
ErrorParts PartsOf(std::string_view message);

inline std::string MessageOf(const absl::Status& status) {
  return std::string(status.message());
}

// The text a person sees: "error: what\n  at where\n  fix: remedy".
std::string FormatForPerson(const absl::Status& status);

}  // namespace dfsweep

// Returns the error of an absl::Status expression to the caller.
#define DFSWEEP_RETURN_IF_ERROR(expression)                   \
  do {                                                        \
    if (absl::Status status_ = (expression); !status_.ok()) { \
      return status_;                                         \
    }                                                         \
  } while (false)

#define DFSWEEP_CONCAT_INNER_(a, b) a##b
#define DFSWEEP_CONCAT_(a, b) DFSWEEP_CONCAT_INNER_(a, b)

// DFSWEEP_ASSIGN_OR_RETURN(auto value, StatusOrExpression()).
#define DFSWEEP_ASSIGN_OR_RETURN(declaration, expression)               \
  DFSWEEP_ASSIGN_OR_RETURN_IMPL_(DFSWEEP_CONCAT_(status_or_, __LINE__), \
                                 declaration, expression)
#define DFSWEEP_ASSIGN_OR_RETURN_IMPL_(temporary, declaration, expression) \
  auto temporary = (expression);                                           \
  if (!temporary.ok()) return std::move(temporary).status();               \
  declaration = std::move(temporary).value()

#endif  // DFSWEEP_BASE_STATUS_H_
