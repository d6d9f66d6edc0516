// SPDX-License-Identifier: GPL-3.0-or-later
#include "core/store/records.h"

#include <array>
#include <utility>

namespace ratchet {
namespace {

template <typename Enum>
struct Names;

template <>
struct Names<ProposalState> {
    static constexpr const char* kind = "state of a proposal";
    static constexpr std::array<const char*, 14> list{"queued",       "running", "trained",   "accepted",  "rejected",
                                                      "inconclusive", "failed",  "cancelled", "duplicate", "waiting",
                                                      "promoted",     "declined", "superseded", "screened"};
};
template <>
struct Names<TrialState> {
    static constexpr const char* kind = "state of a trial";
    static constexpr std::array<const char*, 5> list{"pending", "running", "trained", "failed", "cancelled"};
};
template <>
struct Names<Verdict> {
    static constexpr const char* kind = "verdict";
    static constexpr std::array<const char*, 4> list{"accept", "reject", "inconclusive", "no-result"};
};
template <>
struct Names<DecisionKind> {
    static constexpr const char* kind = "decision";
    static constexpr std::array<const char*, 3> list{"approve", "reject", "more-evidence"};
};
template <>
struct Names<DeploymentKind> {
    static constexpr const char* kind = "kind of deployment";
    static constexpr std::array<const char*, 3> list{"seed", "promote", "rollback"};
};
template <>
struct Names<GoalState> {
    static constexpr const char* kind = "state of a goal";
    static constexpr std::array<const char*, 4> list{"open", "active", "reached", "given-up"};
};

template <>
struct Names<Code> {
    static constexpr const char* kind = "kind of error";
    static constexpr std::array<const char*, 10> list{"usage",       "bad-input", "not-found", "refused", "conflict",
                                                      "environment", "newer",     "damaged",   "failed",  "cancelled"};
};

template <typename Enum>
std::string nameOf(Enum value)
{
    return Names<Enum>::list.at(static_cast<std::size_t>(value));
}

template <typename Enum>
Result<Enum> find(const std::string& name)
{
    for (std::size_t i = 0; i < Names<Enum>::list.size(); ++i)
        if (name == Names<Enum>::list[i])
            return static_cast<Enum>(i);
    return fail(Code::BadInput, fmt::format("\"{}\" is not a {}.", name, Names<Enum>::kind));
}

} // namespace

std::string toText(ProposalState state) { return nameOf(state); }
std::string toText(TrialState state) { return nameOf(state); }
std::string toText(Verdict verdict) { return nameOf(verdict); }
std::string toText(DecisionKind kind) { return nameOf(kind); }
std::string toText(DeploymentKind kind) { return nameOf(kind); }
std::string toText(GoalState state) { return nameOf(state); }
std::string toText(Code code) { return codeName(code); }

template <>
Result<ProposalState> fromText(const std::string& name) { return find<ProposalState>(name); }
template <>
Result<TrialState> fromText(const std::string& name) { return find<TrialState>(name); }
template <>
Result<Verdict> fromText(const std::string& name) { return find<Verdict>(name); }
template <>
Result<DecisionKind> fromText(const std::string& name) { return find<DecisionKind>(name); }
template <>
Result<DeploymentKind> fromText(const std::string& name) { return find<DeploymentKind>(name); }
template <>
Result<GoalState> fromText(const std::string& name) { return find<GoalState>(name); }
template <>
Result<Code> fromText(const std::string& name) { return find<Code>(name); }

} // namespace ratchet
