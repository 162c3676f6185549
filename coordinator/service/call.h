// The frame of every rpc: a unary call answered by the engine, and a stream
// that the engine's thread sends. Handlers here never block gRPC's threads.
#ifndef DFSWEEP_COORDINATOR_SERVICE_CALL_H_
#define DFSWEEP_COORDINATOR_SERVICE_CALL_H_

#include <grpcpp/support/server_callback.h>

#include <exception>
#include <filesystem>
#include <functional>
#include <memory>
#include <optional>
#include <string_view>
#include <utility>
#include <vector>

#include "base/status.h"
#include "coordinator/engine/engine.h"
#include "coordinator/service/task_threads.h"
#include "coordinator/store/store.h"
#include "proto/channel.h"

namespace dfsweep::coordinator {

// kInvalidArgument for a call without a deadline: it could wait for ever.
absl::Status CheckDeadline(const grpc::CallbackServerContext& context);

inline grpc::ServerUnaryReactor* Finish(grpc::ServerUnaryReactor* reactor,
                                        const absl::Status& status) {
  reactor->Finish(rpc::ToGrpcStatus(status));
  return reactor;
}

// Runs `work` on the engine's thread. It writes the answer into the call's
// response; the call is finished after COMMIT, with its error if it failed.
using Work = std::function<absl::Status(Turn&)>;
void RunInEngine(Engine& engine, grpc::ServerUnaryReactor* reactor, Work work);

absl::Status BugError(std::string_view what);

// What `make` returns; an exception that a bug lets through (a library's) fails
// the call and not the coordinator.
template <typename T>
absl::StatusOr<T> Guarded(const std::function<absl::StatusOr<T>()>& make) {
  try {
    return make();
  } catch (const std::exception& error) {
    return BugError(error.what());
  }
}
// A whole unary call: RunInEngine if it has a deadline.
grpc::ServerUnaryReactor* AnswerInEngine(Engine& engine,
                                         grpc::CallbackServerContext* context,
                                         Work work);

// Reads what was committed last, through a connection of its own, beside the
// engine's thread: its leases must not wait for a large sweep. `folder`: the
// store's.
using Reading = std::function<absl::Status(Store&)>;
absl::Status ReadStore(const std::filesystem::path& folder,
                       const Reading& work);

// A whole unary call that only reads: ReadStore on one of `tasks`. `work`
// writes the answer into the response.
grpc::ServerUnaryReactor* AnswerFromStore(TaskThreads& tasks,
                                          const std::filesystem::path& folder,
                                          grpc::CallbackServerContext* context,
                                          Reading work);

// A unary call that may wait in ParkedCalls for long. When its client goes,
// `cancel` runs on the engine's thread, and must answer the call if it is still
// parked. Deletes itself.
class ParkedCall final : public grpc::ServerUnaryReactor {
 public:
  using Cancel = std::function<void(Turn&, CallId)>;
  ParkedCall(Engine& engine, Cancel cancel)
      : engine_(engine), id_(engine.NextCallId()), cancel_(std::move(cancel)) {}
  CallId id() const { return id_; }

 private:
  void OnCancel() override {
    engine_.Post(
        [id = id_, cancel = cancel_](Turn& turn) { cancel(turn, id); });
  }
  void OnDone() override { delete this; }

  Engine& engine_;
  const CallId id_;
  const Cancel cancel_;
};

// A stream whose messages Watchers ask for on the engine's thread. It
// keeps itself alive until gRPC is done with it, and whoever holds a pointer
// after that may still call Send and End: they do nothing.
template <typename Message>
class WatchStream final
    : public grpc::ServerWriteReactor<Message>,
      public std::enable_shared_from_this<WatchStream<Message>> {
 public:
  static std::shared_ptr<WatchStream> New(Engine& engine) {
    std::shared_ptr<WatchStream> stream(new WatchStream(engine));
    stream->self_ = stream;
    return stream;
  }
  CallId id() const { return id_; }

  // ---- The engine's thread only.
  // A message that comes while another is on its way waits for it. Watchers do
  // that with the last message alone, so at most one waits.
  void Send(Message message, bool is_last) {
    if (ended_) return;
    if (is_writing_) {
      next_ = {std::move(message), is_last};
      return;
    }
    message_ = std::move(message);
    is_writing_ = true;
    ended_ = is_last;
    if (is_last) {
      this->StartWriteAndFinish(&message_, grpc::WriteOptions(),
                                grpc::Status::OK);
    } else {
      this->StartWrite(&message_);
    }
  }
  void End(const absl::Status& status) {
    if (std::exchange(ended_, true)) return;
    this->Finish(rpc::ToGrpcStatus(status));
  }
  void EndAfterCommit(Turn& turn, const absl::Status& status) {
    turn.AfterCommit([self = this->shared_from_this(),
                      status](const absl::Status& committed) {
      self->End(committed.ok() ? status : committed);
    });
  }

 private:
  explicit WatchStream(Engine& engine)
      : engine_(engine), id_(engine.NextCallId()) {}

  void OnWriteDone(bool ok) override {
    if (!ok) return;  // OnCancel comes
    engine_.Post([self = this->shared_from_this()](Turn& turn) {
      self->is_writing_ = false;
      if (auto next = std::exchange(self->next_, std::nullopt)) {
        self->Send(std::move(next->first), next->second);
      } else {
        turn.watchers().Ready(self->id_);
      }
    });
  }
  void OnCancel() override {
    engine_.Post([self = this->shared_from_this()](Turn& turn) {
      turn.watchers().Remove(self->id_);
      self->End(absl::CancelledError("the client went"));
    });
  }
  void OnDone() override { self_.reset(); }

  Engine& engine_;
  const CallId id_;
  Message message_;  // gRPC reads it while it is written
  std::optional<std::pair<Message, bool>> next_;
  bool is_writing_ = false;
  bool ended_ = false;
  std::shared_ptr<WatchStream> self_;
};

// A stream of messages that wait for nothing. Deletes itself.
template <typename Message>
class ListStream final : public grpc::ServerWriteReactor<Message> {
 public:
  // Fills the next message; false if there is none. On any thread.
  using Next = std::function<bool(Message& message)>;

  // Call one of these once, from any thread.
  void Start(Next next) {
    next_ = std::move(next);
    WriteNext();
  }
  void Start(std::vector<Message> messages) {
    Start([messages = std::move(messages),
           next = size_t{0}](Message& message) mutable {
      if (next == messages.size()) return false;
      message = std::move(messages[next++]);
      return true;
    });
  }
  void Fail(const absl::Status& status) {
    this->Finish(rpc::ToGrpcStatus(status));
  }
  // For messages that were read from the store in this turn.
  void StartAfterCommit(Turn& turn,
                        absl::StatusOr<std::vector<Message>> messages) {
    turn.AfterCommit(
        [this, messages = std::move(messages)](const absl::Status& committed) {
          absl::Status status = committed.ok() ? messages.status() : committed;
          status.ok() ? Start(*messages) : Fail(status);
        });
  }

 private:
  void WriteNext() {
    if (next_(message_)) {
      this->StartWrite(&message_);
    } else {
      this->Finish(grpc::Status::OK);
    }
  }
  void OnWriteDone(bool ok) override {
    if (ok) {
      WriteNext();
    } else {
      this->Finish(grpc::Status::CANCELLED);
    }
  }
  void OnDone() override { delete this; }

  Next next_;
  Message message_;  // gRPC reads it while it is written
};

}  // namespace dfsweep::coordinator

#endif  // DFSWEEP_COORDINATOR_SERVICE_CALL_H_
