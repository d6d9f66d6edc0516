// SPDX-License-Identifier: GPL-3.0-or-later
#include <QtTest>

#include <map>
#include <set>

#include "core/genome/genome_paths.h"
#include "core/proposer/operators.h"
#include "tests/core/demo_space.h"

using namespace ratchet;

namespace {

Elder elder(char name, const Genome& genome, double score, char ancestor)
{
    return {Hash{std::string(64, name)}, genome, Hash{std::string(64, ancestor)}, score, false, true};
}

// The seed model, two that went on from it, the second of which is live, and one from scratch in another format.
std::vector<Elder> archive()
{
    Genome longer = demoGenome();
    longer.recipe.start = "continue";
    Genome reversed = demoGenome();
    reversed.reasoning.format = "reversed";
    std::vector<Elder> list{elder('a', demoGenome(), 0, 'a'), elder('b', longer, 0.4, 'a'), elder('c', longer, 0.6, 'a'), elder('d', reversed, 0.9, 'd')};
    list[0].isAccepted = false;
    list[2].isChampion = true;
    return list;
}

SearchSpace spaceWithVersions(int teachers, int members)
{
    Json json = demoSpace().toJson();
    json["paths"]["/recipe/distillation"] = {{"low", 0}, {"high", 1}};
    json["paths"]["/recipe/start"] = {{"choices", {"scratch", "continue", "average", "soup", "ensemble"}}};
    if (teachers > 0)
        json["paths"]["/recipe/teachers"] = {{"versions", teachers}};
    if (members > 0)
        json["paths"]["/recipe/members"] = {{"versions", members}};
    return SearchSpace::fromJson(json).value();
}

std::map<std::string, Genome> byName(const Genome& parent, const SearchSpace& space, const std::vector<Elder>& elders)
{
    Rng rng(1);
    std::map<std::string, Genome> found;
    for (const Idea& idea : ideas(parent, space, demoVocabulary, rng, elders))
        if (idea.family == "growth")
            found.emplace(idea.operatorName, idea.genome);
    return found;
}

const char* const smaller = "the champion distilled into a smaller model";
const char* const twoInOne = "the best two distilled into one";
const char* const averaged = "the last versions averaged";
const char* const together = "an ensemble of the best versions";
const char* const soup = "a greedy soup of the last versions";
using Names = std::vector<std::string>;

Names named(const char* letters)
{
    Names list;
    for (; *letters; ++letters)
        list.emplace_back(64, *letters);
    return list;
}

} // namespace

class TestOperators : public QObject {
    Q_OBJECT
private Q_SLOTS:
    void everyIdeaIsAdmittedAndDiffers()
    {
        const SearchSpace space = demoSpace();
        Genome parent = demoGenome();
        std::set<std::string> families;
        for (std::uint64_t seed = 0; seed < 30; ++seed) {              // a walk through the space, child after child
            Rng rng(seed);
            const auto list = ideas(parent, space, demoVocabulary, rng);
            QVERIFY(list.size() > 10U);
            for (const Idea& idea : list) {
                QVERIFY2(idea.genome.hash() != parent.hash(), idea.operatorName.c_str());
                const Status admitted = space.admits(parent, idea.genome, demoVocabulary);
                QVERIFY2(admitted, admitted ? "" : admitted.error().text.c_str());
                QVERIFY(Genome::fromJson(idea.genome.toJson()));       // no heads that do not divide the width
                QVERIFY(!idea.operatorName.empty() && idea.reason.ends_with('.'));
                families.insert(idea.family);
            }
            parent = list[rng.below(list.size())].genome;
        }
        const std::set<std::string> expected{"architecture", "data", "growth", "reasoning", "replay", "self-training", "tuning"};
        QVERIFY(families == expected);
    }

    // Where it would change nothing, or serves to hold something else against, it is left to people.
    void labelsAreDrawnWhereTheySaySomething()
    {
        Json json = demoSpace().toJson();
        json["paths"].update(usualBounds({"/data/labels", "/adaptation/rank", "/adaptation/method"}));
        const SearchSpace space = *SearchSpace::fromJson(json);
        const auto namesOf = [&](const Genome& parent) {
            Rng rng(1);
            std::set<std::string> names;
            for (const Idea& idea : ideas(parent, space, demoVocabulary, rng))
                names.insert(idea.operatorName);
            return names;
        };
        Genome parent = demoGenome();
        const auto without = namesOf(parent);
        QVERIFY(without.contains("expert iteration on harder items"));
        QVERIFY(!without.contains("labels = checked") && !without.contains("rank = 4"));
        parent.data.selfTraining = 0.25;
        parent.recipe.start = "continue";
        parent.adaptation.method = "lora";
        const auto with = namesOf(parent);
        for (const char* name : {"labels = checked", "labels = unfiltered", "rank = 4"})
            QVERIFY2(with.contains(name), name);
        for (const char* arm : {"labels = oracle", "labels = poisoned", "labels = none"})
            QVERIFY2(!with.contains(arm), arm);
        Genome child = parent;
        child.data.labels = "poisoned";
        QVERIFY(space.admits(parent, child, demoVocabulary));          // by hand
    }

    void theSameSeedHasTheSameIdeas()
    {
        const auto namesAndHashes = [](std::uint64_t seed) {
            Rng rng(seed);
            std::vector<std::string> list;
            for (const Idea& idea : ideas(demoGenome(), demoSpace(), demoVocabulary, rng))
                list.push_back(idea.operatorName + idea.genome.hash().hex);
            return list;
        };
        QVERIFY(namesAndHashes(3) == namesAndHashes(3));
        QVERIFY(namesAndHashes(3) != namesAndHashes(4));               // steps are drawn
    }

    void namesAreStableOverParents()
    {
        Rng rng(1);
        Genome other = demoGenome();
        other.recipe.optimizer = "lion";
        std::set<std::string> here, there;
        for (const Idea& idea : ideas(demoGenome(), demoSpace(), demoVocabulary, rng))
            here.insert(idea.operatorName);
        for (const Idea& idea : ideas(other, demoSpace(), demoVocabulary, rng))
            there.insert(idea.operatorName);
        QVERIFY(here.contains("optimizer = lion") && !there.contains("optimizer = lion"));
        here.erase("optimizer = lion");
        there.erase("optimizer = adamw");
        QVERIFY(here == there);
    }

    void whatIsClosedIsNotProposed()
    {
        Json json = demoSpace().toJson();
        json["paths"] = {{"/recipe/learningRate", {{"low", 1e-4}, {"high", 1e-2}, {"log", true}}}};
        Rng rng(1);
        const auto list = ideas(demoGenome(), SearchSpace::fromJson(json).value(), demoVocabulary, rng);
        QCOMPARE(list.size(), 2U);                                     // up and down
        QVERIFY(list[0].genome.recipe.learningRate > 1e-3 && list[1].genome.recipe.learningRate < 1e-3);
    }

    void recombinesWhatFitsTogether()
    {
        const Json rate = Json::parse(R"([{"op": "replace", "path": "/recipe/learningRate", "value": 0.003}])");
        const Json format = Json::parse(R"([{"op": "replace", "path": "/reasoning/format", "value": "reversed"}])");
        const auto both = recombine(demoGenome(), {rate, format}, demoSpace(), demoVocabulary);
        QVERIFY(both);
        QCOMPARE(both->recipe.learningRate, 0.003);
        QCOMPARE(both->reasoning.format, std::string("reversed"));
        QVERIFY(!recombine(*both, {rate}, demoSpace(), demoVocabulary));             // changes nothing
        const Json closed = Json::parse(R"([{"op": "replace", "path": "/recipe/clip", "value": 3}])");
        QVERIFY(!recombine(demoGenome(), {rate, closed}, demoSpace(), demoVocabulary));
        QVERIFY(!recombine(demoGenome(), {Json("nonsense")}, demoSpace(), demoVocabulary));
    }

    void teachersComeFromTheArchive()
    {
        const auto found = byName(demoGenome(), spaceWithVersions(2, 0), archive());
        QVERIFY(found.contains(smaller) && found.contains(twoInOne) && !found.contains(averaged));
        const Genome& student = found.at(smaller);
        QCOMPARE(student.recipe.teachers, named("c"));
        QCOMPARE(student.architecture.feedForwardWidth, 128);
        QCOMPARE(student.architecture.layers, 2);
        QVERIFY(student.recipe.distillation > 0 && student.recipe.start == "continue");
        QCOMPARE(found.at(twoInOne).recipe.teachers, named("cb"));     // the best; what answers in another format teaches nothing
        QCOMPARE(found.at(twoInOne).architecture.layers, 2);
        QVERIFY(!byName(demoGenome(), spaceWithVersions(1, 0), archive()).contains(twoInOne));
        QVERIFY(!byName(demoGenome(), spaceWithVersions(2, 0), {}).contains(smaller));
    }

    void whatCannotGetNarrowerGetsShallower()
    {
        Genome parent = demoGenome();
        parent.architecture.feedForwardWidth = 128;                    // the space has no smaller one
        const auto found = byName(parent, spaceWithVersions(1, 0), archive());
        QCOMPARE(found.at(smaller).architecture.layers, 1);
        parent.architecture.layers = 1;
        QVERIFY(!byName(parent, spaceWithVersions(1, 0), archive()).contains(smaller));
    }

    void averagesHaveOneAncestorAndOneShape()
    {
        const auto found = byName(demoGenome(), spaceWithVersions(0, 4), archive());
        QVERIFY(!found.contains(smaller));
        QCOMPARE(found.at(averaged).recipe.members, named("abc"));
        QCOMPARE(found.at(averaged).recipe.start, std::string("average"));
        QCOMPARE(found.at(soup).recipe.start, std::string("soup"));
        QCOMPARE(byName(demoGenome(), spaceWithVersions(0, 2), archive()).at(averaged).recipe.members, named("bc"));
        auto strangers = archive();
        strangers[1].ancestor = strangers[1].version;
        strangers[0].genome.architecture.layers = 3;
        QVERIFY(!byName(demoGenome(), spaceWithVersions(0, 4), strangers).contains(averaged));
    }

    void whatChangesAnAverageGoesOnFromIt()
    {
        Genome average = demoGenome();
        average.recipe.start = "average";
        average.recipe.members = named("ab");
        const SearchSpace space = spaceWithVersions(2, 4);
        Rng rng(1);
        const auto list = ideas(average, space, demoVocabulary, rng, archive());
        QVERIFY(list.size() > 10U);
        for (const Idea& idea : list)
            QVERIFY2(!idea.genome.recipe.isAverage() || idea.genome.recipe.members == named("abc"), idea.operatorName.c_str());
        const Json rate = Json::parse(R"([{"op": "replace", "path": "/recipe/learningRate", "value": 0.003}])");
        QCOMPARE(recombine(average, {rate}, space, demoVocabulary)->recipe.start, std::string("continue"));
    }

    void anEnsembleIsOfTheBestThatWereAccepted()
    {
        auto elders = archive();
        QCOMPARE(byName(demoGenome(), spaceWithVersions(0, 4), elders).at(together).recipe.members, named("cb"));
        elders.push_back(elder('e', demoGenome(), 0.5, 'e'));          // another ancestor is as good
        elders.push_back(elder('f', demoGenome(), 0.1, 'f'));
        const Genome three = byName(demoGenome(), spaceWithVersions(0, 4), elders).at(together);
        QCOMPARE(three.recipe.members, named("ceb"));
        QCOMPARE(three.recipe.start, std::string("ensemble"));
        QCOMPARE(byName(demoGenome(), spaceWithVersions(0, 2), elders).at(together).recipe.members, named("ce"));
        elders[4].ancestor = elders[5].ancestor = Hash{std::string(64, 'a')};
        elders.push_back(elder('g', three, 0.95, 'a'));                // an ensemble is no member, of an average neither
        const auto found = byName(demoGenome(), spaceWithVersions(1, 4), elders);
        QCOMPARE(found.at(together).recipe.members, named("ceb"));
        QCOMPARE(found.at(averaged).recipe.members, named("bcef"));
    }

    void whatChangesAnEnsembleGoesOnFromItsFirst()
    {
        Genome ensemble = demoGenome();
        ensemble.recipe.start = "ensemble";
        ensemble.recipe.members = named("ab");
        Rng rng(1);
        const auto list = ideas(ensemble, spaceWithVersions(2, 4), demoVocabulary, rng, archive());
        QVERIFY(list.size() > 10U);
        for (const Idea& idea : list)
            QVERIFY2(!idea.genome.recipe.isEnsemble() || idea.genome.recipe.members == named("cb"), idea.operatorName.c_str());
    }

    void populationsAreProposedWhereTheyAreOpen()
    {
        Json json = demoSpace().toJson();
        json["paths"]["/recipe/population"] = {{"choices", {0, 4}}};
        const SearchSpace space = SearchSpace::fromJson(json).value();
        const auto populations = [&](const Genome& parent) {
            Rng rng(1);
            std::map<std::string, std::string> starts;
            for (const Idea& idea : ideas(parent, space, demoVocabulary, rng))
                if (idea.genome.recipe.isPopulation()) {
                    starts[idea.operatorName] = idea.genome.recipe.start;
                    if (idea.family != "tuning")
                        starts["family"] = idea.family;
                }
            return starts;
        };
        const std::map<std::string, std::string> both{{"population = 4", "scratch"}, {"a population from the champion", "continue"}};
        QVERIFY(populations(demoGenome()) == both);
        Genome grown = demoGenome();                                   // what a population left is changed alone
        grown.recipe.population = 4;
        QVERIFY(populations(grown).size() == 1 && populations(grown).contains("a population from the champion"));
    }

    // Only where the child goes on whole from the parent with its optimizer.
    void momentsAreCarriedWhereThereIsSomethingToCarry()
    {
        Json json = demoSpace().toJson();
        json["paths"]["/recipe/moments"] = {{"choices", {"reset", "carry"}}};
        json["paths"]["/adaptation/method"] = {{"choices", {"full", "lora"}}};
        json["paths"]["/recipe/optimizer"] = {{"choices", {"adamw", "lion"}}};
        const SearchSpace space = SearchSpace::fromJson(json).value();
        const auto proposed = [&](const Genome& parent) {
            Rng rng(1);
            std::map<std::string, Genome> found;
            for (Idea& idea : ideas(parent, space, demoVocabulary, rng))
                found.emplace(idea.operatorName, std::move(idea.genome));
            return found;
        };
        const char* const carry = "continue with the optimizer's moments";
        const auto fromScratch = proposed(demoGenome());
        QVERIFY(fromScratch.contains(carry) && !fromScratch.contains("moments = carry"));
        for (const auto& [name, child] : fromScratch)
            QVERIFY2((child.recipe.moments == "carry") == (name == carry), name.c_str());
        const auto onward = proposed(fromScratch.at(carry));
        QVERIFY(onward.contains("moments = reset"));
        QCOMPARE(onward.at("learning rate up").recipe.moments, std::string("carry"));
        for (const char* anew : {"start = scratch", "method = lora", "optimizer = lion"})
            QCOMPARE(onward.at(anew).recipe.moments, std::string("reset"));
        Rng rng(1);
        for (const Idea& idea : ideas(demoGenome(), demoSpace(), demoVocabulary, rng)) // closed there
            QVERIFY(idea.genome.recipe.moments == "reset");
    }

    void preferencesAreLearntOnce()
    {
        const char* const learn = "learn from preferences";
        const auto find = [&](const Genome& parent, const SearchSpace& space) {
            Rng rng(1);
            const auto list = ideas(parent, space, demoVocabulary, rng);
            const auto found = std::find_if(list.begin(), list.end(), [&](const Idea& idea) { return idea.operatorName == learn; });
            return found == list.end() ? std::optional<Idea>() : *found;
        };
        QVERIFY(!find(demoGenome(), demoSpace()));                     // closed there
        Json json = spaceWithVersions(2, 0).toJson();
        json["paths"]["/recipe/preference"] = {{"low", 0}, {"high", 1}};
        json["paths"]["/recipe/preferenceBeta"] = {{"low", 0.02}, {"high", 2}, {"log", true}};
        const SearchSpace space = SearchSpace::fromJson(json).value();
        Genome taught = demoGenome();
        taught.recipe.distillation = 0.5;
        taught.recipe.teachers = named("a");
        for (const Genome& parent : {demoGenome(), taught}) {
            const auto idea = find(parent, space);
            QVERIFY(idea);
            QCOMPARE(idea->family, std::string("tuning"));
            QCOMPARE(idea->genome.recipe.start, std::string("continue"));
            QCOMPARE(idea->genome.recipe.preference, 0.2);
            QVERIFY(idea->genome.recipe.distillation == 0 && idea->genome.recipe.teachers.empty());
        }
        Genome learnt = find(demoGenome(), space)->genome;
        learnt.recipe.preferenceBeta = 0.5;
        Rng rng(1);
        std::set<std::string> names;
        for (const Idea& idea : ideas(learnt, space, demoVocabulary, rng)) {
            names.insert(idea.operatorName);
            QVERIFY2(idea.genome.recipe.preference == 0 || idea.operatorName == learn || idea.operatorName == "preference up",
                     idea.operatorName.c_str());
            QVERIFY2(idea.genome.recipe.preferenceBeta == 0.1, idea.operatorName.c_str());
        }
        QVERIFY(names.contains("start = scratch") && names.contains("format = reversed"));
        QVERIFY(names.contains("distilled from the champion"));
    }

    void familiesFollowThePath_data()
    {
        QTest::addColumn<QString>("path");
        QTest::addColumn<QString>("family");
        for (const auto& [path, family] : {std::pair("/architecture/layers", "architecture"), std::pair("/data/replay", "replay"),
                                           std::pair("/data/selfTraining", "self-training"), std::pair("/data/mixture", "data"),
                                           std::pair("/reasoning/format", "reasoning"), std::pair("/tools/allowed", "tools"),
                                           std::pair("/recipe/optimizer", "tuning"), std::pair("/adaptation/method", "tuning")})
            QTest::addRow("%s", path) << path << family;
    }
    void familiesFollowThePath()
    {
        QFETCH(QString, path);
        QFETCH(QString, family);
        QCOMPARE(familyOf(path.toStdString()), family.toStdString());
    }
};

QTEST_GUILESS_MAIN(TestOperators)
#include "tst_operators.moc"
