// A faulty network between workers and the coordinator: a TCP proxy on loopback
// that loses, holds back, delays and cuts what passes through it.
#ifndef DFSWEEP_TESTS_FAULTS_PROXY_H_
#define DFSWEEP_TESTS_FAULTS_PROXY_H_

#include <atomic>
#include <list>
#include <string>
#include <thread>
#include <vector>

#include "absl/base/thread_annotations.h"
#include "absl/synchronization/mutex.h"
#include "absl/time/time.h"

namespace dfsweep::testing {

// Listens from construction on. Thread-safe; its own threads end with it.
class Proxy {
 public:
  // `target` is HOST:PORT on loopback, and need not listen yet.
  explicit Proxy(const std::string& target);
  ~Proxy();
  Proxy(const Proxy&) = delete;
  Proxy& operator=(const Proxy&) = delete;

  std::string address() const;

  // The connections of now stay open and lose all that is sent, as after a
  // change of Wi-Fi. New ones work.
  void BlackHole();
  // Resets all connections of now.
  void Cut();
  // Requests arrive, replies stay here until false or the connection is cut.
  void HoldReplies(bool hold) { holds_replies_ = hold; }
  // Every piece of data is late by `delay` and takes the time of so slow a
  // link, in either direction.
  void SlowDown(absl::Duration delay, int bytes_per_second);

  // When clients connected.
  std::vector<absl::Time> Arrivals() const;

 private:
  // Its sockets are closed by the last of its two pumps, so that neither can
  // touch another's that got the same number.
  struct Connection {
    int client = -1;
    int server = -1;
    int pumps = 2;
    std::atomic<bool> is_black_hole = false;
    std::atomic<bool> is_cut = false;
  };
  using Connections = std::list<Connection>;
  void Accept();
  void Open(int client);
  void Run(Connections::iterator connection, bool is_reply);
  void Pump(Connection& connection, bool is_reply);
  bool MustHold(const Connection& connection, bool is_reply) const;
  void AwaitSlowLink(int bytes) const;
  static void Reset(Connection& connection);

  const int target_port_;
  int listener_ = -1;
  int port_ = 0;
  std::atomic<bool> stopping_ = false;
  std::atomic<bool> holds_replies_ = false;
  std::atomic<int> delay_ms_ = 0;
  std::atomic<int> bytes_per_second_ = 0;  // 0: as fast as it goes
  mutable absl::Mutex mutex_;
  Connections connections_ ABSL_GUARDED_BY(mutex_);
  std::vector<absl::Time> arrivals_ ABSL_GUARDED_BY(mutex_);
  std::vector<std::thread> pumps_;  // the acceptor's, then the destructor's
  std::thread acceptor_;
};

}  // namespace dfsweep::testing

#endif  // DFSWEEP_TESTS_FAULTS_PROXY_H_
