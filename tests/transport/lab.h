// Where a conformance test runs: one loop, and a way to act on its thread and to wait for something
// to become true there. The simulated lab steps virtual time; the real ones run a thread.
#pragma once
#include <functional>
#include <memory>
#include <ostream>
#include <string>

#include "base/clock.h"
#include "transport/stream.h"

namespace grey::transport {

/// A peer without manners.
class RudePeer {
 public:
  virtual ~RudePeer() = default;
  /// Resets the connection.
  virtual void vanish() = 0;
};

class Lab {
 public:
  virtual ~Lab() = default;
  virtual Transport& loop() = 0;
  /// Runs `body` in a callback of the loop and returns when it has run.
  virtual void run(Task body) = 0;
  /// Lets the loop run until `condition` (evaluated on it) holds. False if that does not happen;
  /// the limit is there to end a broken test, not to measure.
  virtual bool wait(std::function<bool()> condition) = 0;
  /// Ends the loop: when this returns, no callback comes any more. Idempotent.
  virtual void stop() = 0;
  /// Destroys the transport, after stop().
  virtual void destroy() = 0;

  /// The host that the loop can listen on.
  virtual std::string host() const = 0;
  /// An address that nobody ever answers from.
  virtual Endpoint black_hole() = 0;
  /// A connection to `endpoint` from outside the loop.
  virtual std::unique_ptr<RudePeer> rude_connect(const Endpoint& endpoint) = 0;
};

/// A kind of lab: what the suites are instantiated with.
struct LabKind {
  const char* name;
  std::unique_ptr<Lab> (*make)();
  friend void PrintTo(const LabKind& kind, std::ostream* out) { *out << kind.name; }
};

}  // namespace grey::transport
