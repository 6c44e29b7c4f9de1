#include "rpc/connection.h"

#include "rpc/connection_core.h"

namespace grey::rpc {

Connection::Connection(transport::Executor& executor, protocol::SessionConfig session,
                       ConnectionOptions options, ConnectionEvents& events, RequestHandler* handler)
    : core_(new ConnectionCore(executor, std::move(session), options, events, handler)) {}
Connection::~Connection() { core_->dispose(); }

void Connection::start(std::unique_ptr<transport::Stream> stream) {
  core_->start(std::move(stream));
}
void Connection::fail_before_start(const Error& reason) { core_->fail_before_start(reason); }
CallId Connection::call(const CallOptions& options, const protocol::Body& body, CallSink& sink,
                        std::uint64_t cookie, const breaker::Permit& permit) {
  return core_->call(options, body, sink, cookie, permit);
}
CallId Connection::call(const CallOptions& options, const protocol::Body& body, CallFunction done) {
  return core_->call(options, body, sink_of(std::move(done)), 0, {});
}
CallId Connection::refuse_call(const Error& why, CallSink& sink, std::uint64_t cookie) {
  return core_->refuse_call(why, sink, cookie);
}
bool Connection::cancel(CallId id) { return core_->cancel(id); }
Status Connection::send_oneway(const protocol::OnewayOptions& options, const protocol::Body& body) {
  return core_->send_oneway(options, body);
}
void Connection::drain(MonotonicTime deadline, ErrorCode code) { core_->drain(deadline, code); }
void Connection::close(const Error& reason) { core_->close(reason); }
bool Connection::is_open() const noexcept { return core_->is_open(); }
std::size_t Connection::calls_outstanding() const noexcept { return core_->calls_outstanding(); }
std::size_t Connection::requests_unanswered() const noexcept {
  return core_->requests_unanswered();
}
const protocol::PeerInfo& Connection::peer() const noexcept { return core_->peer(); }
std::string Connection::peer_address() const { return core_->peer_address(); }
protocol::SessionStats Connection::stats() const { return core_->stats(); }
std::uint64_t Connection::next_call_number() const noexcept { return core_->next_call_number(); }

}  // namespace grey::rpc
