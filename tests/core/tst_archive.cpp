// SPDX-License-Identifier: GPL-3.0-or-later
#include <QtTest>

#include <cmath>
#include <map>

#include "core/selector/archive.h"

using namespace ratchet;

namespace {

std::map<std::string, double> frequencies(const std::vector<Archived>& archive, int draws = 40000)
{
    Rng rng(11);
    std::map<std::string, double> shares;
    for (int i = 0; i < draws; ++i)
        shares[chooseParent(archive, rng).hex] += 1.0 / draws;
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
