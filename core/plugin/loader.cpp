// SPDX-License-Identifier: GPL-3.0-or-later
#include "core/plugin/loader.h"

#include <cstdlib>
#include <cstring>
#include <set>

#include <dlfcn.h>

#include "core/base/file.h"

namespace ratchet {
namespace {

namespace fs = std::filesystem;

// RATCHET_PLUGIN_PATH (folders separated by colons) comes before the folder beside the programs.
std::vector<fs::path> pluginFolders()
{
    std::vector<fs::path> folders;
    if (const char* path = std::getenv("RATCHET_PLUGIN_PATH")) {
        std::string_view left(path);
        while (!left.empty()) {
            const auto end = std::min(left.find(':'), left.size());
            if (end > 0)
                folders.emplace_back(left.substr(0, end));
            left.remove_prefix(std::min(end + 1, left.size()));
        }
    }
    folders.push_back(programFolder() / ".." / "lib" / "ratchet" / "plugins");
    return folders;
}

bool isName(const std::string& name)
{
    return !name.empty() && name.find_first_not_of("abcdefghijklmnopqrstuvwxyz0123456789-_") == std::string::npos;
}

std::string joined(const std::vector<std::string>& names)
{
    std::string text;
    for (const auto& name : names)
        text += (text.empty() ? "" : ", ") + name;
    return text;
}

struct Closer {
    void operator()(void* handle) const { ::dlclose(handle); }
};

// The plugin's description, checked; null handle never. The library stays loaded for the life of the process once its
// description was accepted, because domains and what they return hold pointers into it.
Result<const PluginInfo*> openPlugin(const std::string& name, const fs::path& file)
{
    std::unique_ptr<void, Closer> handle(::dlopen(file.c_str(), RTLD_NOW | RTLD_LOCAL));
    if (!handle) {
        const char* reason = ::dlerror();
        return fail(Code::Environment, fmt::format("The plugin \"{}\" cannot be loaded: {}.", name, reason ? reason : "unknown reason"),
                    "Build it again together with the programs.");
    }
    const auto* info = static_cast<const PluginInfo*>(::dlsym(handle.get(), "ratchetPlugin"));
    if (!info)
        return fail(Code::Environment, fmt::format("{} is no plugin of Ratchet.", file.string()), "Remove it from the plugin folder.");
    if (info->abi != pluginAbi)
        return fail(Code::Environment, fmt::format("The plugin \"{}\" speaks version {} of the plugin interface, this program version {}.",
                                                   name, info->abi, pluginAbi), "Build it again together with the programs.");
    if (!info->ratchetVersion || std::strcmp(info->ratchetVersion, RATCHET_VERSION) != 0)
        return fail(Code::Environment, fmt::format("The plugin \"{}\" was built for Ratchet {}, this program is {}.", name,
                                                   info->ratchetVersion ? info->ratchetVersion : "?", RATCHET_VERSION),
                    "Build it again together with the programs.");
    if (!info->name || name != info->name || !info->create)
        return fail(Code::Environment, fmt::format("The plugin in {} calls itself \"{}\".", file.string(), info->name ? info->name : "?"),
                    "Rename the file.");
    static_cast<void>(handle.release());
    return info;
}

} // namespace

fs::path domainFile(const std::string& name)
{
    std::error_code error;
    if (isName(name))
        for (const auto& folder : pluginFolders())
            if (const auto file = folder / (name + ".so"); fs::is_regular_file(file, error))
                return file;
    return {};
}

std::vector<std::string> domainNames()
{
    std::set<std::string> names;
    for (const auto& folder : pluginFolders()) {
        std::error_code error;
        for (const auto& entry : fs::directory_iterator(folder, error))
            if (entry.path().extension() == ".so" && isName(entry.path().stem()))
                names.insert(entry.path().stem());
    }
    return {names.begin(), names.end()};
}

Status checkSuites(const DomainInfo& info, const std::vector<SuiteSpec>& suites)
{
    const auto wrong = [&](const std::string& what) {
        return fail(Code::Environment, fmt::format("The plugin \"{}\" cannot be judged by its suites: {}.", info.name, what), "The plugin is at fault, not the lab.");
    };
    if (suites.empty() || suites.front().role != SuiteRole::Target)
        return wrong("the first one is no target");
    std::set<std::string> names;
    for (const SuiteSpec& suite : suites) {
        if (suite.name.empty() || !names.insert(suite.name).second)
            return wrong(fmt::format("the name \"{}\" is empty or comes twice", suite.name));
        if (suite.role == SuiteRole::Target && names.size() > 1)
            return wrong(fmt::format("{} is a second target", suite.name));
        if (suite.role == SuiteRole::Retained && !(suite.margin >= 0 && suite.margin < differenceRange(info.measure)))
            return wrong(fmt::format("the margin of {} is {}, not 0 to below {}, so that no loss could pass it", suite.name, suite.margin,
                                     differenceRange(info.measure)));
    }
    return {};
}

Result<std::unique_ptr<Domain>> loadDomain(const std::string& name, const std::string& corpusFolder)
{
    const auto file = domainFile(name);
    if (file.empty()) {
        const auto names = domainNames();
        return fail(Code::NotFound, fmt::format("There is no domain \"{}\".", name),
                    names.empty() ? "No plugin was found; build the project or set RATCHET_PLUGIN_PATH."
                                  : fmt::format("The domains are: {}.", joined(names)));
    }
    RATCHET_TRY(info, openPlugin(name, file));
    auto made = guarded(name, [&] {
        std::unique_ptr<Domain> domain(info->create());
        if (domain && domain->info().name != name)
            domain.reset();
        return domain;
    });
    if (!made)
        return fail(Code::Environment, made.error().text, "The plugin is at fault, not the lab.");
    if (!*made)
        return fail(Code::Environment, fmt::format("The plugin \"{}\" made no domain of this name.", name));
    auto suites = guarded(name, [&] { return checkSuites((*made)->info(), (*made)->suites()); });
    if (!suites)
        return passOn(suites);
    RATCHET_CHECK(*suites);
    if ((*made)->info().corpus != CorpusUse::None && !corpusFolder.empty()) {
        auto opened = guarded(name, [&] { return (*made)->openCorpus(corpusFolder); });
        if (!opened)
            return passOn(opened);
        RATCHET_CHECK(*opened);
    }
    return std::move(*made);
}

} // namespace ratchet
