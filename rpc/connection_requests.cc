// The peer's requests: from their arrival to the return of their credit.
#include <algorithm>
#include <utility>

#include "base/check.h"
#include "rpc/connection_core.h"

namespace grey::rpc {

void ConnectionCore::request(const protocol::RequestView& request, protocol::ReplyTo reply_to,
                             protocol::CreditToken token, const SharedBytes& chunked) {
  if (handler_ == nullptr) {
    return refuse_request(reply_to, token, {.code = ErrorCode::unknown_method});
  }
  if (request.deadline_ms == 0) {
    return refuse_request(reply_to, token, {.code = ErrorCode::deadline_exceeded});
  }
  flowcontrol::Reservation room;
  const std::uint64_t wanted = std::min(request.reply_bytes_max, options_.answer_reserve_bytes);
  if (unread_output_bytes() > options_.output_bytes_max || !reserve_answer(room, wanted)) {
    return refuse_request(reply_to, token,
                          {.code = ErrorCode::overloaded,
                           .detail = "no memory is left for the answer",
                           .retry_after_ms = options_.overloaded_retry_after_ms});
  }
  const std::uint32_t slot = requests_.insert(reply_to, token, std::move(room));
  const Duration allowed = std::min<Duration>(std::chrono::milliseconds(request.deadline_ms),
                                              options_.request_timeout_max);
  handler_->on_request({.method = request.method,
                        .deadline = now_.now + allowed,
                        .reply_bytes_max = request.reply_bytes_max,
                        .tenant = request.tenant,
                        .trace = request.trace,
                        .idempotency = request.idempotency,
                        .priority = request.priority,
                        .body = request.body,
                        .chunked = chunked,
                        .peer = &session_.peer()},
                       Responder(gate_, slot, requests_.at(slot).generation));
}

void ConnectionCore::oneway(const protocol::OnewayView& oneway, protocol::CreditToken token,
                            const SharedBytes&) {
  if (handler_ != nullptr) {
    handler_->on_oneway({.method = oneway.method,
                         .tenant = oneway.tenant,
                         .trace = oneway.trace,
                         .priority = oneway.priority,
                         .body = oneway.body,
                         .peer = &session_.peer()});
  }
  session_.release(token, now_);
}

void ConnectionCore::refuse_request(protocol::ReplyTo to, protocol::CreditToken token,
                                    const protocol::ResponseOptions& options) {
  // It can only fail once the session is over, and then nobody waits for it.
  (void)session_.send_response(to, options, {}, now_);
  session_.release(token, now_);
}

bool ConnectionCore::reserve_answer(flowcontrol::Reservation& room, std::uint64_t bytes) {
  if (options_.budget == nullptr) return true;
  room = {*options_.budget, flowcontrol::Pool::egress, bytes};
  return room.is_held();
}

Status ConnectionCore::answer(std::uint32_t slot, std::uint32_t generation,
                              const protocol::ResponseOptions& options,
                              const protocol::Body& body) {
  PeerRequest* request = find_request(slot, generation);
  if (request == nullptr) return std::unexpected(close_reason_);
  Status answered;
  flowcontrol::Reservation rest;
  const std::uint64_t reserved = request->answer_room.bytes();
  if (body.size() > reserved && !reserve_answer(rest, body.size() - reserved)) {
    answered = fail(ErrorCode::overloaded, "no memory is left for the answer");
    (void)session_.send_response(request->reply_to,
                                 {.code = ErrorCode::overloaded,
                                  .detail = answered.error().detail,
                                  .retry_after_ms = options_.overloaded_retry_after_ms},
                                 {}, instant());
  } else {
    answered = session_.send_response(request->reply_to, options, body, instant());
  }
  finish_request(slot, std::move(rest));
  post_turn();
  return answered;
}

// What the answer needs stays reserved until it has been sent; so does the request's credit if the
// peer reads its answers too slowly.
void ConnectionCore::finish_request(std::uint32_t slot, flowcontrol::Reservation rest) {
  PeerRequest& request = requests_.at(slot);
  unsent_answers_.absorb(std::move(request.answer_room));
  unsent_answers_.absorb(std::move(rest));
  unsent_answers_.shrink_to(unread_output_bytes());
  if (unread_output_bytes() > options_.output_bytes_high) {
    held_credit_.push_back(request.token);
  } else {
    session_.release(request.token, instant());
  }
  requests_.erase(slot);
}

void ConnectionCore::return_held() {
  const std::uint64_t unread = unread_output_bytes();
  unsent_answers_.shrink_to(unread);
  if (held_credit_.empty() || unread > options_.output_bytes_high / 2) return;
  for (const protocol::CreditToken& token : held_credit_) session_.release(token, now_);
  held_credit_.clear();
  post_turn();
}

void ConnectionCore::cancel(std::uint64_t request_id, ErrorCode code) {
  PeerRequest* request = requests_.find_request(request_id);
  if (request == nullptr) return;
  request->is_cancelled = true;
  if (std::exchange(request->notify_cancel, false) && handler_ != nullptr) {
    handler_->on_cancel(request->cancel_cookie, code);
  }
}

void ConnectionCore::end_all_requests() {
  for (const protocol::CreditToken& token : held_credit_) session_.release(token, now_);
  held_credit_.clear();
  for (std::uint32_t slot = 0; slot < requests_.slot_count(); ++slot) {
    PeerRequest& request = requests_.at(slot);
    if (!request.is_used) continue;
    const bool notify = request.notify_cancel;
    const std::uint64_t cookie = request.cancel_cookie;
    session_.release(request.token, now_);
    requests_.erase(slot);
    if (notify && handler_ != nullptr) handler_->on_cancel(cookie, close_reason_.code);
  }
}

bool ConnectionCore::admit(std::uint64_t bytes) {
  return options_.budget == nullptr ||
         options_.budget->try_reserve(flowcontrol::Pool::ingress, bytes);
}

void ConnectionCore::unadmit(std::uint64_t bytes) {
  if (options_.budget != nullptr) options_.budget->release(flowcontrol::Pool::ingress, bytes);
}

GateRef::GateRef(ConnectionGate* gate) noexcept : gate_(gate) {
  if (gate_ != nullptr) ++gate_->references;
}

GateRef::~GateRef() {
  if (gate_ != nullptr && --gate_->references == 0) delete gate_;
}

ConnectionCore* GateRef::core() const noexcept { return gate_ == nullptr ? nullptr : gate_->core; }

void GateRef::close() noexcept { gate_->core = nullptr; }

Responder& Responder::operator=(Responder&& other) noexcept {
  if (this == &other) return *this;
  if (gate_.core() != nullptr) (void)refuse(ErrorCode::cancelled);
  gate_ = std::move(other.gate_);
  slot_ = other.slot_;
  generation_ = other.generation_;
  return *this;
}

Responder::~Responder() {
  if (gate_.core() != nullptr) (void)refuse(ErrorCode::cancelled);
}

Status Responder::answer(const protocol::ResponseOptions& options, const protocol::Body& body) {
  GREY_CHECK(gate_.is_set());
  const GateRef gate = std::move(gate_);
  if (gate.core() == nullptr) return fail(ErrorCode::closed_locally, "the connection is gone");
  return gate.core()->answer(slot_, generation_, options, body);
}

bool Responder::is_wanted() const noexcept {
  return gate_.core() != nullptr && gate_.core()->find_request(slot_, generation_) != nullptr;
}

bool Responder::is_cancelled() const noexcept {
  const PeerRequest* request =
      gate_.core() == nullptr ? nullptr : gate_.core()->find_request(slot_, generation_);
  return request == nullptr || request->is_cancelled;
}

void Responder::notify_cancel(std::uint64_t cookie) noexcept {
  if (gate_.core() == nullptr) return;
  PeerRequest* request = gate_.core()->find_request(slot_, generation_);
  if (request == nullptr) return;
  request->notify_cancel = true;
  request->cancel_cookie = cookie;
}

}  // namespace grey::rpc
