#include "cluster/register/ballot.h"

namespace grey::cluster {

std::string Ballot::to_string() const {
  return std::to_string(epoch) + "." + std::to_string(round) + ".n" + std::to_string(node) + "." +
         std::to_string(incarnation) + "." + std::to_string(sequence);
}

}  // namespace grey::cluster
