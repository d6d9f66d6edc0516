// SPDX-License-Identifier: GPL-3.0-or-later
// What a worker tells of the weights and data it started from, kept with the trial and put into words. It is the worker's word: nothing
// is decided by it. Any thread.
#pragma once

#include <string>
#include <vector>

#include "core/launch/messages.h"

namespace ratchet {

// Trained's selfTraining, data, preference, population and surgery by name, as far as there are any; null when there are none.
[[nodiscard]] Json reportOf(const Trained& trained);
// A sentence each on the parent's weights, on items left out, on labels and on pairs of answers; a part that does not read as a trainer writes it is passed over.
[[nodiscard]] std::vector<std::string> sentencesOf(const Json& report);

} // namespace ratchet
