// SPDX-License-Identifier: GPL-3.0-or-later
// What a user says about an answer, as a record the engine can keep. Pure: writes nothing. Any thread.
#pragma once

#include "core/base/clock.h"
#include "core/launch/messages.h"
#include "core/plugin/domain.h"
#include "core/store/records.h"

namespace ratchet {

// `question` is set when the prompt is one of the domain's questions; feedback on anything else is kept for people only.
// BadInput when the correction cannot be an answer to the question, or when there is neither correction nor rating.
[[nodiscard]] Result<OutcomeRecord> outcomeOf(const FeedbackGiven& feedback, const Domain& domain, Time time);

} // namespace ratchet
