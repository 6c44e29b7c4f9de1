// What a conformance test sets up: a lab, listeners and recorders of streams. To be declared after
// the plain variables that callbacks touch: its destructor ends the loop first.
#pragma once
#include <gtest/gtest.h>

#include <list>
#include <memory>
#include <string>
#include <vector>

#include "base/random.h"
#include "tests/transport/lab.h"
#include "tests/transport/recorder.h"

namespace grey::transport {

class Scene {
 public:
  explicit Scene(const LabKind& kind) : lab(kind.make()) {}
  ~Scene() { end(); }
  Scene(const Scene&) = delete;
  Scene& operator=(const Scene&) = delete;

  Transport& loop() { return lab->loop(); }
  void run(Task body) { lab->run(std::move(body)); }
  bool wait(std::function<bool()> condition) { return lab->wait(std::move(condition)); }

  /// Listens on a port of the system's choice; `prepare` sees each accepted stream's recorder
  /// before it starts. On the test's thread.
  Endpoint listen(std::function<void(Recorder&)> prepare = {}) {
    Endpoint at;
    run([&] {
      auto listener = loop().listen({lab->host(), 0}, [this, prepare](std::unique_ptr<Stream> s) {
        accepted.push_back(std::make_unique<Recorder>());
        Recorder& recorder = *accepted.back();
        if (prepare) prepare(recorder);
        recorder.adopt(std::move(s));
      });
      ASSERT_TRUE(listener.has_value()) << listener.error().message();
      at = (*listener)->local_endpoint();
      listeners.push_back(std::move(*listener));
    });
    return at;
  }
  Endpoint listen_echo() { return listen(make_echo); }

  /// Begins to connect. On the loop's thread.
  Recorder& connect_from_loop(const Endpoint& to, Duration timeout = std::chrono::seconds(20)) {
    connected.push_back(std::make_unique<Recorder>());
    Recorder& recorder = *connected.back();
    attempts.push_back(loop().connect(to, loop().now() + timeout,
                                      [&recorder](Result<std::unique_ptr<Stream>> stream) {
                                        EXPECT_FALSE(recorder.has_stream());
                                        EXPECT_FALSE(recorder.connect_error.has_value());
                                        if (stream) {
                                          recorder.adopt(std::move(*stream));
                                        } else {
                                          recorder.connect_error = stream.error();
                                        }
                                      }));
    return recorder;
  }
  /// Connects and waits for both ends. On the test's thread.
  Recorder& connect(const Endpoint& to) {
    Recorder* recorder = nullptr;
    std::size_t before = 0;
    run([&] {
      before = accepted.size();
      recorder = &connect_from_loop(to);
    });
    EXPECT_TRUE(wait([&] { return recorder->has_stream() && accepted.size() > before; }));
    return *recorder;
  }
  Recorder& last_accepted() { return *accepted.back(); }

  /// Ends the loop, then destroys everything that lived on it.
  void end() {
    if (!lab) return;
    lab->stop();
    attempts.clear();
    listeners.clear();
    streams.clear();
    connected.clear();
    accepted.clear();
    lab->destroy();
    lab.reset();
  }

  std::unique_ptr<Lab> lab;
  std::vector<std::unique_ptr<Listener>> listeners;
  std::vector<std::unique_ptr<ConnectAttempt>> attempts;
  std::vector<std::unique_ptr<Stream>> streams;  // those without a recorder
  std::vector<std::unique_ptr<Recorder>> connected;
  std::vector<std::unique_ptr<Recorder>> accepted;
};

inline Bytes noise(std::size_t size, std::uint64_t seed) {
  Random random(seed);
  Bytes out(size, '\0');
  for (char& c : out) c = static_cast<char>(random.next() >> 32);
  return out;
}

/// What every transport passes.
class Conformance : public testing::TestWithParam<LabKind> {};
/// What those on real sockets pass as well.
class SocketConformance : public testing::TestWithParam<LabKind> {};

/// For INSTANTIATE_TEST_SUITE_P.
inline std::string lab_name(const testing::TestParamInfo<LabKind>& lab) { return lab.param.name; }

}  // namespace grey::transport
