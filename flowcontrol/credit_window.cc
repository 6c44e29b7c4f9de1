#include "flowcontrol/credit_window.h"

#include <algorithm>
#include <string>

#include "base/check.h"

namespace grey::flowcontrol {
namespace {

std::string describe(Credit credit) {
  return std::to_string(credit.bytes) + " bytes and " + std::to_string(credit.messages) +
         " messages";
}

bool within(Credit part, Credit whole) {
  return part.bytes <= whole.bytes && part.messages <= whole.messages;
}

}  // namespace

void SendWindow::consume(std::uint64_t bytes) noexcept {
  GREY_CHECK(can_send(bytes));
  spent_.bytes += bytes;
  spent_.messages += 1;
}

Status SendWindow::on_grant(Credit totals) {
  if (!within(granted_, totals)) {
    return fail(ErrorCode::bad_credit,
                "grant went back from " + describe(granted_) + " to " + describe(totals));
  }
  if (!within(totals, {credit_total_max, credit_total_max})) {
    return fail(ErrorCode::bad_credit, "grant of " + describe(totals) + " is beyond any total");
  }
  granted_ = totals;
  return {};
}

void SendWindow::check_invariants() const noexcept {
  GREY_CHECK(within(spent_, granted_));
  GREY_CHECK(within(granted_, {credit_total_max, credit_total_max}));
}

ReceiveWindow::ReceiveWindow(Credit window) noexcept : window_(window), granted_(window) {
  GREY_CHECK(window.bytes > 0 && window.messages > 0);
  GREY_CHECK(within(window, {credit_total_max / 2, credit_total_max / 2}));
}

Status ReceiveWindow::on_received(std::uint64_t bytes) {
  // Compared by subtraction: `received + bytes` could wrap.
  if (bytes > granted_.bytes - received_.bytes || granted_.messages == received_.messages) {
    return fail(
        ErrorCode::credit_violation,
        "a message of " + std::to_string(bytes) + " bytes with credit for " +
            describe({granted_.bytes - received_.bytes, granted_.messages - received_.messages}));
  }
  received_.bytes += bytes;
  received_.messages += 1;
  return {};
}

void ReceiveWindow::release(std::uint64_t bytes, std::uint64_t messages) noexcept {
  GREY_CHECK(within({bytes, messages}, unreleased()));
  released_.bytes += bytes;
  released_.messages += messages;
}

bool ReceiveWindow::grant_due() const noexcept {
  const std::uint64_t bytes = released_.bytes + window_.bytes - granted_.bytes;
  const std::uint64_t messages = released_.messages + window_.messages - granted_.messages;
  const auto half = [](std::uint64_t whole) { return std::max<std::uint64_t>(1, whole / 2); };
  return bytes >= half(window_.bytes) || messages >= half(window_.messages);
}

Credit ReceiveWindow::grant() noexcept {
  // The last of a total that cannot be reached in practice: stop granting rather than wrap.
  granted_.bytes = std::min(released_.bytes + window_.bytes, credit_total_max);
  granted_.messages = std::min(released_.messages + window_.messages, credit_total_max);
  return granted_;
}

void ReceiveWindow::check_invariants() const noexcept {
  GREY_CHECK(within(released_, received_));
  GREY_CHECK(within(received_, granted_));
  GREY_CHECK(granted_.bytes - released_.bytes <= window_.bytes);
  GREY_CHECK(granted_.messages - released_.messages <= window_.messages);
}

}  // namespace grey::flowcontrol
