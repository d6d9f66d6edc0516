// SPDX-License-Identifier: GPL-3.0-or-later
// The search space: which paths of a genome may change and within what bounds. A file the human owns (LAB/search_space.json);
// the engine refuses everything outside, whoever asks. Plain values; any thread.
#pragma once

#include <map>
#include <string>
#include <variant>
#include <vector>

#include "core/genome/genome.h"

namespace ratchet {

struct Choice { std::vector<Json> values; };                  // one of these
struct Range { double low = 0, high = 0; bool integer = false; bool logarithmic = false; };   // low <= x <= high
struct Versions { int most = 0; };                            // a list of at most so many versions of the lab, by name
using Bound = std::variant<Choice, Range, Versions>;

class SearchSpace {
public:
    // {"paths": {"/recipe/learningRate": {"low": 1e-4, "high": 1e-2, "log": true},
    //            "/architecture/layers": {"low": 1, "high": 6, "integer": true},
    //            "/reasoning/format": {"choices": ["plain", "reversed"]},
    //            "/recipe/teachers": {"versions": 2}},
    //  "maxParameters": 2000000}
    [[nodiscard]] static Result<SearchSpace> fromJson(const Json& json);
    [[nodiscard]] Json toJson() const;

    // Refused, naming path and bound, when `child` differs from `parent` outside the space; every changed leaf is checked. Whether a
    // version that is named exists, the engine knows (core/agent/admission.h).
    [[nodiscard]] Status admits(const Genome& parent, const Genome& child, int vocabulary) const;
    [[nodiscard]] const std::map<std::string, Bound>& paths() const { return m_paths; }

private:
    std::map<std::string, Bound> m_paths;
    std::int64_t m_maxParameters = 0;
};

} // namespace ratchet
