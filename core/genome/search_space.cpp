// SPDX-License-Identifier: GPL-3.0-or-later
#include "core/genome/search_space.h"

#include <cmath>

#include "core/genome/genome_paths.h"

namespace ratchet {
namespace {

Result<Bound> boundFromJson(const std::string& path, const Json& json)
{
    Fields in(json, "the search space at " + path);
    if (json.is_object() && json.contains("choices")) {
        Choice choice;
        in.read("choices", choice.values).onlyKnown();
        if (choice.values.empty())
            in.fault("\"choices\" is empty");
        RATCHET_CHECK(in.status());
        return choice;
    }
    if (json.is_object() && json.contains("versions")) {
        Versions versions;
        in.read("versions", versions.most).onlyKnown();
        if (versions.most < 1)
            in.fault("\"versions\" allows none");
        RATCHET_CHECK(in.status());
        return versions;
    }
    Range range;
    in.read("low", range.low).read("high", range.high).readIf("integer", range.integer).readIf("log", range.logarithmic);
    in.onlyKnown();
    if (!(range.low <= range.high) || (range.logarithmic && range.low <= 0))
        in.fault("\"low\" and \"high\" are no range");
    RATCHET_CHECK(in.status());
    return range;
}

std::string describe(const Bound& bound)
{
    if (const auto* choice = std::get_if<Choice>(&bound))
        return "one of " + Json(choice->values).dump();
    if (const auto* versions = std::get_if<Versions>(&bound))
        return fmt::format("a list of at most {} versions", versions->most);
    const auto& range = std::get<Range>(bound);
    return fmt::format("{} between {:g} and {:g}", range.integer ? "a whole number" : "a number", range.low, range.high);
}

bool admitsValue(const Bound& bound, const Json& value)
{
    if (const auto* choice = std::get_if<Choice>(&bound))
        return std::find(choice->values.begin(), choice->values.end(), value) != choice->values.end();
    if (const auto* versions = std::get_if<Versions>(&bound))
        return value.is_array() && value.size() <= static_cast<std::size_t>(versions->most);
    const auto& range = std::get<Range>(bound);
    if (!value.is_number() || (range.integer && !value.is_number_integer()))
        return false;
    return value.get<double>() >= range.low && value.get<double>() <= range.high;
}

} // namespace

Result<SearchSpace> SearchSpace::fromJson(const Json& json)
{
    SearchSpace space;
    Json paths;
    Fields in(json, "the search space");
    in.read("paths", paths).read("maxParameters", space.m_maxParameters).onlyKnown();
    if (!paths.is_object())
        in.fault("\"paths\" is not an object");
    RATCHET_CHECK(in.status());
    for (const auto& entry : paths.items()) {
        if (!isGenomePath(entry.key()))
            return fail(Code::BadInput, fmt::format("The search space opens {}, which no genome has.", entry.key()), "docs/genome.md lists every path.");
        RATCHET_TRY(bound, boundFromJson(entry.key(), entry.value()));
        space.m_paths.emplace(entry.key(), std::move(bound));
    }
    return space;
}

Json SearchSpace::toJson() const
{
    Json paths = Json::object();
    for (const auto& [path, bound] : m_paths) {
        if (const auto* choice = std::get_if<Choice>(&bound)) {
            paths[path] = {{"choices", choice->values}};
        } else if (const auto* versions = std::get_if<Versions>(&bound)) {
            paths[path] = {{"versions", versions->most}};
        } else {
            const auto& range = std::get<Range>(bound);
            paths[path] = {{"low", range.low}, {"high", range.high}};
            if (range.integer)
                paths[path]["integer"] = true;
            if (range.logarithmic)
                paths[path]["log"] = true;
        }
    }
    return {{"paths", paths}, {"maxParameters", m_maxParameters}};
}

Status SearchSpace::admits(const Genome& parent, const Genome& child, int vocabulary) const
{
    const Json document = child.document();
    for (const Json& change : patchBetween(parent, child)) {
        // A change may lie below a path that the space names as a whole (a mixture, say): look upwards.
        std::string path = change.at("path");
        auto found = m_paths.find(path);
        while (found == m_paths.end() && path.rfind('/') != std::string::npos && path.rfind('/') > 0) {
            path.resize(path.rfind('/'));
            found = m_paths.find(path);
        }
        if (found == m_paths.end())
            return fail(Code::Refused, fmt::format("The search space does not allow {} to change.", change.at("path").get<std::string>()),
                        "`ratchet space` lists the paths that may change, and opens more.");
        const Json value = document.at(Json::json_pointer(path));
        if (!admitsValue(found->second, value))
            return fail(Code::Refused, fmt::format("The search space wants {} to be {}, not {}.", path, describe(found->second), value.dump()),
                        "The bounds are in search_space.json of the lab.");
    }
    const auto parameters = parameterCount(child, vocabulary);
    if (parameters > m_maxParameters)
        return fail(Code::Refused, fmt::format("The model would have {} parameters; the search space allows {}.", parameters, m_maxParameters),
                    "Choose a smaller width or depth, or raise maxParameters in search_space.json.");
    return {};
}

} // namespace ratchet
