#pragma once

#include <string_view>

#include "source/http/codec.h"
#include "source/http/h2/session.h"
#include "source/http/h2/stream.h"

namespace nuncio::http::h2 {

struct StreamsAwaitingSettings;

// One exchange on a client's connection: sends the request, makes the answer's events out of what arrives.
class ClientStream final : public Stream, public RequestSender, public ListNode<StreamsAwaitingSettings> {
 public:
  // Informational answers that are passed on; one more resets the stream, since each takes room in its arena.
  static constexpr int kMaxInformational = 16;
  using WaitingList = IntrusiveList<ClientStream, StreamsAwaitingSettings>;

  // `waiting`: where a request waits that depends on the server's SETTINGS, until they have come.
  ClientStream(Session& session, ResponseReceiver& receiver, WaitingList& waiting)
      : Stream(session.slices()), session_(session), receiver_(&receiver), waiting_(waiting) {}

  void SendHead(const RequestHead& head, bool end_stream) override;
  void SendData(buffer::Buffer& data, bool end_stream) override;
  void SendTrailers(const HeaderMap& trailers) override;
  void Reset(StreamReset reset) override;
  void PauseReading(bool pause) override;

  // The SETTINGS have come, and the stream is in no list.
  void OnPeerSettings();

 private:
  HeaderMap* OnHeadersBegin() override;
  std::string_view OnPseudoHeader(std::string_view name, std::string_view value) override;
  void OnHeadersEnd(bool end_stream) override;
  void OnHeaderOverflow(std::string_view details) override;
  void OnData(buffer::Buffer& data, bool end_stream) override;
  void OnEndSent() override {}
  void OnReset(StreamReset reset, std::string_view details) override;
  void OnSendBufferHigh() override;
  void OnSendBufferLow() override;

  void OnTrailers(bool end_stream);
  void OnInformational(bool end_stream);
  // Whether the head agrees with the body that it announces.
  bool SettleLength(bool end_stream);
  void OnAnswerDone();
  // The last of the request was handed over, or is about to be.
  void OnRequestDone();
  // A tunnel's halves have both ended for the receiver; what is left leaves as the server lets it.
  void Leave();

  Session& session_;
  ResponseReceiver* receiver_;       // Null: it has all of the answer, and waits for nothing any more.
  WaitingList& waiting_;
  HeaderBlock waiting_head_ = {nullptr, 0};
  ResponseHead* head_ = nullptr;     // Arriving, or arrived.
  HeaderMap* trailers_ = nullptr;
  Method method_ = Method::kOther;
  bool upgrade_asked_ = false;
  bool tunnel_ = false;              // Accepted.
  bool head_delivered_ = false;
  bool answer_done_ = false;
  int informational_ = 0;
};

}  // namespace nuncio::http::h2
