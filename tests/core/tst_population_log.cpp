// SPDX-License-Identifier: GPL-3.0-or-later
#include <QtTest>

#include <cmath>
#include <set>

#include "core/genome/population_log.h"

using namespace ratchet;

namespace {

// Three members, three generations; the winner's state was member 0's, then 2's, then 1's.
PopulationLog example()
{
    PopulationLog log{10, 64, {7, 8, 18446744073709551615U}, {}};
    const Hyperparameters with{1e-3, 0.01, 0.1, 0, 0.99};
    log.generations = {{{0, with, 10, false, 2.0, 5e6}, {1, with, 10, false, 3.0, 5e6}, {2, with, 4, true, std::nullopt, 1e6}},
                       {{0, with, 10, false, 1.5, 5e6}, {1, with, 10, false, 1.6, 5e6}, {0, with, 10, false, 1.2, 5e6}},
                       {{0, with, 10, false, 0.9, 5e6}, {2, with, 10, false, 1.0 / 3, 5e6}, {2, with, 10, false, 0.5, 5e6}}};
    return log;
}

} // namespace

class TestPopulationLog : public QObject {
    Q_OBJECT
private Q_SLOTS:
    void whatIsReadIsWhatWasWritten()
    {
        const Json json = Json::parse(example().toJson().dump());      // doubles come back to the last bit
        const PopulationLog read = PopulationLog::fromJson(json).value();
        QVERIFY(read.toJson() == example().toJson());
        QCOMPARE(read.generations[2][1].loss, std::optional(1.0 / 3));
        QVERIFY(read.generations[0][2].isLost && !read.generations[0][2].loss);
        QVERIFY(read.seeds == example().seeds);
    }

    void theLineOfTheBestIsFollowedBack()
    {
        QVERIFY(example().ranking() == (std::vector<int>{1, 2, 0}));
        QVERIFY(example().lineage() == (std::vector<int>{0, 2, 1}));
        PopulationLog first = example();
        first.generations.resize(1);
        QVERIFY(first.ranking() == (std::vector<int>{0, 1, 2}));       // who is lost comes last
        QVERIFY(first.lineage() == std::vector<int>{0});
    }

    void allThatWasDoneIsCounted()
    {
        QCOMPARE(example().stepsOfAll(), 84);
        QCOMPARE(example().flopsOfAll(), 41e6);
    }

    void whatIsNoLogIsRefused_data()
    {
        QTest::addColumn<QString>("change");
        const auto row = [](const char* name, const char* change) { QTest::addRow("%s", name) << QString::fromLatin1(change); };
        row("a member goes on from nobody", R"([{"op": "replace", "path": "/generations/1/0/from", "value": 3}])");
        row("a member goes on from before the first", R"([{"op": "replace", "path": "/generations/1/0/from", "value": -1}])");
        row("a generation misses a member", R"([{"op": "remove", "path": "/generations/1/0"}])");
        row("there are no generations", R"([{"op": "replace", "path": "/generations", "value": []}])");
        row("more steps than a generation has", R"([{"op": "replace", "path": "/generations/1/0/steps", "value": 11}])");
        row("steps without number", R"([{"op": "replace", "path": "/steps", "value": 9000000000000000000}])");
        row("compute comes back", R"([{"op": "replace", "path": "/generations/1/0/flops", "value": -1}])");
        row("a loss in words", R"([{"op": "replace", "path": "/generations/1/0/loss", "value": "low"}])");
        row("a field too many", R"([{"op": "add", "path": "/generations/1/0/luck", "value": 1}])");
    }
    void whatIsNoLogIsRefused()
    {
        QFETCH(QString, change);
        const auto read = PopulationLog::fromJson(example().toJson().patch(Json::parse(change.toStdString())));
        QVERIFY(!read && read.error().code == Code::BadInput);
    }

    void whatIsOffStaysOffAndTheRestIsAGenomes()
    {
        Genome genome;
        genome.recipe.learningRate = 9;
        genome.recipe.weightDecay = 9;
        genome.recipe.labelSmoothing = 0.8;
        genome.recipe.ema = 0.999;
        Rng rng(1);
        Hyperparameters walked = Hyperparameters::of(genome.recipe);
        std::set<double> rates;
        for (int i = 0; i < 200; ++i) {
            walked = i % 2 == 0 ? walked.spread(rng) : walked.explored(rng);
            Genome moved = genome;
            moved.recipe = walked.in(genome.recipe);
            QVERIFY(Genome::fromJson(moved.toJson()));
            QCOMPARE(moved.recipe.dropout, 0.0);
            QVERIFY(moved.recipe.ema > 0);
            QVERIFY(moved.recipe.batch == genome.recipe.batch);
            rates.insert(moved.recipe.learningRate);
        }
        QVERIFY(rates.size() > 50);
        genome.recipe.ema = 0;
        QCOMPARE(Hyperparameters::of(genome.recipe).explored(rng).ema, 0.0);
    }

    // Log-uniform over a factor of nine: half of the draws lie below the genome's own, and none beyond a third or three times.
    void theStartIsSpreadEvenlyOnBothSides()
    {
        Rng rng(3);
        const Hyperparameters own{1e-3, 0.01, 0, 0, 0};
        int below = 0;
        for (int i = 0; i < 2000; ++i) {
            const double factor = own.spread(rng).learningRate / own.learningRate;
            QVERIFY(factor > 1 / 3.001 && factor < 3.001);
            below += factor < 1;
        }
        QVERIFY(std::abs(below - 1000) < 5 * std::sqrt(500.0));
    }
};

QTEST_GUILESS_MAIN(TestPopulationLog)
#include "tst_population_log.moc"
