// SPDX-License-Identifier: GPL-3.0-or-later
// Every path of a genome: that the list is complete and its values can be had, and that docs/genome.md is the list, with the
// domains where each path is open.
#include <QTest>

#include <set>

#include "core/base/file.h"
#include "core/genome/genome_paths.h"
#include "core/genome/search_space.h"
#include "core/plugin/loader.h"

using namespace ratchet;

namespace {

// Every leaf; a mixture counts as one.
void collect(const Json& json, const std::string& path, std::set<std::string>& paths)
{
    if (!json.is_object() || path == "/data/mixture") {
        paths.insert(path);
        return;
    }
    for (const auto& [name, value] : json.items())
        collect(value, fmt::format("{}/{}", path, name), paths);
}

// The domains whose search space opens it or something below it; "all" when all do.
std::string openIn(const std::string& path)
{
    std::vector<std::string> open;
    const auto names = domainNames();
    for (const std::string& name : names) {
        const Json space = loadDomain(name).value()->searchSpace();
        for (const auto& entry : space["paths"].items())
            if (entry.key() == path || entry.key().starts_with(path + "/")) {
                open.push_back(name);
                break;
            }
    }
    return open.size() == names.size() ? "all" : open.empty() ? "-" : fmt::format("{}", fmt::join(open, ", "));
}

// As a domain's search space or what a person opens would have it, in a genome that goes along with it.
bool canBe(const std::string& path, const Json& value)
{
    Genome genome;
    genome.recipe.batch = 64;
    Json json = genome.document();
    if (path.starts_with("/adaptation") || path == "/recipe/preference" || path == "/recipe/preferenceBeta" ||
        path == "/recipe/moments")
        json["recipe"]["start"] = "continue";
    if (path == "/recipe/preferenceBeta")
        json["recipe"]["preference"] = 0.5;
    if (path == "/adaptation/frozenLayers")
        json["architecture"]["layers"] = 6;
    if (path == "/architecture/experts" || path == "/architecture/expertsPerToken")
        json["architecture"].update({{"expertsPerToken", 2}, {"experts", 2}});
    if (path == "/architecture/heads")
        json["architecture"]["kvHeads"] = 1;
    if (path == "/architecture/kvHeads")
        json["architecture"]["heads"] = 8;
    if (path == "/recipe/fineTuning" || value == "average" || value == "soup" || value == "ensemble")
        json["recipe"].update({{"start", "average"}, {"members", {std::string(64, 'a'), std::string(64, 'b')}}});
    json[Json::json_pointer(path)] = value;
    const auto read = Genome::fromJson(json);
    if (!read)
        qWarning("%s", read.error().text.c_str());
    return read.has_value();
}

} // namespace

class TestGenomePaths : public QObject {
    Q_OBJECT

private Q_SLOTS:
    void initTestCase() { qputenv("RATCHET_PLUGIN_PATH", RATCHET_PLUGIN_DIR); }

    void everyPathIsListedOnce()
    {
        std::set<std::string> there, listed;
        collect(Genome().document(), "", there);
        for (const GenomePath& one : genomePaths()) {
            QVERIFY2(listed.insert(one.path).second, one.path.c_str());
            QVERIFY2(one.says.ends_with('.'), one.path.c_str());
        }
        QVERIFY(listed == there);
        QVERIFY(isGenomePath("/data/mixture/steps/1") && isGenomePath("/tools/allowed") && !isGenomePath("/data/lables") && !isGenomePath("data"));
    }

    void usualValuesCanBeHad()
    {
        for (const GenomePath& one : genomePaths()) {
            if (one.usual.is_null())
                continue;
            QVERIFY(SearchSpace::fromJson({{"paths", {{one.path, one.usual}}}, {"maxParameters", 1}}));
            if (one.usual.contains("versions"))
                continue;
            const bool isWhole = one.usual.value("integer", false);
            const auto end = [&](const char* name) { return isWhole ? Json(one.usual[name].get<int>()) : one.usual[name]; };
            for (const Json& value : one.usual.contains("choices") ? one.usual["choices"] : Json::array({end("low"), end("high")}))
                QVERIFY2(canBe(one.path, value), (one.path + " " + value.dump()).c_str());
        }
    }

    void theDocumentListsThem()
    {
        const std::string file = RATCHET_SOURCE_DIR "/docs/genome.md", head = "| path | says | usual values | open in |\n|---|---|---|---|\n";
        std::string table = head;
        for (const GenomePath& one : genomePaths())
            table += fmt::format("| `{}` | {} | {} | {} |\n", one.path, one.says, one.usual.is_null() ? "the domain's" : boundText(one.usual), openIn(one.path));
        const auto document = readFile(file);
        QVERIFY(document);
        const auto begin = document->find(head);
        QVERIFY2(begin != std::string::npos, "docs/genome.md has no table");
        const auto end = document->find("\n\n", begin);
        std::string wanted = *document;
        wanted.replace(begin, (end == std::string::npos ? wanted.size() : end + 1) - begin, table);
        if (wanted == *document)
            return;
        QVERIFY(writeFile(file + ".actual", wanted));
        QFAIL("docs/genome.md lists other paths; see genome.md.actual beside it");
    }
};

QTEST_APPLESS_MAIN(TestGenomePaths)
#include "tst_genome_paths.moc"
