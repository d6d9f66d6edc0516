// SPDX-License-Identifier: GPL-3.0-or-later
#include "core/base/error.h"

namespace ratchet {

int exitStatus(Code code)
{
    switch (code) {
    case Code::Usage:
        return 2;
    case Code::BadInput:
    case Code::Environment:
    case Code::Newer:
    case Code::Damaged:
    case Code::Conflict:
        return 3;
    case Code::NotFound:
    case Code::Refused:
    case Code::Failed:
    case Code::Cancelled:
        return 1;
    }
    return 1;
}

std::string codeName(Code code)
{
    switch (code) {
    case Code::Usage: return "usage";
    case Code::BadInput: return "bad-input";
    case Code::NotFound: return "not-found";
    case Code::Refused: return "refused";
    case Code::Conflict: return "conflict";
    case Code::Environment: return "environment";
    case Code::Newer: return "newer";
    case Code::Damaged: return "damaged";
    case Code::Failed: return "failed";
    case Code::Cancelled: return "cancelled";
    }
    return "failed";
}

} // namespace ratchet
