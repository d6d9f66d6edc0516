// SPDX-License-Identifier: GPL-3.0-or-later
#include <QtTest>

#include <map>
#include <set>

#include "core/proposer/proposer.h"
#include "tests/core/demo_space.h"

using namespace ratchet;

namespace {

ProposeTask task(int count)
{
    ProposeTask wanted;
    wanted.parent = demoGenome();
    wanted.parentHash = Hash{"parent"};
    wanted.count = count;
    return wanted;
}

std::vector<Proposed> proposed(const ProposeTask& wanted, std::uint64_t seed)
{
    Rng rng(seed);
    return propose(wanted, demoSpace(), demoVocabulary, rng);
}

Attempt attempt(int id, const char* path, const Json& value, double gain, const char* parent)
{
    const Json patch{{{"op", "replace"}, {"path", path}, {"value", value}}};
    const Genome child = applyPatch(demoGenome(), patch).value();
    return {{id}, identityOf(child, Hash{parent}), Hash{parent}, familyOf(path), patch, gain};
}

} // namespace

class TestProposer : public QObject {
    Q_OBJECT
private Q_SLOTS:
    void drawsAsManyAsAreWanted()
    {
        for (const int count : {0, 1, 4, 9}) {
            const auto list = proposed(task(count), 3);
            QCOMPARE(static_cast<int>(list.size()), count);
            std::set<std::string> hashes;
            for (const Proposed& one : list)
                hashes.insert(one.idea.genome.hash().hex);
            QCOMPARE(hashes.size(), list.size());
        }
    }

    void theSameSeedProposesTheSame()
    {
        const auto names = [](std::uint64_t seed) {
            std::string all;
            for (const Proposed& one : proposed(task(6), seed))
                all += one.idea.operatorName + one.idea.genome.hash().hex;
            return all;
        };
        QCOMPARE(names(9), names(9));
        QVERIFY(names(9) != names(10));
    }

    void familiesAreDrawnFairlyWhileNothingIsKnown()
    {
        std::map<std::string, int> firsts;
        constexpr int draws = 700;
        for (std::uint64_t seed = 0; seed < draws; ++seed)
            ++firsts[proposed(task(1), seed).front().idea.family];
        QCOMPARE(firsts.size(), 7U);
        for (const auto& [family, count] : firsts)                     // 100 each; 5 standard deviations are 46
            QVERIFY2(std::abs(count - draws / 7) < 46, family.c_str());
    }

    void aToothTriesSeveralFamilies()
    {
        std::set<std::string> families;
        for (const Proposed& one : proposed(task(7), 1))
            families.insert(one.idea.family);
        QCOMPARE(families.size(), 7U);                                 // one turn each
    }

    void whatGainedIsTriedMore()
    {
        ProposeTask wanted = task(1);
        LessonRecord good = lessonOn({}, "reasoning", "format = reversed");
        good.tried = 5;
        good.meanGain = 0.6;
        good.varianceGain = 0.0005;
        wanted.lessons = {good};
        int first = 0;
        for (std::uint64_t seed = 0; seed < 100; ++seed) {
            const Proposed one = proposed(wanted, seed).front();
            first += one.idea.operatorName == "format = reversed";
            if (one.idea.operatorName == "format = reversed")
                QCOMPARE(one.predictedGain, 0.6);
        }
        QVERIFY2(first > 50 && first < 100, std::to_string(first).c_str());    // mostly, and never only that
    }

    void duplicatesAreAnsweredFromMemory()
    {
        ProposeTask wanted = task(40);                                 // more than there is
        wanted.attempts = {attempt(3, "/reasoning/format", "reversed", -0.1, "elsewhere"),
                           attempt(4, "/data/replay", 0.25, -0.1, "elsewhere"), attempt(5, "/data/replay", 0.5, -0.1, "parent")};
        int duplicates = 0;
        for (const Proposed& one : proposed(wanted, 2)) {
            if (!one.duplicateOf)
                continue;
            ++duplicates;
            const auto id = one.duplicateOf->value;
            QVERIFY((id == 3 && one.idea.genome.reasoning.format == "reversed") || (id == 5 && one.idea.genome.data.replay == 0.5));
        }
        QCOMPARE(duplicates, 2);                                       // replaying another parent's failures is another trial
    }

    void identityNamesTheParentOnlyWhereItIsUsed()
    {
        Genome genome = demoGenome();
        QCOMPARE(identityOf(genome, Hash{"a"}), identityOf(genome, Hash{"b"}));
        genome.recipe.start = "continue";
        QVERIFY(identityOf(genome, Hash{"a"}) != identityOf(genome, Hash{"b"}));
        genome.recipe.start = "scratch";
        genome.recipe.distillation = 0.5;                              // from the parent, or from versions by name
        QVERIFY(identityOf(genome, Hash{"a"}) != identityOf(genome, Hash{"b"}));
        genome.recipe.teachers = {"1", "2"};
        QCOMPARE(identityOf(genome, Hash{"a"}), identityOf(genome, Hash{"b"}));
    }

    void theOrderOfTeachersIsNoOtherIdea()
    {
        Genome genome = demoGenome(), other = genome;
        genome.recipe.teachers = {"1", "2"};
        other.recipe.teachers = {"2", "1"};
        QCOMPARE(identityOf(genome, Hash{"a"}), identityOf(other, Hash{"a"}));
        other.recipe.teachers = {"2", "3"};
        QVERIFY(identityOf(genome, Hash{"a"}) != identityOf(other, Hash{"a"}));
    }

    void gainsAreRecombined()
    {
        ProposeTask wanted = task(60);
        wanted.attempts = {attempt(1, "/reasoning/format", "reversed", 0.3, "parent"), attempt(2, "/recipe/optimizer", "muon", 0.2, "parent"),
                           attempt(6, "/architecture/layers", 3, -0.2, "parent")};
        int joined = 0;
        for (const Proposed& one : proposed(wanted, 2)) {
            if (one.idea.family != "recombination")
                continue;
            ++joined;
            QCOMPARE(one.idea.genome.reasoning.format, std::string("reversed"));
            QCOMPARE(one.idea.genome.recipe.optimizer, std::string("muon"));
            QCOMPARE(one.idea.genome.architecture.layers, 2);
        }
        QCOMPARE(joined, 1);
    }

    void theAimIsWrittenIntoTheReason()
    {
        ProposeTask wanted = task(2);
        wanted.focus = "carry";
        for (const Proposed& one : proposed(wanted, 2))
            QVERIFY(one.idea.reason.ends_with("Aim: fewer \"carry\" errors."));
    }

    void anEmptySpaceProposesNothing()
    {
        Rng rng(1);
        const auto closed = SearchSpace::fromJson(Json::parse(R"({"paths": {}, "maxParameters": 1000000})")).value();
        QVERIFY(propose(task(4), closed, demoVocabulary, rng).empty());
    }
};

QTEST_GUILESS_MAIN(TestProposer)
#include "tst_proposer.moc"
