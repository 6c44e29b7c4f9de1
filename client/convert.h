// Between the public types and those of the wire.
#pragma once
#include <boost/system/error_code.hpp>

#include <grey/error.h>
#include <grey/types.h>
#include "base/error.h"
#include "client/flow.h"
#include "protocol/data_messages.h"

namespace grey::detail {

/// operation_aborted for `cancelled`, success for ok, else the errc.
boost::system::error_code to_error_code(ErrorCode code) noexcept;

OperationId id_of(const Version& version) noexcept;
Version version_of(const OperationId& id) noexcept;
WriteToken token_of(const client::Submission& submission) noexcept;
client::Submission submission_of(const WriteToken& token) noexcept;
ClusterView view_of(const protocol::ClusterInfo& info);

}  // namespace grey::detail
