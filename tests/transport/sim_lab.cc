// The suite on the simulator: once on a quiet network, once on one that cuts everything to pieces.
#include "tests/transport/scene.h"
#include "transport/sim/sim_transport.h"
#include "transport/sim/world.h"

namespace grey::transport {
namespace {

class SimRudePeer final : public RudePeer {
 public:
  SimRudePeer(sim::World& world, const Endpoint& endpoint) : world_(world) {
    sim::SimTransport& loop = world.transport(2);
    attempt_ = loop.connect(endpoint, never, [this](Result<std::unique_ptr<Stream>> stream) {
      stream_ = std::move(*stream);
    });
    world.run_until([this] { return stream_ != nullptr; }, never);
  }
  void vanish() override { world_.crash(2, sim::PeersSee::reset); }

 private:
  sim::World& world_;
  std::unique_ptr<ConnectAttempt> attempt_;
  std::unique_ptr<Stream> stream_;
};

class SimLab final : public Lab {
 public:
  explicit SimLab(const sim::NetworkOptions& network)
      : world_(std::make_unique<sim::World>(20'26, network)) {
    world_->transport(1);
  }

  Transport& loop() override { return world_->transport(1); }
  void run(Task body) override {
    bool done = false;
    loop().post([&] {
      body();
      done = true;
    });
    while (!done) world_->step();
  }
  bool wait(std::function<bool()> condition) override {
    return world_->run_until(condition, std::chrono::minutes(10));
  }
  void stop() override {}
  void destroy() override { world_.reset(); }
  std::string host() const override { return sim::host_name(1); }
  Endpoint black_hole() override { return {sim::host_name(99), 7}; }
  std::unique_ptr<RudePeer> rude_connect(const Endpoint& endpoint) override {
    return std::make_unique<SimRudePeer>(*world_, endpoint);
  }

 private:
  std::unique_ptr<sim::World> world_;
};

std::unique_ptr<Lab> make_quiet() { return std::make_unique<SimLab>(sim::NetworkOptions{}); }
std::unique_ptr<Lab> make_hostile() {
  return std::make_unique<SimLab>(sim::NetworkOptions::hostile());
}

INSTANTIATE_TEST_SUITE_P(sim, Conformance,
                         testing::Values(LabKind{"quiet", make_quiet},
                                         LabKind{"hostile", make_hostile}),
                         lab_name);

}  // namespace
}  // namespace grey::transport
