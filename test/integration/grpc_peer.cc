// gRPC's own server and client, without protobuf, for grpc_test.py:
//
//   grpc_peer serve [CERTIFICATE KEY]            prints "port N", then a line for what becomes of each call
//   grpc_peer call TARGET METHOD NAME=VALUE...   one call; prints a line of JSON
//
// A message is some bytes of a fixed pattern. Methods of /test.Peer/ are in Serving::OnReadDone.
#include <grpcpp/generic/async_generic_service.h>
#include <grpcpp/generic/generic_stub.h>
#include <grpcpp/grpcpp.h>

#include <atomic>
#include <chrono>
#include <condition_variable>
#include <cstdio>
#include <cstdlib>
#include <fstream>
#include <map>
#include <memory>
#include <mutex>
#include <sstream>
#include <string>
#include <vector>

namespace {

using grpc::ByteBuffer;
using grpc::Status;
using grpc::StatusCode;

std::string ReadFile(const std::string& path) {
  std::ostringstream text;
  text << std::ifstream(path).rdbuf();
  return text.str();
}

void Say(const std::string& line) {
  static std::mutex mutex;
  const std::lock_guard lock(mutex);
  puts(line.c_str());
  fflush(stdout);
}

ByteBuffer ToBuffer(const std::string& text) {
  const grpc::Slice slice(text);
  return ByteBuffer(&slice, 1);
}

std::string ToText(const ByteBuffer& buffer) {
  std::vector<grpc::Slice> slices;
  std::string text;
  if (!buffer.Dump(&slices).ok()) abort();
  for (const grpc::Slice& slice : slices) text.append(reinterpret_cast<const char*>(slice.begin()), slice.size());
  return text;
}

std::string Pattern(size_t size) {
  std::string text(size, '\0');
  for (size_t i = 0; i < size; ++i) text[i] = static_cast<char>(i * 31 + (i >> 12));
  return text;
}

// A call at the server.
class Serving final : public grpc::ServerGenericBidiReactor {
 public:
  explicit Serving(grpc::GenericCallbackServerContext* context)
      : context_(context), method_(context->method().substr(context->method().rfind('/') + 1)) {
    Say("begun " + method_);
    if (method_ == "Fail") {
      // Before anything was sent: an answer of trailers only.
      End(Status(StatusCode::FAILED_PRECONDITION, "not now: 100%"));
    } else {
      StartRead(&message_);
    }
  }

  void OnReadDone(bool ok) override {
    if (method_ == "Echo" && ok) {
      StartWrite(&message_);
    } else if (method_ == "Sum" && ok) {
      sum_ += message_.Length();
      StartRead(&message_);
    } else if (method_ == "Sum") {
      message_ = ToBuffer(std::to_string(sum_));
      ended_ = true;
      StartWriteAndFinish(&message_, {}, Status::OK);
    } else if (method_ == "Count" && ok) {
      std::istringstream(ToText(message_)) >> left_ >> size_;
      WriteNext();
    } else if (method_ == "Break" && ok) {
      StartWrite(&message_);
    } else if (method_ == "Abort" && ok) {
      context_->TryCancel();
    } else if (method_ == "Hang") {
      if (ok) StartRead(&message_);
    } else {
      End(Status::OK);
    }
  }

  void OnWriteDone(bool ok) override {
    if (!ok) return End(Status::OK);
    if (method_ == "Count") return WriteNext();
    if (method_ == "Break") return End(Status(StatusCode::ABORTED, "broken"));
    StartRead(&message_);
  }

  void OnCancel() override {
    Say("cancelled " + method_);
    End(Status::CANCELLED);
  }

  void OnDone() override {
    Say("done " + method_);
    delete this;
  }

 private:
  void WriteNext() {
    if (left_-- == 0) return End(Status::OK);
    message_ = ToBuffer(Pattern(size_));
    StartWrite(&message_);
  }

  void End(const Status& status) {
    if (!ended_.exchange(true)) Finish(status);
  }

  grpc::GenericCallbackServerContext* const context_;
  const std::string method_;
  ByteBuffer message_;
  size_t sum_ = 0;
  size_t left_ = 0;
  size_t size_ = 0;
  std::atomic<bool> ended_{false};
};

class Service final : public grpc::CallbackGenericService {
 public:
  grpc::ServerGenericBidiReactor* CreateReactor(grpc::GenericCallbackServerContext* context) override {
    return new Serving(context);
  }
};

int Serve(int argc, char** argv) {
  Service service;
  grpc::ServerBuilder builder;
  std::shared_ptr<grpc::ServerCredentials> credentials = grpc::InsecureServerCredentials();
  if (argc == 2) {
    grpc::SslServerCredentialsOptions options;
    options.pem_key_cert_pairs.push_back({ReadFile(argv[1]), ReadFile(argv[0])});
    credentials = grpc::SslServerCredentials(options);
  }
  int port = 0;
  builder.AddListeningPort("127.0.0.1:0", credentials, &port);
  builder.SetMaxReceiveMessageSize(-1);
  builder.RegisterCallbackGenericService(&service);
  const std::unique_ptr<grpc::Server> server = builder.BuildAndStart();
  if (server == nullptr) return 1;
  Say("port " + std::to_string(port));
  server->Wait();
  return 0;
}

struct Wish {
  size_t messages = 1;
  size_t size = 0;
  // Instead of the pattern.
  std::string text;
  // Cancels after so many messages of the answer.
  size_t cancel_after = SIZE_MAX;
  // Messages go one by one, each after the answer to the one before.
  bool in_turn = false;
  // And not before a line of input.
  bool on_input = false;
  // Prints a line for each message of the answer.
  bool tell = false;
  // The request ends with its last message; else it stays open.
  bool half_close = true;
};

// A call at the client.
class Calling final : public grpc::ClientBidiReactor<ByteBuffer, ByteBuffer> {
 public:
  Calling(grpc::GenericStub& stub, grpc::ClientContext& context, const std::string& method, const Wish& wish)
      : context_(context), wish_(wish), sent_text_(wish.text.empty() ? Pattern(wish.size) : wish.text),
        message_(ToBuffer(sent_text_)) {
    stub.PrepareBidiStreamingCall(&context, method, {}, this);
    StartRead(&answer_);
    WriteNext();
    StartCall();
  }

  void OnWriteDone(bool ok) override {
    if (ok && (!wish_.in_turn || TurnIsOver())) BeginTurn();
  }

  void OnReadDone(bool ok) override {
    if (!ok) return;
    const std::string text = ToText(answer_);
    ++received_;
    bytes_ += text.size();
    if (text == sent_text_) ++echoes_;
    if (wish_.tell) Say("received");
    if (received_ == 1) first_ = text.substr(0, 40);
    if (received_ == wish_.cancel_after) context_.TryCancel();
    StartRead(&answer_);
    if (wish_.in_turn && TurnIsOver()) BeginTurn();
  }

  void OnDone(const Status& status) override {
    const std::lock_guard lock(mutex_);
    status_ = status;
    done_ = true;
    changed_.notify_all();
  }

  // With on_input: sends the next message, after the answer to the one before. False: the call is over.
  bool Next() {
    std::unique_lock lock(mutex_);
    changed_.wait(lock, [this] { return done_ || turns_over_ > 0; });
    if (done_) return false;
    --turns_over_;
    WriteNext();
    return true;
  }

  // To be called once; then the reactor may go.
  std::string Result() {
    std::unique_lock lock(mutex_);
    changed_.wait(lock, [this] { return done_; });
    std::string message;
    for (const char c : status_.error_message()) message += c == '"' || c == '\\' || c < ' ' ? '?' : c;
    for (char& c : first_) c = c == '"' || c == '\\' || c < ' ' || c > '~' ? '?' : c;
    return "{\"code\": " + std::to_string(status_.error_code()) + ", \"message\": \"" + message +
           "\", \"received\": " + std::to_string(received_) + ", \"bytes\": " + std::to_string(bytes_) +
           ", \"echoes\": " + std::to_string(echoes_) + ", \"first\": \"" + first_ + "\"}";
  }

 private:
  // A message was sent and its answer came, in whichever order this side hears of it.
  bool TurnIsOver() { return steps_.fetch_add(1) % 2 == 1; }

  void BeginTurn() {
    if (!wish_.on_input) return WriteNext();
    const std::lock_guard lock(mutex_);
    ++turns_over_;
    changed_.notify_all();
  }

  void WriteNext() {
    if (sent_ == wish_.messages) return;
    ++sent_;
    if (sent_ == wish_.messages && wish_.half_close) {
      StartWriteLast(&message_, {});
    } else {
      StartWrite(&message_);
    }
  }

  grpc::ClientContext& context_;
  const Wish wish_;
  const std::string sent_text_;
  const ByteBuffer message_;
  ByteBuffer answer_;
  size_t sent_ = 0;
  std::atomic<size_t> steps_{0};
  size_t turns_over_ = 0;  // Guarded by mutex_.
  size_t received_ = 0;
  size_t bytes_ = 0;
  size_t echoes_ = 0;
  std::string first_;
  std::mutex mutex_;
  std::condition_variable changed_;
  bool done_ = false;
  Status status_;
};

int Call(const std::string& target, const std::string& method, std::map<std::string, std::string> options) {
  Wish wish;
  const auto number = [&options](const char* name, size_t& value) {
    if (options.contains(name)) value = std::stoul(options[name]);
  };
  number("messages", wish.messages);
  number("size", wish.size);
  number("cancel_after", wish.cancel_after);
  wish.text = options["text"];
  wish.on_input = options.contains("on_input");
  wish.in_turn = wish.on_input || options.contains("in_turn");
  wish.tell = options.contains("tell");
  wish.half_close = !options.contains("open");

  std::shared_ptr<grpc::ChannelCredentials> credentials = grpc::InsecureChannelCredentials();
  if (options.contains("ca")) {
    grpc::SslCredentialsOptions tls;
    tls.pem_root_certs = ReadFile(options["ca"]);
    credentials = grpc::SslCredentials(tls);
  }
  grpc::ChannelArguments arguments;
  arguments.SetMaxReceiveMessageSize(-1);
  if (options.contains("server_name")) arguments.SetSslTargetNameOverride(options["server_name"]);
  // One connection of its own, and no attempt but the first.
  arguments.SetInt(GRPC_ARG_USE_LOCAL_SUBCHANNEL_POOL, 1);
  arguments.SetInt(GRPC_ARG_ENABLE_RETRIES, 0);
  grpc::GenericStub stub(grpc::CreateCustomChannel(target, credentials, arguments));

  grpc::ClientContext context;
  if (options.contains("deadline_ms")) {
    const std::chrono::milliseconds limit(std::stoul(options["deadline_ms"]));
    context.set_deadline(std::chrono::system_clock::now() + limit);
  }
  Calling calling(stub, context, method, wish);
  while (wish.on_input && getchar() == '\n' && calling.Next()) {
  }
  if (options.contains("cancel_on_input")) {
    getchar();
    context.TryCancel();
  }
  Say(calling.Result());
  return 0;
}

}  // namespace

int main(int argc, char** argv) {
  const std::string mode = argc > 1 ? argv[1] : "";
  if (mode == "serve" && (argc == 2 || argc == 4)) return Serve(argc - 2, argv + 2);
  if (mode != "call" || argc < 4) return 2;
  std::map<std::string, std::string> options;
  for (int i = 4; i < argc; ++i) {
    const std::string option = argv[i];
    const size_t equals = option.find('=');
    options[option.substr(0, equals)] = equals == std::string::npos ? "" : option.substr(equals + 1);
  }
  return Call(argv[2], argv[3], std::move(options));
}
