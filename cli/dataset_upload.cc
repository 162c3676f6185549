#include "cli/dataset_upload.h"

#include <fmt/format.h>

#include <new>
#include <string_view>

#include "base/clock.h"
#include "base/digest.h"
#include "cli/output.h"
#include "model/config/error.h"

namespace dfsweep::cli {
namespace {

// Talks about a transfer that takes longer than this, and then this often.
constexpr absl::Duration kProgressEvery = absl::Seconds(2);
// Reading more takes a while.
constexpr uintmax_t kSlowFileBytes = 30 << 20;

bool IsSlowToRead(const std::filesystem::path& path) {
  std::error_code error;
  if (std::filesystem::is_directory(path, error)) return true;
  uintmax_t bytes = std::filesystem::file_size(path, error);
  return !error && bytes > kSlowFileBytes;
}

v1::UploadDatasetRequest HeaderOf(const NativeDataset& dataset,
                                  const std::string& name,
                                  const std::string& licence,
                                  const std::string& request_id) {
  v1::UploadDatasetRequest request;
  auto* header = request.mutable_header();
  header->set_request_id(request_id);
  header->set_name(name);
  header->set_digest(dataset.digest);
  header->set_size_bytes(static_cast<int64_t>(dataset.bytes.size()));
  header->set_manifest_json(
      data::Manifest(dataset.report, name, dataset.digest, licence)
          .dump(-1, ' ', false, Json::error_handler_t::replace));
  return request;
}

// False if the server wants no more: it has the data, or refuses it.
bool SendBytes(std::string_view bytes,
               grpc::ClientWriter<v1::UploadDatasetRequest>& writer) {
  const size_t total = bytes.size();
  absl::Duration next_talk = Clock::Real().Elapsed() + kProgressEvery;
  v1::UploadDatasetRequest piece;
  while (!bytes.empty()) {
    std::string_view chunk = bytes.substr(0, rpc::kChunkBytes);
    piece.set_chunk(chunk.data(), chunk.size());
    if (!writer.Write(piece)) return false;
    bytes.remove_prefix(chunk.size());
    if (Clock::Real().Elapsed() > next_talk) {
      next_talk += kProgressEvery;
      Say(fmt::format("sent {} of {} MB", (total - bytes.size()) / 1'000'000,
                      total / 1'000'000));
    }
  }
  return true;
}

absl::StatusOr<v1::UploadDatasetResponse> Send(
    Client& client, const v1::UploadDatasetRequest& header,
    std::string_view bytes) {
  grpc::ClientContext context;
  rpc::SetDeadline(context, rpc::kTransferTimeout);
  v1::UploadDatasetResponse response;
  auto writer = client.stub().UploadDataset(&context, &response);
  // The status says what became of it, also of a stream that ended early.
  if (writer->Write(header) && SendBytes(bytes, *writer)) writer->WritesDone();
  grpc::Status status = writer->Finish();
  if (!status.ok()) return client.ToStatus(status);
  return response;
}

}  // namespace

absl::StatusOr<NativeDataset> ReadDataset(const std::filesystem::path& path,
                                          const data::ImportOptions& options) {
  if (IsSlowToRead(path)) Say(fmt::format("reading {} …", path.string()));
  try {
    NativeDataset dataset;
    {
      data::ImportResult result = data::Import(path, options);
      dataset.report = std::move(result.report);
      dataset.bytes = data::NativeBytes(result.traces);
    }
    dataset.digest = Sha256Hex(dataset.bytes);
    return dataset;
  } catch (const config::Error& error) {
    return MakeError(absl::StatusCode::kInvalidArgument, error.what_happened(),
                     error.where().empty() ? path.string() : error.where(),
                     error.remedy());
  } catch (const std::bad_alloc&) {
    return MakeError(absl::StatusCode::kResourceExhausted,
                     "the data does not fit into memory", path.string(),
                     "import fewer traces, or use a larger machine");
  }
}

absl::StatusOr<v1::UploadDatasetResponse> UploadDataset(
    Client& client, const NativeDataset& dataset, const std::string& name,
    const std::string& licence) {
  v1::UploadDatasetRequest header =
      HeaderOf(dataset, name, licence, Client::NewRequestId());
  return client.WithRetry<v1::UploadDatasetResponse>(
      [&] { return Send(client, header, dataset.bytes); });
}

absl::StatusOr<std::vector<v1::Dataset>> ListDatasets(Client& client) {
  DFSWEEP_ASSIGN_OR_RETURN(
      v1::ListDatasetsResponse response,
      client.Call(&Client::Stub::ListDatasets, v1::ListDatasetsRequest()));
  return std::vector<v1::Dataset>(response.datasets().begin(),
                                  response.datasets().end());
}

}  // namespace dfsweep::cli
