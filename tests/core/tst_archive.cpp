// SPDX-License-Identifier: GPL-3.0-or-later
#include <QtTest>

#include <cmath>
#include <map>

#include "core/selector/archive.h"

using namespace ratchet;

namespace {

std::map<std::string, double> frequencies(const std::vector<Archived>& archive, int draws = 40000, ParentPolicy policy = ParentPolicy::Balanced)
{
    Rng rng(11);
    std::map<std::string, double> shares;
    for (int i = 0; i < draws; ++i)
        shares[chooseParent(archive, rng, policy).hex] += 1.0 / draws;
    return shares;
}

} // namespace

class TestArchive : public QObject {
    Q_OBJECT
private Q_SLOTS:
    void alone()
    {
        QCOMPARE(frequencies({{Hash{"champion"}, 0.5, 0, true, false}}, 100)["champion"], 1.0);
    }

    void onlyTheAcceptedAreParents()
    {
        auto shares = frequencies({{Hash{"champion"}, 0.5, 0, true, true}, {Hash{"rejected"}, 0.9, 0, false, false}});
        QVERIFY(!shares.contains("rejected"));
    }

    void theChampionFourTimesInFive()
    {
        auto shares = frequencies({{Hash{"champion"}, 0.5, 0, true, true}, {Hash{"other"}, 0.4, 3, false, true}});
        QVERIFY(std::abs(shares["champion"] - 0.8) < 0.01);
        QVERIFY(std::abs(shares["other"] - 0.2) < 0.01);
    }

    void theRestByScoreAndChildren()
    {
        // Median 0.5, median absolute deviation 0.1: sigmoids of -1, 0 and 1; the best has a child already.
        auto shares = frequencies({{Hash{"champion"}, 0.9, 0, true, true}, {Hash{"low"}, 0.4, 0, false, true},
                                   {Hash{"middle"}, 0.5, 0, false, true}, {Hash{"high"}, 0.6, 1, false, true}});
        const double low = 1 / (1 + std::exp(1.0)), middle = 0.5, high = 1 / (1 + std::exp(-1.0)) / 2, sum = low + middle + high;
        QVERIFY(std::abs(shares["low"] - 0.2 * low / sum) < 0.006);
        QVERIFY(std::abs(shares["middle"] - 0.2 * middle / sum) < 0.006);
        QVERIFY(std::abs(shares["high"] - 0.2 * high / sum) < 0.006);
    }

    void sequentialAndBestOfNAreControls()
    {
        const std::vector<Archived> archive{{Hash{"seed"}, 0.1, 0, false, false}, {Hash{"champion"}, 0.9, 0, true, true}, {Hash{"other"}, 0.95, 0, false, true}};
        QCOMPARE(frequencies(archive, 100, ParentPolicy::Sequential)["champion"], 1.0);
        QCOMPARE(frequencies(archive, 100, ParentPolicy::BestOfN)["seed"], 1.0);
    }

    void sigmoidTreatsTheChampionLikeTheOthers()
    {
        // Median 0.5, deviation 0.1: sigmoids of -1, 0, 1.
        auto shares = frequencies({{Hash{"champion"}, 0.6, 0, true, true}, {Hash{"low"}, 0.4, 0, false, true}, {Hash{"middle"}, 0.5, 0, false, true},
                                   {Hash{"rejected"}, 0.9, 0, false, false}}, 40000, ParentPolicy::Sigmoid);
        const double low = 1 / (1 + std::exp(1.0)), high = 1 / (1 + std::exp(-1.0)), sum = low + 0.5 + high;
        QVERIFY(std::abs(shares["champion"] - high / sum) < 0.01);
        QVERIFY(std::abs(shares["low"] - low / sum) < 0.01);
        QVERIFY(!shares.contains("rejected"));
    }

    void noveltyFavoursTheUnlike()
    {
        auto shares = frequencies({{Hash{"champion"}, 0.5, 0, true, true, {}, 1}, {Hash{"alike"}, 0.5, 0, false, true, {}, 1},
                                   {Hash{"unlike"}, 0.5, 0, false, true, {}, 4}}, 40000, ParentPolicy::Novelty);
        QVERIFY(std::abs(shares["unlike"] / shares["alike"] - 3.0 / 1.5) < 0.1);       // 1 + 4 / 2 against 1 + 1 / 2
    }

    void cladesWithGoodDescendantsAreFollowed()
    {
        std::vector<Archived> archive{{Hash{"seed"}, 0.1, 0, false, true}, {Hash{"champion"}, 0.9, 0, true, true, Hash{"seed"}},
                                      {Hash{"fertile"}, 0.5, 0, false, true, Hash{"seed"}}};
        for (int i = 0; i < 8; ++i) {
            archive.push_back({Hash{"good" + std::to_string(i)}, 0.6, 0, false, false, Hash{"champion"}});      // all of the champion's failed
            archive.push_back({Hash{"child" + std::to_string(i)}, 0.4, 0, false, true, Hash{"fertile"}});
        }
        auto shares = frequencies(archive, 4000, ParentPolicy::Clade);
        QVERIFY2(shares["champion"] < 0.01, qPrintable(QString::number(shares["champion"])));
        QVERIFY(shares["fertile"] > 0.2);
        QVERIFY(!shares.contains("good1"));
    }

    void islandsAreVisitedAlikeByTheirBest()
    {
        auto shares = frequencies({{Hash{"champion"}, 0.9, 0, true, true, {}, 0, "reversed 5"}, {Hash{"weaker"}, 0.8, 0, false, true, {}, 0, "reversed 5"},
                                   {Hash{"plain"}, 0.2, 0, false, true, {}, 0, "plain 5"}}, 20000, ParentPolicy::Islands);
        QVERIFY(std::abs(shares["champion"] - 0.5) < 0.02 && std::abs(shares["plain"] - 0.5) < 0.02);
        QVERIFY(!shares.contains("weaker"));
    }

    void everyPolicyHasAName()
    {
        for (const auto& name : parentPolicies())
            QCOMPARE(toText(parentPolicyFromText(name).value()), name);
        const auto unknown = parentPolicyFromText("lottery");
        QVERIFY(!unknown && unknown.error().hint.find("islands") != std::string::npos);
        for (const auto& name : parentPolicies()) {
            Rng rng(1);
            QVERIFY(!chooseParent({}, rng, *parentPolicyFromText(name)).isSet());
        }
    }

    void theSameSeedTheSameParents()
    {
        const std::vector<Archived> archive{{Hash{"champion"}, 0.9, 0, true, true}, {Hash{"other"}, 0.4, 0, false, true}};
        Rng one(4), two(4);
        for (int i = 0; i < 100; ++i)
            QCOMPARE(chooseParent(archive, one), chooseParent(archive, two));
    }

    void anEmptyArchiveHasNoParent()
    {
        Rng rng(1);
        QVERIFY(!chooseParent({}, rng).isSet());
    }
};

QTEST_GUILESS_MAIN(TestArchive)
#include "tst_archive.moc"
