// SPDX-License-Identifier: GPL-3.0-or-later
#include <QtTest>

#include <set>

#include "core/proposer/operators.h"
#include "tests/core/demo_space.h"

using namespace ratchet;

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
