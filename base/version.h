#ifndef DFSWEEP_BASE_VERSION_H_
#define DFSWEEP_BASE_VERSION_H_

namespace dfsweep {

inline constexpr char kVersion[] = "0.1.0";

// Of the wire protocol: a different major is refused, a newer minor is not.
inline constexpr int kProtocolMajor = 1;
inline constexpr int kProtocolMinor = 0;

}  // namespace dfsweep

#endif  // DFSWEEP_BASE_VERSION_H_
