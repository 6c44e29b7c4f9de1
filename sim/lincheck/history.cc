#include "sim/lincheck/history.h"

#include "base/check.h"

namespace grey::lincheck {
namespace {

std::string shorten(ByteView bytes) {
  constexpr std::size_t shown_max = 24;
  constexpr char digits[] = "0123456789abcdef";
  std::string out;
  for (const char c : bytes.substr(0, shown_max)) {
    const auto byte = static_cast<unsigned char>(c);
    if (byte > 0x20 && byte < 0x7f && byte != '\\') {
      out += c;
    } else {
      out += {'\\', 'x', digits[byte >> 4], digits[byte & 15]};
    }
  }
  if (bytes.size() > shown_max) out += "...(" + std::to_string(bytes.size()) + " bytes)";
  return out;
}

}  // namespace

Text History::intern(ByteView bytes) {
  const auto [entry, is_new] =
      interned_.try_emplace(xxh3_128(bytes), static_cast<Text>(shown_.size()));
  if (is_new) shown_.push_back(shorten(bytes));
  return entry->second;
}

std::string History::show(Text text) const {
  return text == some_value ? "(some value that nobody saw)" : shown_.at(text);
}

OperationIndex History::invoke(const Call& call, std::int64_t time_ns) {
  operations_.push_back({.call = call, .reply = {}, .invoked = ++events_, .invoked_ns = time_ns});
  return static_cast<OperationIndex>(operations_.size() - 1);
}

void History::complete(OperationIndex index, const Reply& reply, std::int64_t time_ns) {
  Operation& operation = operations_.at(index);
  GREY_CHECK(operation.returned == 0);
  GREY_CHECK(reply.outcome != Outcome::failed || operation.call.kind == Kind::cas);
  GREY_CHECK(reply.outcome != Outcome::ok || operation.call.kind != Kind::get || reply.seen);
  operation.reply = reply;
  operation.returned = ++events_;
  operation.returned_ns = time_ns;
}

History History::without_operations() const {
  History out = *this;
  out.operations_.clear();
  out.events_ = 0;
  return out;
}

}  // namespace grey::lincheck
