#pragma once

#include <memory>
#include <string>
#include <string_view>

#include "source/config/config_source.h"

// What xds/ needs of gRPC, so that its behaviour can be tested without a network.
namespace nuncio::xds {

// Hears of one stream. Never called from within Transport::Open. The stream may be destroyed in any event.
class StreamEvents {
 public:
  // The server has answered: headers, if not a message.
  virtual void OnConnected() = 0;
  // One message in its wire form.
  virtual void OnMessage(std::string bytes) = 0;
  // The stream is over; nothing follows. `reason` is for the log.
  virtual void OnClosed(std::string_view reason) = 0;

 protected:
  ~StreamEvents() = default;
};

// A stream of messages both ways; its destruction ends it. Main thread.
class Stream {
 public:
  virtual ~Stream() = default;
  virtual void Send(std::string_view bytes) = 0;
  // While paused little more is taken from the server than has come already.
  virtual void PauseReading(bool pause) = 0;
};

class Transport {
 public:
  virtual ~Transport() = default;
  // `path`: "/package.Service/Method". Never null: what fails is told by OnClosed. `events` outlives the stream.
  virtual std::unique_ptr<Stream> Open(const config::GrpcTarget& target, std::string_view path,
                                       StreamEvents& events) = 0;
};

}  // namespace nuncio::xds
