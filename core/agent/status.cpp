// SPDX-License-Identifier: GPL-3.0-or-later
#include "core/agent/status.h"

namespace ratchet {

Json EngineStatus::toJson() const
{
    Json list = Json::array();
    for (const Running& one : running)
        list.push_back({{"proposal", one.proposal.value}, {"title", one.title}, {"stage", one.stage},
                        {"fraction", one.fraction}, {"loss", one.loss}, {"left", one.left.count()}});
    return {{"stage", stage}, {"tooth", tooth}, {"running", list}, {"logEValue", logEValue},
            {"logThreshold", logThreshold}, {"spent", spent.value}, {"budget", budget.value}, {"champion", champion},
            {"waitingDecisions", waitingDecisions}, {"sandboxLevel", sandboxLevel}, {"elapsed", elapsed.count()},
            {"remaining", remaining.count()}, {"updated", updated.time_since_epoch().count()}};
}

Result<EngineStatus> EngineStatus::fromJson(const Json& json)
{
    EngineStatus status;
    std::int64_t elapsed = 0, remaining = 0, updated = 0;
    Json list;
    Fields in(json, "the engine's status");
    in.read("stage", status.stage).read("tooth", status.tooth).read("running", list).read("logEValue", status.logEValue);
    in.read("logThreshold", status.logThreshold).read("spent", status.spent.value).read("budget", status.budget.value);
    in.read("champion", status.champion).read("waitingDecisions", status.waitingDecisions);
    in.read("sandboxLevel", status.sandboxLevel).read("elapsed", elapsed).read("remaining", remaining).read("updated", updated);
    RATCHET_CHECK(in.status());
    for (const Json& entry : list) {
        Running one;
        std::int64_t left = 0;
        Fields fields(entry, "the engine's status");
        fields.read("proposal", one.proposal.value).read("title", one.title).read("stage", one.stage);
        fields.read("fraction", one.fraction).read("loss", one.loss).readIf("left", left);
        RATCHET_CHECK(fields.status());
        one.left = std::chrono::milliseconds(left);
        status.running.push_back(std::move(one));
    }
    status.elapsed = std::chrono::milliseconds(elapsed);
    status.remaining = std::chrono::milliseconds(remaining);
    status.updated = Time(std::chrono::milliseconds(updated));
    return status;
}

} // namespace ratchet
