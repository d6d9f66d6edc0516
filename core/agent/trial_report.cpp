// SPDX-License-Identifier: GPL-3.0-or-later
#include "core/agent/trial_report.h"

#include <fmt/format.h>

#include "core/base/units.h"

namespace ratchet {
namespace {

// The report's part of this name; null when there is none.
Json partOf(const Json& report, const char* name)
{
    return report.is_object() ? report.value(name, Json()) : Json();
}

Result<std::string> ofLabels(const Json& json)
{
    std::string labels;
    std::int64_t asked = 0, kept = 0;
    double right = 0;
    RATCHET_CHECK(Fields(json, "the labels").read("labels", labels).read("asked", asked).read("kept", kept).read("right", right).status());
    return fmt::format("{} labels on {} harder items: {} kept, {} of them right.", labels, asked, kept, toTextPercent(right));
}

struct Order {
    double right = 0, margin = 0;
};

Result<Order> orderIn(const Json& json, const char* name)
{
    Json part;
    Order order;
    RATCHET_CHECK(Fields(json, "the pairs").read(name, part).status());
    RATCHET_CHECK(Fields(part, "the pairs' order").read("right", order.right).read("margin", order.margin).status());
    return order;
}

Result<std::string> ofPairs(const Json& json)
{
    std::int64_t users = 0, graded = 0, asked = 0;
    double mixed = 0;
    Json leftOut;
    RATCHET_CHECK(Fields(json, "the pairs").read("users", users).read("graded", graded).read("asked", asked).read("mixed", mixed).read("leftOut", leftOut).status());
    RATCHET_TRY(before, orderIn(json, "before"));
    RATCHET_TRY(after, orderIn(json, "after"));
    std::string text = fmt::format("{} pairs by the checker ({} of {} items were answered rightly and wrongly) and {} by users; "
                                   "in the right order {} before and {} after, mean margin {:+.2f} and {:+.2f} nats",
                                   graded, toTextPercent(mixed), asked, users, toTextPercent(before.right), toTextPercent(after.right),
                                   before.margin, after.margin);
    std::string left;
    if (leftOut.is_object())
        for (const auto& [why, count] : leftOut.items())
            if (count.is_number_integer())
                left += fmt::format("{}{} {}", left.empty() ? "" : ", ", count.get<std::int64_t>(), why);
    return text + (left.empty() ? "." : fmt::format("; left out: {}.", left));
}

// What became of the parent's weights, and whether the first model was the parent's function.
Result<std::string> ofSurgery(const Json& json)
{
    bool keepsFunction = false;
    std::string note, moments;
    RATCHET_CHECK(Fields(json, "the surgery").read("keepsFunction", keepsFunction).read("note", note).read("moments", moments).status());
    return moments.empty() ? note : fmt::format("{} {}", note, moments);
}

// Nothing to say while nothing was left out.
Result<std::string> ofPools(const Json& json)
{
    std::int64_t duplicates = 0, contaminated = 0;
    RATCHET_CHECK(Fields(json, "the pools").read("duplicates", duplicates).read("contaminated", contaminated).status());
    std::string text;
    if (contaminated > 0)
        text = fmt::format("{} that the gate or the vault may ask", contaminated);
    if (duplicates > 0)
        text += fmt::format("{}{} that stood there twice", text.empty() ? "" : ", ", duplicates);
    return text.empty() ? text : fmt::format("Left out of its pools of items: {}.", text);
}

} // namespace

Json reportOf(const Trained& trained)
{
    Json report;
    for (const auto& [name, part] : {std::pair("selfTraining", &trained.selfTraining), std::pair("data", &trained.data),
                                     std::pair("preference", &trained.preference), std::pair("population", &trained.population), std::pair("surgery", &trained.surgery)})
        if (!part->is_null())
            report[name] = *part;
    return report;
}

std::vector<std::string> sentencesOf(const Json& report)
{
    std::vector<std::string> list;
    for (const auto& sentence : {ofSurgery(partOf(report, "surgery")), ofPools(partOf(report, "data")), ofLabels(partOf(report, "selfTraining")),
                                 ofPairs(partOf(report, "preference"))})
        if (sentence && !sentence->empty())
            list.push_back(*sentence);
    return list;
}

} // namespace ratchet
