// Random messages to every rpc, as a broken or hostile worker or client may
// send them: the coordinator answers each, goes on serving, and believes
// nothing.
#include <google/protobuf/descriptor.h>
#include <google/protobuf/message.h>
#include <grpcpp/generic/generic_stub.h>
#include <gtest/gtest.h>

#include <limits>
#include <memory>
#include <random>
#include <string>
#include <vector>

#include "base/temporary_folder.h"
#include "coordinator/service/server.h"
#include "proto/channel.h"

namespace dfsweep::coordinator {
namespace {

using google::protobuf::FieldDescriptor;
using google::protobuf::Message;
using google::protobuf::MethodDescriptor;

constexpr int kMessagesAMethod = 40;

// Fills messages of any type with values at and beyond what is allowed.
class MessageMaker {
 public:
  explicit MessageMaker(uint64_t seed) : random_(seed) {}

  std::unique_ptr<Message> Make(const google::protobuf::Descriptor& type) {
    std::unique_ptr<Message> message(
        google::protobuf::MessageFactory::generated_factory()
            ->GetPrototype(&type)
            ->New());
    Fill(*message, /*depth=*/0);
    return message;
  }

  uint64_t Below(uint64_t bound) { return random_() % bound; }

 private:
  void Fill(Message& message, int depth) {
    for (int i = 0; i < message.GetDescriptor()->field_count(); ++i) {
      const FieldDescriptor& field = *message.GetDescriptor()->field(i);
      if (Below(3) == 0) continue;
      const uint64_t times = field.is_repeated() ? Below(4) : 1;
      for (uint64_t k = 0; k < times; ++k) Set(message, field, depth);
    }
  }

  void Set(Message& message, const FieldDescriptor& field, int depth) {
    const auto& reflection = *message.GetReflection();
    const bool many = field.is_repeated();
    switch (field.cpp_type()) {
      case FieldDescriptor::CPPTYPE_MESSAGE:
        if (depth > 3) return;
        Fill(many ? *reflection.AddMessage(&message, &field)
                  : *reflection.MutableMessage(&message, &field),
             depth + 1);
        return;
      case FieldDescriptor::CPPTYPE_STRING:
        many ? reflection.AddString(&message, &field, Text())
             : reflection.SetString(&message, &field, Text());
        return;
      case FieldDescriptor::CPPTYPE_INT32:
        many ? reflection.AddInt32(&message, &field, Number())
             : reflection.SetInt32(&message, &field, Number());
        return;
      case FieldDescriptor::CPPTYPE_INT64:
        many ? reflection.AddInt64(&message, &field, Number())
             : reflection.SetInt64(&message, &field, Number());
        return;
      case FieldDescriptor::CPPTYPE_DOUBLE:
        many ? reflection.AddDouble(&message, &field, Real())
             : reflection.SetDouble(&message, &field, Real());
        return;
      case FieldDescriptor::CPPTYPE_BOOL:
        many ? reflection.AddBool(&message, &field, Below(2) == 0)
             : reflection.SetBool(&message, &field, Below(2) == 0);
        return;
      case FieldDescriptor::CPPTYPE_ENUM:
        many ? reflection.AddEnumValue(&message, &field, Number())
             : reflection.SetEnumValue(&message, &field, Number());
        return;
      default:
        return;  // no other type is in our messages
    }
  }

  std::string Text() {
    switch (Below(8)) {
      case 0:
        return "";
      case 1:
        return std::string(64, 'a');  // the form of a digest
      case 2:
        return "../../etc/passwd";
      case 3:
        return std::string(100'000, 'x');
      case 4:
        return std::string("a\0b\n", 4);
      case 5:
        return "w1";
      case 6:
        return "[[1e999]]";
      default:
        return "\u00e4\u202e";
    }
  }

  int32_t Number() {
    constexpr int32_t kNumbers[] = {0,
                                    1,
                                    -1,
                                    3,
                                    1 << 20,
                                    std::numeric_limits<int32_t>::min(),
                                    std::numeric_limits<int32_t>::max()};
    return kNumbers[Below(std::size(kNumbers))];
  }

  double Real() {
    const double reals[] = {0,
                            1,
                            -1,
                            .5,
                            1e308,
                            -0.0,
                            std::numeric_limits<double>::infinity(),
                            std::numeric_limits<double>::quiet_NaN()};
    return reals[Below(std::size(reals))];
  }

  std::mt19937_64 random_;
};

class RpcFuzzTest : public ::testing::Test {
 protected:
  void SetUp() override {
    Server::Options options{.listen = "127.0.0.1:0", .store = folder_.path()};
    options.engine.on_fatal = [](const absl::Status& status) {
      ADD_FAILURE() << status;
    };
    auto server = Server::Start(options, Clock::Real());
    ASSERT_TRUE(server.ok()) << server.status();
    server_ = *std::move(server);
    channel_ = rpc::Connect({.address = server_->address()});
  }

  // Sends the messages and takes whatever comes back, for at most 100 ms, since
  // some calls wait for news. gRPC may end the connection of such a client.
  void Send(const std::string& method,
            const std::vector<std::string>& messages) {
    grpc::GenericStub stub(channel_);
    grpc::ClientContext context;
    rpc::SetDeadline(context, absl::Milliseconds(100));
    grpc::CompletionQueue queue;
    auto call = stub.PrepareCall(&context, method, &queue);
    call->StartCall(nullptr);
    bool ok = Next(queue);
    for (const std::string& message : messages) {
      if (!ok) break;
      const grpc::Slice slice(message);
      call->Write(grpc::ByteBuffer(&slice, 1), nullptr);
      ok = Next(queue);
    }
    if (ok) {
      call->WritesDone(nullptr);
      Next(queue);
    }
    grpc::ByteBuffer answer;
    for (ok = true; ok; ok = Next(queue)) call->Read(&answer, nullptr);
    grpc::Status status;
    call->Finish(&status, nullptr);
    Next(queue);
  }

  static bool Next(grpc::CompletionQueue& queue) {
    void* tag = nullptr;
    bool ok = false;
    return queue.Next(&tag, &ok) && ok;
  }

  const TemporaryFolder folder_;
  std::unique_ptr<Server> server_;
  std::shared_ptr<grpc::Channel> channel_;
};

std::string Damaged(std::string bytes, MessageMaker& maker) {
  if (bytes.empty() || maker.Below(2) == 0) return bytes;
  bytes[maker.Below(bytes.size())] ^= static_cast<char>(1 << maker.Below(8));
  if (maker.Below(4) == 0) bytes.resize(maker.Below(bytes.size() + 1));
  return bytes;
}

TEST_F(RpcFuzzTest, NoMessageStopsItAndNothingIsBelieved) {
  MessageMaker maker(20261127);
  for (const auto* service :
       {v1::HeartbeatRequest::descriptor()->file()->service(0),
        v1::ListSweepsRequest::descriptor()->file()->service(0)}) {
    for (int m = 0; m < service->method_count(); ++m) {
      const MethodDescriptor& method = *service->method(m);
      // Writes a folder wherever it is told to: here that would be anywhere.
      if (method.name() == "BackupStore") continue;
      const std::string path = "/" + service->full_name() + "/" + method.name();
      for (int i = 0; i < kMessagesAMethod; ++i) {
        std::vector<std::string> messages;
        const uint64_t count = method.client_streaming() ? maker.Below(4) : 1;
        for (uint64_t k = 0; k < count; ++k) {
          messages.push_back(Damaged(
              maker.Make(*method.input_type())->SerializeAsString(), maker));
        }
        Send(path, messages);
      }
    }
  }
  v1::ListSweepsResponse sweeps;
  grpc::ClientContext context;
  rpc::SetDeadline(context, absl::Seconds(10));
  ASSERT_TRUE(
      v1::SweepService::NewStub(rpc::Connect({.address = server_->address()}))
          ->ListSweeps(&context, v1::ListSweepsRequest(), &sweeps)
          .ok());
  EXPECT_EQ(sweeps.sweeps_size(), 0);
}

}  // namespace
}  // namespace dfsweep::coordinator
