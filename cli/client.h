// Calls to a coordinator's SweepService: deadlines, request ids, errors.
#ifndef DFSWEEP_CLI_CLIENT_H_
#define DFSWEEP_CLI_CLIENT_H_

#include <memory>
#include <string>

#include "absl/time/time.h"
#include "base/digest.h"
#include "base/status.h"
#include "dfsweep/v1/sweep_service.grpc.pb.h"
#include "proto/channel.h"

namespace dfsweep::cli {

// Thread-safe. Errors have three parts; kUnavailable and kDeadlineExceeded mean
// that the coordinator does not answer.
class Client {
 public:
  using Stub = v1::SweepService::Stub;

  // Connects in the background.
  explicit Client(const rpc::Endpoint& endpoint);

  const std::string& address() const { return address_; }
  Stub& stub() { return *stub_; }

  // Fails within seconds if nobody serves there, or another major version.
  absl::StatusOr<v1::GetServerInfoResponse> Greet();

  template <typename Request, typename Response>
  absl::StatusOr<Response> Call(
      grpc::Status (Stub::*method)(grpc::ClientContext*, const Request&,
                                   Response*),
      const Request& request, absl::Duration timeout = rpc::kCallTimeout) {
    grpc::ClientContext context;
    rpc::SetDeadline(context, timeout);
    Response response;
    grpc::Status status = (stub_.get()->*method)(&context, request, &response);
    if (!status.ok()) return ToStatus(status);
    return response;
  }

  // A call that changes something. It gets a request id, and is repeated with
  // the same one while the coordinator is away for a moment, so that it happens
  // once.
  template <typename Request, typename Response>
  absl::StatusOr<Response> Mutate(
      grpc::Status (Stub::*method)(grpc::ClientContext*, const Request&,
                                   Response*),
      Request request, absl::Duration timeout = rpc::kCallTimeout) {
    request.set_request_id(NewRequestId());
    return WithRetry<Response>([&] { return Call(method, request, timeout); });
  }

  static std::string NewRequestId() { return RandomHex(16); }

  // Runs `call` until it is not kUnavailable, for a few seconds.
  template <typename Response, typename Function>
  absl::StatusOr<Response> WithRetry(const Function& call) {
    absl::Duration wait = kFirstRetry;
    while (true) {
      absl::StatusOr<Response> response = call();
      if (!absl::IsUnavailable(response.status()) || wait > kLastRetry) {
        return response;
      }
      Sleep(wait);
      wait *= 2;
    }
  }

  absl::Status ToStatus(const grpc::Status& status) const {
    return rpc::FromGrpcStatus(status, address_);
  }

 private:
  // 0.2 + 0.4 + … + 3.2 s.
  static constexpr absl::Duration kFirstRetry = absl::Milliseconds(200);
  static constexpr absl::Duration kLastRetry = absl::Milliseconds(3200);
  static void Sleep(absl::Duration duration);

  std::string address_;
  std::unique_ptr<Stub> stub_;
};

}  // namespace dfsweep::cli

#endif  // DFSWEEP_CLI_CLIENT_H_
