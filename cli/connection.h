// Who answers a command's calls: the coordinator that was named, the one that
// serves the local store, or one that this command starts for as long as it
// runs.
#ifndef DFSWEEP_CLI_CONNECTION_H_
#define DFSWEEP_CLI_CONNECTION_H_

#include <filesystem>
#include <memory>
#include <optional>
#include <string>

#include "base/status.h"
#include "cli/child.h"
#include "cli/client.h"
#include "cli/command.h"

namespace dfsweep::cli {

// What to do where there is no local store.
enum class NoStore {
  kIsAnError,
  kCreate,
  // Answer from an empty store that is gone after the command.
  kPretend,
};

// One thread, but for client(), which is thread-safe. Destruction stops the
// coordinator that it started.
class Connection {
 public:
  // Fails within seconds where nobody answers.
  static absl::StatusOr<std::unique_ptr<Connection>> Open(
      const GlobalOptions& options, NoStore no_store);
  ~Connection();

  Client& client() { return *client_; }
  // For threads that may outlive a change of the address.
  const std::shared_ptr<Client>& shared_client() { return client_; }
  const v1::GetServerInfoResponse& server_info() const { return server_info_; }

  // Whether no coordinator was named, so that the work is this machine's.
  bool is_local() const { return is_local_; }
  const std::filesystem::path& store() const { return store_; }
  // Whether the coordinator serves others too, with TLS.
  bool is_shared() const { return is_shared_; }

  // To be called when the coordinator does not answer. A local store that
  // nobody serves any more gets a new coordinator at the old address: ours has
  // died, or the command that ran it has ended. A remote one is left alone.
  absl::Status Heal();

 private:
  Connection(const GlobalOptions& options, bool is_local);
  absl::Status ConnectTo(const rpc::Endpoint& endpoint);
  absl::Status OpenLocal(NoStore no_store);
  // Uses the coordinator that serves the store, or starts one at `listen`.
  absl::Status AttachOrStart(const std::string& listen);
  bool Attach();
  absl::Status Start(const std::string& listen);

  const bool is_local_;
  std::filesystem::path store_;
  bool is_temporary_ = false;
  bool is_shared_ = false;
  v1::GetServerInfoResponse server_info_;
  std::shared_ptr<Client> client_;
  std::optional<Child> coordinator_;
  int heals_ = 0;
};

// Where the store is served, as `<store>/coordinator.address` says, if a living
// coordinator holds it; a killed one leaves the file behind. With TLS, the
// admin's token for this machine comes along.
std::optional<rpc::Endpoint> ServedEndpoint(const std::filesystem::path& store);

// How to talk to a coordinator that was named: with what `dfsweep login` has
// kept for it, if anything.
absl::StatusOr<rpc::Endpoint> EndpointOf(const std::string& address);

// Where `dfsweep login` keeps the coordinator of this person.
std::filesystem::path LoginFile();

// Whether a coordinator has ever served this folder.
bool IsStore(const std::filesystem::path& folder);

}  // namespace dfsweep::cli

#endif  // DFSWEEP_CLI_CONNECTION_H_
