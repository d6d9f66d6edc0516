// SPDX-License-Identifier: GPL-3.0-or-later
// Finds and loads domain plugins (build/<preset>/lib/ratchet/plugins/*.so beside the programs, or RATCHET_PLUGIN_PATH).
// A plugin of another version is refused by name; a plugin that throws gives an Error, never an exception. Any thread.
#pragma once

#include <filesystem>
#include <memory>
#include <string>
#include <vector>

#include "core/plugin/domain.h"

namespace ratchet {

// Names of the plugins found, sorted.
[[nodiscard]] std::vector<std::string> domainNames();
// The file that loadDomain() loads for this name; empty when there is none.
[[nodiscard]] std::filesystem::path domainFile(const std::string& name);
// NotFound with the names there are; Environment when the plugin is of another version, throws while starting, or has suites
// that checkSuites() refuses.
// Exceptions of its functions are caught by `guarded` below.
[[nodiscard]] Result<std::unique_ptr<Domain>> loadDomain(const std::string& name, const std::string& corpusFolder = {});

// What everybody who judges takes for granted: one target, which is first, names of their own, margins that a loss can pass.
// Environment, naming the suite.
[[nodiscard]] Status checkSuites(const DomainInfo& info, const std::vector<SuiteSpec>& suites);

// Runs `work` (which calls into a domain) and turns whatever it throws into Failed naming the plugin.
template <typename Work>
auto guarded(const std::string& plugin, Work&& work) -> Result<decltype(work())>
{
    try {
        return work();
    } catch (const std::exception& error) {
        return fail(Code::Failed, "The plugin \"" + plugin + "\" threw: " + error.what() + ".");
    } catch (...) {
        return fail(Code::Failed, "The plugin \"" + plugin + "\" threw something that is no exception.");
    }
}

} // namespace ratchet
